package packet

import (
	"encoding/binary"
	"errors"
)

// MaxDatagram is the largest datagram that the bridge reads or writes.
const MaxDatagram = 1500

// ErrMalformed reports bytes that are not what their first octets promise.
var ErrMalformed = errors.New("malformed packet")

// Header is the parsed fixed RTP header (RFC 3550 section 5.1) with the
// place of its extension block (RFC 8285).
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	|                           timestamp                           |
//	|                             SSRC                              |
type Header struct {
	Marker         bool
	PayloadType    uint8
	SequenceNumber uint16
	Timestamp      uint32
	SSRC           uint32
	HeaderLen      int    // fixed header, CSRCs and extension block
	Padding        int    // trailing padding bytes, including the count
	ExtProfile     uint16 // 0xBEDE, 0x1000..0x100F, 0 without extensions
	ExtStart       int    // offset of the first extension element
	ExtEnd         int
}

// ParseHeader reads the header of an RTP packet.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return Header{}, ErrMalformed
	}
	h := Header{
		Marker:         b[1]&0x80 != 0,
		PayloadType:    b[1] & 0x7f,
		SequenceNumber: binary.BigEndian.Uint16(b[2:]),
		Timestamp:      binary.BigEndian.Uint32(b[4:]),
		SSRC:           binary.BigEndian.Uint32(b[8:]),
		HeaderLen:      12 + 4*int(b[0]&0x0f),
	}
	if b[0]&0x10 != 0 {
		if len(b) < h.HeaderLen+4 {
			return Header{}, ErrMalformed
		}
		h.ExtProfile = binary.BigEndian.Uint16(b[h.HeaderLen:])
		h.ExtStart = h.HeaderLen + 4
		h.ExtEnd = h.ExtStart + 4*int(binary.BigEndian.Uint16(b[h.HeaderLen+2:]))
		h.HeaderLen = h.ExtEnd
	}
	if len(b) < h.HeaderLen {
		return Header{}, ErrMalformed
	}
	if b[0]&0x20 != 0 {
		h.Padding = int(b[len(b)-1])
		if h.Padding == 0 || h.HeaderLen+h.Padding > len(b) {
			return Header{}, ErrMalformed
		}
	}
	return h, nil
}

// IsRTCP tells RTCP from RTP by the second byte (RFC 5761).
func IsRTCP(b []byte) bool { return len(b) > 1 && b[1] >= 192 && b[1] <= 223 }
