// Package script is the language of conformance cases: it reads the scripts in
// sim/conformance/cases and checks that they are well formed. It does not run them, as
// sim/conformance/engine does. Begin with [Load], and with the language itself:
//
// # Cases
//
// A case cites the clauses of docs/protocol.md that it tests; their text and their levels
// are defined there alone. A case belongs to the highest level of its clauses. Its id
// never changes; cases have no numbers and no order.
//
//	case get-refused-while-held
//	clause GET-2
//	title A name that another connection holds is refused.
//	a> g $x
//	a< yes
//	b> g $x
//	b< no
//
// A header has the keywords case, clause (one or more ids), title, hint (what servers
// that fail here usually do wrong), needs (see [Need]). The steps follow. A # begins a
// comment line.
//
// # Steps
//
// A step is CONNECTION VERB TEXT. A connection is opened when it is first named. Texts
// know the escapes \n \r \t \v \f \s (space) \\ \$ \@ \xHH, the names $x or ${x}, which
// are unique to one run of one case (x-tag), and @a, the address under which the server
// shows connection a.
//
//	a> TEXT           sends a line: TEXT and LF
//	a>raw TEXT        sends TEXT as it is
//	a>bytewise TEXT   sends TEXT as it is, each byte in a packet of its own
//	a>len N TEXT      sends a line padded with x to N bytes; N may be max+1
//	a>pad N TEXT      the same without the LF
//	a>times N TEXT    sends N lines in one write; # is the line's number
//	a>text TEXT       sends TEXT as one WebSocket message; also a>binary
//	a< yes|no|N       reads a line and checks its INT only
//	a<times N yes|no|count   the same for N lines; count: 1, 2, 3…
//	a<exact CMD yes|no|N NAME   reads the reply to CMD in the dialect's words
//	a<line TEXT       reads exactly this line, with any line end
//	a<ending          reads a line and checks its line end only
//	a<unknown WORD    what an unknown command is answered: nothing, or BAD-2
//	a<silent          nothing more is answered (proved by another command)
//	a<token NAME      reads a reply to t or st: a number above 0, and the name
//	a<nothing         nothing is answered for a tenth of a second: a waits
//	a~waiters N NAME  asks until N connections wait for names that begin with NAME
//	a<message TYPE N  the next message has this type and N lines
//	a<eof             the stream ends, and is not reset
//	a? TEXT           sends a line; the | lines below it are the whole answer
//	a?own TEXT        the same, for the lines with this case's names only
//	a?full TEXT       the same, without the lines of figures
//	a?shape TEXT      the same, with N in the place of every figure
//	a?stats           sends q and keeps its figures
//	a?delta KEY=N …   sends q again and compares with the figures that a?stats kept
//	a?keys KEY …      sends q and compares its keys and their order
//	a~ yes|no|N TEXT  sends a line until its INT is this, within the time limit
//	a~delta KEY=N …   the same for figures; also a~own TEXT
//	a open [other]    opens a connection explicitly; other: another transport
//	a close           closes; also: half-close, reset
//	pause N           does nothing for N milliseconds
//	stop              asks the server to stop gracefully
//	handshake ORIGIN STATUS   a WebSocket handshake from a page of ORIGIN
//	go NAME           runs the scenario of that name, of sim/conformance/scenario
package script
