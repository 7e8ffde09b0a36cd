package packet

import "encoding/binary"

// VP8 is the payload descriptor of a VP8 packet (RFC 7741 section 4.2) with
// what the bridge reads of the payload header (section 4.3).
//
//	 0 1 2 3 4 5 6 7
//	|X|R|N|S|R| PID |  required
//	|I|L|T|K| RSV   |  if X
//	|M| PictureID   |  if I; two bytes if M
//	|   TL0PICIDX   |  if L
//	|TID|Y| KEYIDX  |  if T or K
type VP8 struct {
	Len          int   // bytes of descriptor
	Start        bool  // first packet of a frame
	NonReference bool  // no other frame refers to this one
	PictureID    int32 // -1: absent
	LongID       bool
	TL0          int16 // -1: absent
	TID          int8  // -1: absent
	LayerSync    bool
	Keyframe     bool // first packet of a keyframe
	Width        uint16
	Height       uint16 // of a keyframe, if its header is readable
}

// ParseVP8 reads the descriptor at the start of an RTP payload. A payload
// that ends with the descriptor is accepted.
func ParseVP8(b []byte) (VP8, bool) {
	v := VP8{PictureID: -1, TL0: -1, TID: -1, Len: 1}
	if len(b) < 1 {
		return v, false
	}
	v.NonReference = b[0]&0x20 != 0
	v.Start = b[0]&0x17 == 0x10
	if b[0]&0x80 != 0 && !v.parseExtension(b) {
		return v, false
	}
	if p := b[v.Len:]; v.Start && len(p) > 0 && p[0]&1 == 0 {
		v.Keyframe = true
		if len(p) >= 10 && p[3] == 0x9d && p[4] == 0x01 && p[5] == 0x2a {
			v.Width = binary.LittleEndian.Uint16(p[6:]) & 0x3fff
			v.Height = binary.LittleEndian.Uint16(p[8:]) & 0x3fff
		}
	}
	return v, true
}

func (v *VP8) parseExtension(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	bits, n := b[1], 2
	if bits&0x80 != 0 {
		if len(b) < n+1 {
			return false
		}
		v.PictureID = int32(b[n] & 0x7f)
		if b[n]&0x80 != 0 {
			if len(b) < n+2 {
				return false
			}
			v.LongID = true
			v.PictureID = v.PictureID<<8 | int32(b[n+1])
			n++
		}
		n++
	}
	if bits&0x40 != 0 {
		if len(b) < n+1 {
			return false
		}
		v.TL0 = int16(b[n])
		n++
	}
	if bits&0x30 != 0 {
		if len(b) < n+1 {
			return false
		}
		if bits&0x20 != 0 {
			v.TID = int8(b[n] >> 6)
			v.LayerSync = b[n]&0x20 != 0
		}
		n++
	}
	v.Len = n
	return true
}

// WriteVP8 writes the descriptor of payload src into dst with another picture
// id and TL0PICIDX, and returns the length of descriptor written and that of
// the one it replaces; the rest of the payload follows from src[used:]. Both
// are 0 if src is malformed or dst too short.
//
// A field that src does not carry is not added. A 7-bit picture id becomes a
// 15-bit one, one byte longer, because the ids of several encodings that are
// woven into one do not stay in step with 7 bits. dst and src may be the same
// slice only if src has a 15-bit id or none.
func WriteVP8(dst, src []byte, pictureID uint16, tl0 uint8) (written, used int) {
	v, ok := ParseVP8(src)
	grow := 0
	if v.PictureID >= 0 && !v.LongID {
		grow = 1
	}
	if !ok || len(dst) < v.Len+grow {
		return 0, 0
	}
	if v.PictureID < 0 {
		copy(dst, src[:v.Len])
	} else {
		copy(dst[4:], src[3+1-grow:v.Len])
		copy(dst, src[:2])
		binary.BigEndian.PutUint16(dst[2:], 0x8000|pictureID&0x7fff)
	}
	if v.TL0 >= 0 {
		at := 2
		if v.PictureID >= 0 {
			at = 4
		}
		dst[at] = tl0
	}
	return v.Len + grow, v.Len
}
