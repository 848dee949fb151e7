package wire

import "bytes"

// How the streams of two other protocols begin (BAD-7). A web page can make its
// browser speak either to any port, followed by lines that the page chooses.

// isTLS says whether a stream that begins with these three bytes is a TLS stream: a
// handshake record of any version.
func isTLS(head [3]byte) bool {
	return head[0] == 0x16 && head[1] == 0x03 && head[2] <= 0x04
}

// isHTTP says whether a line is an HTTP request line: a method in capital letters,
// which no command has, a target and a version.
func isHTTP(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	const version = " HTTP/1.1"
	at := len(line) - len(version)
	return at > 0 && beginsLikeHTTP(line[:at]) && bytes.HasPrefix(line[at:], []byte(version[:6])) &&
		isDigit(line[at+6]) && line[at+7] == '.' && isDigit(line[at+8])
}

// beginsLikeHTTP says whether a line that is too long begins like an HTTP request line.
func beginsLikeHTTP(line []byte) bool {
	method, _, found := bytes.Cut(line, []byte{' '})
	for _, b := range method {
		if b < 'A' || b > 'Z' {
			return false
		}
	}
	return found && len(method) > 0
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
