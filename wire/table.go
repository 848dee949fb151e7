package wire

import (
	"iter"
	"strconv"
)

// Table is a snapshot of one of the two lock tables, as pairs of a name and a
// holder in the order of the reply. The holders of one shared lock are adjacent.
type Table = iter.Seq2[string, string]

// AppendPair appends the line `A: B` of d, sd (DUMP-1, DUMP-3) and who (WHO-1).
func (d Dialect) AppendPair(dst []byte, a, b string) []byte {
	dst = append(dst, a...)
	dst = append(dst, ": "...)
	dst = append(dst, b...)
	return d.AppendEnd(dst)
}

// AppendDump appends the line of dump (DUMP-5).
func (d Dialect) AppendDump(dst []byte, locks Table) []byte {
	dst = append(dst, "map["...)
	separator := ""
	for name, addr := range locks {
		dst = append(dst, separator...)
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = append(dst, addr...)
		separator = " "
	}
	return d.AppendEnd(append(dst, ']'))
}

// AppendDumpShared appends the line of dump shared (DUMP-6).
func (d Dialect) AppendDumpShared(dst []byte, locks Table) []byte {
	dst = append(dst, "map["...)
	first, last := true, ""
	for name, addr := range locks {
		switch {
		case first:
			dst = append(dst, name...)
			dst = append(dst, ":["...)
		case name == last:
			dst = append(dst, ' ')
		default:
			dst = append(dst, "] "...)
			dst = append(dst, name...)
			dst = append(dst, ":["...)
		}
		dst = append(dst, addr...)
		first, last = false, name
	}
	if !first {
		dst = append(dst, ']')
	}
	return d.AppendEnd(append(dst, ']'))
}

// appendTables appends the second array of q full in the classic dialect
// (CLASSIC-5), in the format of PHP's print_r.
func appendTables(dst []byte, exclusive, shared Table) []byte {
	dst = append(dst, "Array\r\n(\r\n    [locks] => Array\r\n        (\r\n"...)
	for name, addr := range exclusive {
		dst = appendElement(dst, "            ", name, addr)
	}
	dst = append(dst, "        )\r\n\r\n    [shares] => Array\r\n        (\r\n"...)
	holder, last := 0, ""
	for name, addr := range shared {
		if holder > 0 && name != last {
			dst = append(dst, "                )\r\n\r\n"...)
			holder = 0
		}
		if holder == 0 {
			dst = appendElement(dst, "            ", name, "Array")
			dst = append(dst, "                (\r\n"...)
		}
		dst = appendElement(dst, "                    ", strconv.Itoa(holder), addr)
		holder, last = holder+1, name
	}
	if holder > 0 {
		dst = append(dst, "                )\r\n\r\n"...)
	}
	return append(dst, "        )\r\n\r\n)\r\n"...)
}

// appendElement appends the line of one element of an array.
func appendElement(dst []byte, indent, key, value string) []byte {
	dst = append(dst, indent...)
	dst = append(dst, '[')
	dst = append(dst, key...)
	dst = append(dst, "] => "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}
