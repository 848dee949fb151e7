package wire

import "strconv"

// text is the text of a lock command's reply, after the number.
type text struct{ yes, no string }

// texts are from the tables of docs/protocol.md (GET-4, REL-4, INS-2,
// SGET-3, SREL-4, SINS-3, CLASSIC-1). In the glockd dialect the name follows.
var texts = [2][NumCommands]text{
	Glockd: {
		Get:           {"Lock Get Success: ", "Lock Get Failure: "},
		Release:       {"Lock Release Success: ", "Lock Release Failure: "},
		Inspect:       {"Lock Is Locked: ", "Lock Not Locked: "},
		GetShared:     {"Shared Lock Get Success: ", ""},
		ReleaseShared: {"Shared Lock Release Success: ", "Shared Lock Release Failure: "},
		InspectShared: {"Shared Lock Is Locked: ", "Shared Lock Not Locked: "},
	},
	Classic: {
		Get:           {"Got Lock", "Cannot Get Lock"},
		Release:       {"Released Lock", "Cannot Release Lock"},
		Inspect:       {"Locked", "Not Locked"},
		GetShared:     {"Got Lock", ""},
		ReleaseShared: {"Released Lock", "Cannot Release Lock"},
		InspectShared: {"Locked", "Not Locked"},
	},
}

// AppendLock appends the reply to a lock command. n is its number, 0 for no
// (REPLY-2).
func (d Dialect) AppendLock(dst []byte, command Command, n int, name []byte) []byte {
	if n < 10 {
		dst = append(dst, '0'+byte(n), ' ')
	} else {
		dst = append(strconv.AppendInt(dst, int64(n), 10), ' ')
	}
	if n > 0 {
		dst = append(dst, texts[d][command].yes...)
	} else {
		dst = append(dst, texts[d][command].no...)
	}
	if d == Glockd {
		dst = append(dst, name...)
	}
	return d.AppendEnd(dst)
}

// AppendMe appends the reply to me (ME-1).
func (d Dialect) AppendMe(dst []byte, addr, name string) []byte {
	dst = append(dst, "1 "...)
	dst = append(dst, addr...)
	dst = append(dst, ' ')
	dst = append(dst, name...)
	return d.AppendEnd(dst)
}

// AppendOK appends the reply to iam (IAM-1, IAM-2).
func (d Dialect) AppendOK(dst []byte) []byte {
	return d.AppendEnd(append(dst, "1 ok"...))
}

// AppendDisabled appends the reply to a command whose feature is off (DUMP-9,
// IAM-3, WHO-3).
func (d Dialect) AppendDisabled(dst []byte) []byte {
	return d.AppendEnd(append(dst, "0 disabled"...))
}

// AppendInvalid appends the reply to an unknown command, for servers that are
// configured to send one (BAD-2).
func (d Dialect) AppendInvalid(dst, word []byte) []byte {
	dst = append(dst, "0 Invalid Command: "...)
	return d.AppendEnd(append(dst, word...))
}

// AppendTooLong appends the reply to a line over the limit (BAD-3).
func (d Dialect) AppendTooLong(dst []byte) []byte {
	return d.AppendEnd(append(dst, "0 Line Too Long"...))
}

// AppendTooMany appends the reply to a connection over the limit (BAD-4).
func (d Dialect) AppendTooMany(dst []byte) []byte {
	return d.AppendEnd(append(dst, "0 Too Many Connections"...))
}

// AppendLimit appends the reply to an acquisition over the limit (BAD-5).
func (d Dialect) AppendLimit(dst, name []byte) []byte {
	dst = append(dst, "0 Lock Limit Reached: "...)
	return d.AppendEnd(append(dst, name...))
}

// AppendTooLarge appends the reply to a dump over the limit (DUMP-10).
func (d Dialect) AppendTooLarge(dst []byte) []byte {
	return d.AppendEnd(append(dst, "0 Reply Too Large"...))
}

// AppendForeign appends the reply to a stream of another protocol (BAD-7).
func (d Dialect) AppendForeign(dst []byte, split Split) []byte {
	name := "0 HTTP Not Supported"
	if split == TLSHello {
		name = "0 TLS Not Supported"
	}
	return d.AppendEnd(append(dst, name...))
}
