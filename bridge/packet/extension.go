package packet

import "encoding/binary"

// Profiles of the extension block (RFC 8285 sections 4.2 and 4.3). The low
// four bits of the two-byte profile belong to the application.
const (
	profileOneByte = 0xBEDE
	profileTwoByte = 0x1000
)

// Element is one header extension: its negotiated id and its value.
type Element struct {
	ID   uint8
	Data []byte
}

// Extension returns the value of the header extension with the given id. The
// value aliases b. Id 0 (not negotiated) is never found.
//
//	one-byte form:  | ID  | L-1 | L bytes      two-byte form: | ID | L | L bytes
//
// In both, id 0 is a padding byte; in the one-byte form id 15 ends the block.
// A block that is cut short yields what precedes the cut.
func Extension(b []byte, h Header, id uint8) ([]byte, bool) {
	if id == 0 || h.ExtProfile == 0 {
		return nil, false
	}
	at, e := h.ExtStart, Element{}
	for {
		if e, at = nextElement(b, h, at); at < 0 {
			return nil, false
		}
		if e.ID == id {
			return e.Data, true
		}
	}
}

// Elements copies the extensions of the packet into dst, in order, and
// returns how many there were; further ones are left out when dst is full.
// The values alias b.
func Elements(b []byte, h Header, dst []Element) int {
	n, at, e := 0, h.ExtStart, Element{}
	for n < len(dst) {
		if e, at = nextElement(b, h, at); at < 0 {
			break
		}
		dst[n] = e
		n++
	}
	return n
}

// nextElement reads the element at offset at and returns the offset behind
// it, or -1 when there is none.
func nextElement(b []byte, h Header, at int) (Element, int) {
	end := min(h.ExtEnd, len(b))
	oneByte := h.ExtProfile == profileOneByte
	if !oneByte && h.ExtProfile&0xFFF0 != profileTwoByte {
		return Element{}, -1
	}
	for at < end && b[at] == 0 {
		at++
	}
	if at >= end {
		return Element{}, -1
	}
	var id uint8
	var size int
	if oneByte {
		id, size = b[at]>>4, int(b[at]&0x0f)+1
		at++
		if id == 0 || id == 15 { // id 0 with a length ends the block too
			return Element{}, -1
		}
	} else {
		if at+2 > end {
			return Element{}, -1
		}
		id, size = b[at], int(b[at+1])
		at += 2
	}
	if at+size > end {
		return Element{}, -1
	}
	return Element{ID: id, Data: b[at : at+size]}, at + size
}

// oneByteForm tells whether all elements fit the one-byte form.
func oneByteForm(elements []Element) bool {
	for _, e := range elements {
		if e.ID > 14 || len(e.Data) == 0 || len(e.Data) > 16 {
			return false
		}
	}
	return true
}

// ExtensionsLen returns the length of the block that WriteExtensions writes.
func ExtensionsLen(elements []Element) int {
	if len(elements) == 0 {
		return 0
	}
	perElement := 2
	if oneByteForm(elements) {
		perElement = 1
	}
	n := 0
	for _, e := range elements {
		n += perElement + len(e.Data)
	}
	return 4 + (n+3)&^3
}

// WriteExtensions writes an extension block with its 4-byte head into dst and
// returns its length; 0 without elements. dst must have ExtensionsLen bytes.
// The one-byte form is used when every element fits it, because receivers
// without a=extmap-allow-mixed know only that one.
func WriteExtensions(dst []byte, elements []Element) int {
	n := ExtensionsLen(elements)
	if n == 0 {
		return 0
	}
	dst = dst[:n]
	oneByte := oneByteForm(elements)
	binary.BigEndian.PutUint16(dst, profileTwoByte)
	if oneByte {
		binary.BigEndian.PutUint16(dst, profileOneByte)
	}
	binary.BigEndian.PutUint16(dst[2:], uint16(n/4-1))
	at := 4
	for _, e := range elements {
		if oneByte {
			dst[at] = e.ID<<4 | uint8(len(e.Data)-1)
			at++
		} else {
			dst[at], dst[at+1] = e.ID, uint8(len(e.Data))
			at += 2
		}
		at += copy(dst[at:], e.Data)
	}
	clear(dst[at:])
	return n
}

// WriteHeader writes an RTP header for h (its marker, payload type, sequence
// number, timestamp and SSRC; no CSRCs, no padding) with the given extensions
// into dst and returns its length, 0 if dst is too short.
func WriteHeader(dst []byte, h Header, elements []Element) int {
	n := 12 + ExtensionsLen(elements)
	if len(dst) < n {
		return 0
	}
	dst[0] = 0x80
	if len(elements) > 0 {
		dst[0] |= 0x10
	}
	dst[1] = h.PayloadType & 0x7f
	if h.Marker {
		dst[1] |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], h.SequenceNumber)
	binary.BigEndian.PutUint32(dst[4:], h.Timestamp)
	binary.BigEndian.PutUint32(dst[8:], h.SSRC)
	WriteExtensions(dst[12:], elements)
	return n
}
