package protocol

import "slices"

// Clause is one numbered sentence of docs/protocol.md.
type Clause struct {
	ID      string `json:"id"`
	Level   Level  `json:"level"`
	Chapter string `json:"chapter"`
	Text    string `json:"text"` // without links, with backquotes
}

// Clauses returns every clause of docs/protocol.md, in its order.
func Clauses() []Clause { return slices.Clone(clauses) }

// Find returns the clause with an id.
func Find(id string) (c Clause, found bool) {
	if i := Place(id); i >= 0 {
		return clauses[i], true
	}
	return Clause{}, false
}

// Place returns the position of a clause in docs/protocol.md, from 0; -1 if no clause has
// the id.
func Place(id string) int {
	return slices.IndexFunc(clauses, func(c Clause) bool { return c.ID == id })
}
