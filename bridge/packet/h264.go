package packet

import "encoding/binary"

// NAL unit types (RFC 6184 section 5.2, H.264 table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// H264Keyframe tells whether an H.264 RTP payload begins, or is part of, a
// frame that can be decoded without earlier ones: it carries an IDR slice or
// a sequence parameter set, alone, in a STAP-A or as a fragment.
func H264Keyframe(b []byte) bool {
	if len(b) < 1 {
		return false
	}
	switch kind := b[0] & 0x1f; kind {
	case nalIDR, nalSPS:
		return true
	case nalSTAPA:
		for rest := b[1:]; len(rest) >= 3; {
			if kind := rest[2] & 0x1f; kind == nalIDR || kind == nalSPS {
				return true
			}
			size := 2 + int(binary.BigEndian.Uint16(rest))
			if size > len(rest) {
				return false
			}
			rest = rest[size:]
		}
	case nalFUA:
		return len(b) >= 2 && b[1]&0x1f == nalIDR
	}
	return false
}
