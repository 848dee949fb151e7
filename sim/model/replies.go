package model

// lockReply holds the texts of one row of the tables of replies. The glockd
// texts are followed by the name.
type lockReply struct{ yes, no, classicYes, classicNo string }

// The tables of replies [GET-4, REL-4, INS-2, SGET-3, SREL-4, SINS-3,
// CLASSIC-1].
var (
	getReply           = lockReply{"Lock Get Success: ", "Lock Get Failure: ", "Got Lock", "Cannot Get Lock"}
	releaseReply       = lockReply{"Lock Release Success: ", "Lock Release Failure: ", "Released Lock", "Cannot Release Lock"}
	inspectReply       = lockReply{"Lock Is Locked: ", "Lock Not Locked: ", "Locked", "Not Locked"}
	sharedGetReply     = lockReply{"Shared Lock Get Success: ", "", "Got Lock", ""}
	sharedReleaseReply = lockReply{"Shared Lock Release Success: ", "Shared Lock Release Failure: ", "Released Lock", "Cannot Release Lock"}
	sharedInspectReply = lockReply{"Shared Lock Is Locked: ", "Shared Lock Not Locked: ", "Locked", "Not Locked"}
)
