package life

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lockd/server/core"
)

// scenarios are lives, written as `EVENT -> STEP DEADLINE`, separated by commas. An
// event may begin with the time in milliseconds (`@50`), which stays until the next one.
// The deadline is in milliseconds, `-` is none; then follows how the life has ended, if
// it has.
var scenarios = map[string]string{
	"requests": `admit -> read 100, @60 received -> execute -, executed -> read 160,
		@70 received -> execute -, executed replies -> write 370, @80 wrote 5 left -> write 370,
		@90 wrote 5 -> read 190, @100 heard -> read 200, @199 expire -> read 200,
		@200 expire -> release - timed out, released -> close - timed out, closed -> nothing - timed out`,
	"a batch that fills the output": `admit -> read 100, received -> execute -,
		executed left replies -> write 300, @10 wrote 9 -> execute -, executed left replies -> write 310,
		executed left -> write 310, wrote 9 -> execute -, executed -> read 110`,
	"end of the stream": `admit -> read 100, ended finished -> release - finished,
		released -> close - finished, ended failed -> close - finished, closed -> nothing - finished`,
	"reset":             `admit -> read 100, ended failed -> release - failed, released -> close - failed`,
	"reset with unsent": `admit -> read 100, received -> execute -, executed left replies -> write 300, ended failed -> release - failed, released -> close - failed`,
	"a reader that is too slow": `admit -> read 100, received -> execute -, executed replies -> write 300,
		@299 wrote 262143 left -> write 300, expire -> write 300, @300 expire -> release - timed out, released -> close - timed out`,
	"a reader that is fast enough": `admit -> read 100, received -> execute -, executed replies -> write 300,
		@200 wrote 262144 left -> write 500, @300 wrote 262143 left -> write 500, @400 wrote 1 left -> write 700,
		@700 expire -> release - timed out`,
	"a reader that is fast at once": `admit -> read 100, received -> execute -, executed replies -> write 300,
		@200 wrote 999999999999 left -> write 500`,
	"replies that others cause": `admit -> read 100, @50 owe -> write 350, @60 owe -> write 350, wrote 3 -> read 160,
		ended finished -> release - finished, owe -> release - finished`,
	"a server that stops, silence": `admit -> read 100, @10 stop -> read 30, @15 stop -> read 30, @29 expire -> read 30,
		@30 expire -> release - dropped, released -> end -  dropped, @40 streamended -> discard 1040 dropped,
		@1039 discarded -> discard 2039 dropped, @2039 expire -> close - dropped, closed -> nothing - dropped`,
	"a server that stops, and a client that keeps sending": `admit -> read 100, @90 received 9000000 -> execute -, executed -> read 190,
		@100 stop -> read 120, @115 received -> execute -, executed replies -> write 415, @120 wrote 7 -> read 140,
		@295 heard 1047968 -> read 300, @301 received 606 -> execute -, executed replies -> write 601,
		@310 wrote 7 -> read 310, expire -> read 310, @311 received -> execute -, executed -> release - dropped,
		released -> end - dropped, streamended -> discard 1311 dropped,
		@10000 discarded -> discard 10311 dropped, @10310 discarded -> discard 10311 dropped, @10311 discarded -> close - dropped`,
	"a server that stops, and a client that sends little and often": `admit -> read 100, stop -> read 20, @190 heard 1 -> read 200,
		@199 heard 1 -> read 200, @210 heard 1 -> read 210, expire -> read 210, @211 expire -> release - dropped`,
	"a server that stops, and a client that sends much in a short time": `admit -> read 100, stop -> read 20,
		@10 heard 2000000 -> read 30, @150 heard 2000000 -> read 170, @190 heard 1 -> read 200, @200 heard 1 -> release - dropped`,
	"a server that stops, and a client that has ended": `admit -> read 100, stop -> read 20,
		ended finished -> release - finished, released -> close - finished`,
	"a server that stops, and a client that reads nothing": `admit -> read 100, received -> execute -, executed replies -> write 300,
		stop -> write 300, @299 expire -> write 300, @300 expire -> release - timed out, released -> close - timed out`,
	"a server that stops, and a stream that cannot be ended": `admit -> read 100, stop -> read 20, @20 expire -> release - dropped,
		released -> end - dropped, streamended failed -> close - dropped`,
	"lingering ends with the stream": `admit -> read 100, stop -> read 20, @20 expire -> release - dropped, released -> end - dropped,
		streamended -> discard 1020 dropped, ended finished -> close - dropped`,
	"a server that drops":                `admit -> read 100, received -> execute -, executed replies -> write 300, drop -> release - dropped, released -> close - dropped`,
	"a server that stops and then drops": `admit -> read 100, stop -> read 20, drop -> release - dropped, released -> close - dropped`,
	"dropped while lingering": `admit -> read 100, stop -> read 20, @20 expire -> release - dropped, released -> end - dropped,
		streamended -> discard 1020 dropped, drop -> close - dropped`,
	"refused": `refuse -> write 1000, stop -> write 1000, received -> write 1000, @10 wrote 27 -> end 1000, streamended -> discard 1010,
		@500 discarded -> discard 1010, @1010 discarded -> close - dropped, closed -> nothing - dropped`,
	"refused, silent":          `refuse -> write 1000, wrote 27 -> end 1000, streamended -> discard 1000, @1000 expire -> close - dropped`,
	"refused, reads nothing":   `refuse -> write 1000, @999 expire -> write 1000, @1000 expire -> close - dropped`,
	"refused, and reset":       `refuse -> write 1000, ended failed -> close - dropped`,
	"refused, cannot be ended": `refuse -> write 1000, wrote 27 -> end 1000, streamended failed -> close -`,
	"refused, and dropped":     `refuse -> write 1000, wrote 27 -> end 1000, drop -> close - dropped`,
	"calls that do not apply":  `admit -> read 100, wrote 1 -> read 100, released -> read 100, closed -> read 100, streamended -> read 100, discarded -> read 100, ended finished -> release - finished, received -> release - finished, executed left replies -> release - finished, heard -> release - finished, stop -> release - finished, expire -> release - finished`,
	"waits for a reply": `admit -> read 100, received -> execute -, executed left replies waits -> write 300, wrote 9 -> wait -,
		@5000 expire -> wait -, owe -> write 5300, resumed -> write 5300, wrote 5 -> execute -, executed -> read 5100`,
	"waits, and the server stops": `admit -> read 100, received -> execute -, executed waits -> wait -, stop -> wait -,
		@400 expire -> wait -, owe -> write 700, resumed -> write 700, wrote 5 -> read 400, @401 expire -> release - dropped`,
	"another protocol": `admit -> read 100, received -> execute -, executed left replies ends -> write 300, wrote 9 left -> write 300,
		wrote 9 -> release - dropped, released -> end - dropped, streamended -> discard 1000 dropped,
		@900 discarded -> discard 1000 dropped, @1000 discarded -> close - dropped`,
	"another protocol, and drop": `admit -> read 100, received -> execute -, executed replies ends -> write 300, drop -> release - dropped,
		released -> close - dropped`,
	"another protocol, which reads nothing": `admit -> read 100, received -> execute -, executed replies ends -> write 300,
		@300 expire -> release - timed out, released -> close - timed out`,
	"breaks while it waits":   `admit -> read 100, received -> execute -, executed waits -> wait -, ended failed -> release - failed, resumed -> release - failed`,
	"no limits":               `unlimited -> read -, received -> execute -, executed replies -> write -, wrote 1 left -> write -, wrote 1 -> read -, expire -> read -`,
	"limits too long to add":  `endless -> read -, @5 received -> execute -, executed replies -> write -, @6 wrote 1 left -> write -`,
	"no limits, but it stops": `unlimited -> read -, stop -> read 20, @20 expire -> release - dropped`,
}

