package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
)

// onConnection has the verbs about a connection, which is opened first if necessary;
// withoutConnection has the others. init fills them, since the functions refer to them.
var (
	onConnection      map[string]func(*Run, *client.Conn, *script.Step) error
	withoutConnection map[string]func(*Run, *script.Step) error
)

func init() {
	onConnection = map[string]func(*Run, *client.Conn, *script.Step) error{
		">":          sendLine,
		">raw":       sendRaw,
		">bytewise":  sendBytewise,
		">len":       sendPadded("\n"),
		">pad":       sendPadded(""),
		">times":     sendTimes,
		">text":      sendMessage(client.TextMessage),
		">binary":    sendMessage(client.BinaryMessage),
		"<":          readOutcome,
		"<times":     readOutcomes,
		"<exact":     readExact,
		"<line":      readLine,
		"<ending":    readEnding,
		"<unknown":   readUnknown,
		"<silent":    readSilence,
		"<nothing":   readNothing,
		"<token":     readToken,
		"<message":   readMessage,
		"<eof":       readEnd,
		"?":          ask,
		"?own":       ask,
		"?full":      ask,
		"?shape":     ask,
		"?stats":     askStatistics,
		"?delta":     askDelta,
		"?keys":      askKeys,
		"~":          eventually,
		"~own":       eventuallyAsk,
		"~delta":     eventuallyDelta,
		"~waiters":   eventuallyWaiters,
		"close":      end((*client.Conn).Close),
		"half-close": end((*client.Conn).HalfClose),
		"reset":      end((*client.Conn).Reset),
	}
	withoutConnection = map[string]func(*Run, *script.Step) error{
		"open":      open,
		"pause":     pause,
		"stop":      stop,
		"handshake": handshake,
		"go":        runScenario,
	}
}

// readsLine has the verbs that read the reply to one command.
var readsLine = map[string]bool{"<": true, "<times": true, "<exact": true, "<line": true, "<ending": true, "~": true}

// end returns the verb that ends a connection in one way. The server may have ended the
// connection already, which is a failure for half-close alone.
func end(how func(*client.Conn) error) func(*Run, *client.Conn, *script.Step) error {
	return func(r *Run, c *client.Conn, s *script.Step) error {
		if err := how(c); err != nil && s.Verb == "half-close" {
			return Broken(c, err)
		}
		return nil
	}
}

func open(r *Run, s *script.Step) error {
	on := r.On
	if s.Arg == "other" {
		for _, e := range r.Subject.Endpoints {
			if e.Transport != r.On.Transport {
				on = e
			}
		}
	}
	_, err := r.Open(s.Conn, on)
	return err
}

func pause(_ *Run, s *script.Step) error {
	n, err := strconv.Atoi(s.Arg)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(n) * time.Millisecond)
	return nil
}

func stop(r *Run, _ *script.Step) error {
	r.Log.Note("", "the server is asked to stop")
	go r.Subject.Stop(r.Ctx)
	return nil
}

// handshake is handshake ORIGIN STATUS, where HOST in ORIGIN is the server's host.
func handshake(r *Run, s *script.Step) error {
	origin, status, _ := strings.Cut(s.Arg, " ")
	want, err := strconv.Atoi(status)
	if err != nil {
		return err
	}
	r.Log.Note("", "handshake with Origin: %s", origin)
	got, err := client.Handshake(r.Ctx, r.On, origin)
	if err != nil {
		return report.Failf(err.Error(), "HTTP status %d", want)
	}
	if got != want {
		return report.Failf(strconv.Itoa(got), "HTTP status %d", want)
	}
	return nil
}

func runScenario(r *Run, s *script.Step) error {
	if r.Scenarios[s.Arg] == nil {
		return fmt.Errorf("no scenario is called %q", s.Arg)
	}
	return r.Scenarios[s.Arg](r)
}
