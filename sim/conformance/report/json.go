package report

import (
	"encoding/json"
	"io"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// reportJSON is a report in JSON. Fields may be added to it, never renamed.
type reportJSON struct {
	Server   Profile        `json:"server"`
	Level    protocol.Level `json:"level"`
	Started  time.Time      `json:"started"`
	Seconds  float64        `json:"seconds"`
	Conforms bool           `json:"conforms"`
	Verdict  string         `json:"verdict"`
	Died     string         `json:"died,omitempty"`
	Crashes  []*Crash       `json:"crashes,omitempty"`
	Levels   []Tally        `json:"levels"`
	Results  []resultJSON   `json:"results"`
}

type resultJSON struct {
	ID           string             `json:"id"`
	Title        string             `json:"title"`
	Level        protocol.Level     `json:"level"`
	Clauses      []protocol.Clause  `json:"clauses"`
	Endpoint     transport.Endpoint `json:"endpoint"`
	Status       Status             `json:"status"`
	Reason       string             `json:"reason,omitempty"`
	Crash        bool               `json:"crash,omitempty"`
	Seconds      float64            `json:"seconds"`
	Failure      *Failure           `json:"failure,omitempty"`
	Hint         string             `json:"hint,omitempty"`
	Conversation []transcript.Entry `json:"conversation,omitempty"`
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	out := reportJSON{
		Server: r.Server, Level: r.Level, Started: r.Started, Seconds: r.Took.Seconds(),
		Conforms: r.Conforms(), Verdict: r.Verdict(), Levels: r.Tallies(),
		Crashes: r.Crashes, Results: []resultJSON{},
	}
	if r.Died != nil {
		out.Died = r.Died.Error()
	}
	for _, result := range r.Results {
		j := resultJSON{
			ID: result.ID, Title: result.Title, Level: result.Level, Clauses: result.Cited,
			Endpoint: result.On, Status: result.Status, Reason: result.Reason, Crash: result.Crash,
			Seconds: result.Duration.Seconds(), Failure: result.Failure, Conversation: result.Conversation,
		}
		if result.Status == Failed {
			j.Hint = result.Advice()
		}
		out.Results = append(out.Results, j)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}
