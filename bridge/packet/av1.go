package packet

import "encoding/binary"

// DependencyDescriptor is the mandatory part of the AV1 dependency descriptor
// (AV1 RTP payload format, appendix A.8.1) and the flags behind it. It is
// used for any codec whose packets carry it.
//
//	|S|E| template  |     frame number (16)      |  mandatory
//	|T|A|D|F|C| ...                               extended, if longer than 3 bytes
type DependencyDescriptor struct {
	Start, End  bool
	Template    uint8
	FrameNumber uint16
	Structure   bool // carries a template dependency structure: a keyframe
	ActiveMask  bool // carries a mask of active decode targets
}

// ParseDependencyDescriptor reads the descriptor from the value of its header
// extension.
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
	return d, true
}