var stepNames = [...]string{"read", "execute", "write", "wait", "release", "end", "discard", "close", "nothing"}

func TestScenarios(t *testing.T) {
	for name, text := range scenarios {
		t.Run(name, func(t *testing.T) {
			var l Life
			var now core.Time
			for part := range strings.SplitSeq(text, ",") {
				event, want, _ := strings.Cut(part, "->")
				words := strings.Fields(event)
				if at, ok := strings.CutPrefix(words[0], "@"); ok {
					ms, err := strconv.Atoi(at)
					if err != nil {
						t.Fatal(err)
					}
					now, words = core.Time(ms)*core.Millisecond, words[1:]
				}
				play(t, &l, now, words)
				if got, want := show(&l), strings.Join(strings.Fields(want), " "); got != want {
					t.Fatalf("after%q: got %q, want %q", event, got, want)
				}
			}
		})
	}
}

var limited = &Limits{Write: 300 * core.Millisecond, Idle: 100 * core.Millisecond}

// play calls the method of an event.
func play(t *testing.T, l *Life, now core.Time, words []string) {
	has := func(word string) bool { return strings.Contains(strings.Join(words[1:], " "), word) }
	switch words[0] {
	case "admit":
		*l = Admitted(now, limited)
	case "unlimited":
		*l = Admitted(now, &Limits{})
	case "endless":
		*l = Admitted(now, &Limits{Write: core.Never, Idle: core.Never})
	case "refuse":
		*l = Refused(now, limited)
	case "received":
		l.Received(size(t, words))
	case "heard":
		l.Heard(now, size(t, words))
	case "executed":
		l.Executed(now, has("left"), has("replies"), core.State{Waits: has("waits"), Ends: has("ends")})
	case "resumed":
		l.Resumed(now)
	case "owe":
		l.Owe(now)
	case "wrote":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(err)
		}
		l.Wrote(now, n, has("left"))
	case "ended":
		l.Ended(map[string]End{"finished": Finished, "failed": Failed}[words[1]])
	case "stop":
		l.Stop(now)
	case "drop":
		l.Drop()
	case "expire":
		l.Expire(now)
	case "released":
		l.Released()
	case "streamended":
		l.StreamEnded(now, !has("failed"))
	case "discarded":
		l.Discarded(now)
	case "closed":
		l.Closed()
	default:
		t.Fatalf("there is no event %q", words[0])
	}
}

// size returns the number of bytes in an event.
func size(t *testing.T, words []string) int {
	if len(words) < 2 {
		return 1
	}
	n, err := strconv.Atoi(words[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func show(l *Life) string {
	text := stepNames[l.Step()] + " -"
	if l.Deadline() != core.Never {
		text = fmt.Sprint(stepNames[l.Step()], " ", int64(l.Deadline()/core.Millisecond))
	}
	if l.End() != Open {
		text += " " + l.End().String()
	}
	return text
}
