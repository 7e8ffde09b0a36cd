package packet

import (
	"encoding/binary"
	"math/bits"
)

// DependencyDescriptor is the mandatory part of the AV1 dependency descriptor
// (AV1 RTP payload format, appendix A.8) with the flags behind it and the
// picture size. It is used for any codec whose packets carry it.
//
//	|S|E| template  |     frame number (16)      |  mandatory
//	|T|A|D|F|C| template structure if T ...         extended, if longer than 3 bytes
type DependencyDescriptor struct {
	Start, End    bool
	Template      uint8
	FrameNumber   uint16
	Structure     bool   // carries a template dependency structure: a keyframe
	ActiveMask    bool   // carries a mask of active decode targets
	Width, Height uint16 // of the greatest spatial layer, 0 if not told
}

// ParseDependencyDescriptor reads the descriptor from the value of its header
// extension. A structure that cannot be read leaves only the size unknown.
func ParseDependencyDescriptor(b []byte) (DependencyDescriptor, bool) {
	if len(b) < 3 {
		return DependencyDescriptor{}, false
	}
	d := DependencyDescriptor{
		Start:       b[0]&0x80 != 0,
		End:         b[0]&0x40 != 0,
		Template:    b[0] & 0x3f,
		FrameNumber: binary.BigEndian.Uint16(b[1:]),
	}
	if len(b) > 3 {
		d.Structure = b[3]&0x80 != 0
		d.ActiveMask = b[3]&0x40 != 0
	}
	if d.Structure {
		d.Width, d.Height = structureSize(bitReader{b: b, at: 24 + 5})
	}
	return d, true
}

// AV1Keyframe tells whether an AV1 RTP payload is the first packet of a coded
// video sequence, by the N bit of its aggregation header (AV1 RTP payload
// format section 4.4).
//
//	|Z|Y| W |N|-|-|-|
func AV1Keyframe(b []byte) bool { return len(b) > 0 && b[0]&0x88 == 0x08 }

// maxTemplates is what the 6 bits of a template id can tell apart.
const maxTemplates = 64

// structureSize walks a template dependency structure to the sizes at its end.
func structureSize(r bitReader) (width, height uint16) {
	r.bits(6) // template id offset
	targets := int(r.bits(5)) + 1
	templates, spatial := 0, 0
	for next := uint32(0); next != 3; templates++ {
		if next = r.bits(2); next == 2 {
			spatial++
		}
		if templates == maxTemplates {
			return 0, 0
		}
	}
	r.at += 2 * templates * targets // decode target indications
	for range templates {
		for r.bits(1) != 0 {
			r.bits(4) // frame difference
		}
	}
	if chains := int(r.nonSymmetric(uint32(targets + 1))); chains > 0 {
		for range targets {
			r.nonSymmetric(uint32(chains))
		}
		r.at += 4 * templates * chains // chain differences
	}
	if r.bits(1) == 0 {
		return 0, 0
	}
	for range spatial + 1 {
		width, height = max(width, uint16(r.bits(16)+1)), max(height, uint16(r.bits(16)+1))
	}
	if r.at > 8*len(r.b) {
		return 0, 0
	}
	return width, height
}

// bitReader reads bits from the most significant on; zeros behind the end.
type bitReader struct {
	b  []byte
	at int // bit position
}

func (r *bitReader) bits(n int) uint32 {
	v := uint32(0)
	for range n {
		v <<= 1
		if i := r.at / 8; i < len(r.b) {
			v |= uint32(r.b[i]>>(7-r.at%8)) & 1
		}
		r.at++
	}
	return v
}

// nonSymmetric reads one of n values in as few bits as can be, ns(n) of the
// AV1 specification section 4.10.7.
func (r *bitReader) nonSymmetric(n uint32) uint32 {
	w := bits.Len32(n)
	m := uint32(1)<<w - n
	v := r.bits(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.bits(1)
}
