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
	if len(b) >= 2 && b[0]&0x1f == nalFUA {
		return b[1]&0x1f == nalIDR
	}
	return h264Has(b, 1<<nalIDR|1<<nalSPS)
}

// H264Parameters tells whether the payload carries a sequence parameter set:
// what precedes it in its frame, delimiters and messages, can be missed.
func H264Parameters(b []byte) bool { return h264Has(b, 1<<nalSPS) }

// h264Has tells whether a unit of one of the kinds stands in the payload,
// alone or in a STAP-A. kinds has a bit for each.
func h264Has(b []byte, kinds uint32) bool {
	if len(b) < 1 {
		return false
	}
	if b[0]&0x1f != nalSTAPA {
		return kinds>>(b[0]&0x1f)&1 != 0
	}
	for rest := b[1:]; len(rest) >= 3; {
		if kinds>>(rest[2]&0x1f)&1 != 0 {
			return true
		}
		size := 2 + int(binary.BigEndian.Uint16(rest))
		if size > len(rest) {
			break
		}
		rest = rest[size:]
	}
	return false
}
