package packet

import "encoding/binary"

// VP9 is the payload descriptor of a VP9 packet (RFC 9628 section 4.2).
//
//	 0 1 2 3 4 5 6 7
//	|I|P|L|F|B|E|V|Z|  required
//	|M| PictureID   |  if I; two bytes if M
//	|TID|U| SID |D  |  if L (3, 1, 3, 1 bits)
//	|   TL0PICIDX   |  if L and not F
//	| P_DIFF      |N|  if P and F; up to three times
//	| scalability structure, if V
type VP9 struct {
	Len             int
	Start, End      bool  // B, E: of the frame, which is one spatial layer of a picture
	Keyframe        bool  // nothing before this picture is needed
	InterPicture    bool  // P
	InterLayer      bool  // D
	NotReference    bool  // Z: not used by a higher spatial layer
	SwitchUp        bool  // U
	Flexible        bool  // F
	PictureID       int32 // -1: absent
	LongID          bool
	TL0             int16           // -1: absent
	TID, SID        int8            // -1: absent
	Refs            [maxRefs]uint16 // flexible mode: pictures that it refers to, by their distance
	Count           uint8           // of Refs
	SpatialLayers   int8            // of the scalability structure; 0 without one
	Widths, Heights [8]uint16
}

// ParseVP9 reads the descriptor at the start of an RTP payload.
func ParseVP9(b []byte) (VP9, bool) {
	v := VP9{PictureID: -1, TL0: -1, TID: -1, SID: -1}
	if len(b) < 1 {
		return v, false
	}
	bits := b[0]
	v.InterPicture, v.Flexible = bits&0x40 != 0, bits&0x10 != 0
	v.Start, v.End = bits&0x08 != 0, bits&0x04 != 0
	v.NotReference = bits&0x01 != 0
	n, ok := 1, true
	if bits&0x80 != 0 {
		if n, ok = v.parsePictureID(b, n); !ok {
			return v, false
		}
	}
	if bits&0x20 != 0 {
		if n, ok = v.parseLayer(b, n); !ok {
			return v, false
		}
	}
	if v.InterPicture && v.Flexible {
		for i, more := 0, true; more; i++ {
			if n >= len(b) || i == 3 {
				return v, false
			}
			more = b[n]&1 != 0
			v.Refs[i], v.Count = uint16(b[n]>>1), uint8(i+1)
			n++
		}
	}
	if bits&0x02 != 0 {
		if n, ok = v.parseStructure(b, n); !ok {
			return v, false
		}
	}
	v.Len = n
	v.Keyframe = !v.InterPicture && (v.SID <= 0 || !v.InterLayer)
	return v, true
}

func (v *VP9) parsePictureID(b []byte, n int) (int, bool) {
	if n >= len(b) {
		return 0, false
	}
	v.PictureID = int32(b[n] & 0x7f)
	if b[n]&0x80 == 0 {
		return n + 1, true
	}
	if n+1 >= len(b) {
		return 0, false
	}
	v.LongID = true
	v.PictureID = v.PictureID<<8 | int32(b[n+1])
	return n + 2, true
}

func (v *VP9) parseLayer(b []byte, n int) (int, bool) {
	if n >= len(b) {
		return 0, false
	}
	v.TID, v.SID = int8(b[n]>>5), int8(b[n]>>1&7)
	v.SwitchUp, v.InterLayer = b[n]&0x10 != 0, b[n]&1 != 0
	n++
	if v.Flexible {
		return n, true
	}
	if n >= len(b) {
		return 0, false
	}
	v.TL0 = int16(b[n])
	return n + 1, true
}

// parseStructure reads the scalability structure (RFC 9628 section 4.2.1):
// N_S(3) Y G and three reserved bits, then sizes if Y, then the picture group
// if G, which only has to be measured.
func (v *VP9) parseStructure(b []byte, n int) (int, bool) {
	if n >= len(b) {
		return 0, false
	}
	head := b[n]
	v.SpatialLayers = int8(head>>5) + 1
	n++
	if head&0x10 != 0 {
		for i := range int(v.SpatialLayers) {
			if n+4 > len(b) {
				return 0, false
			}
			v.Widths[i] = binary.BigEndian.Uint16(b[n:])
			v.Heights[i] = binary.BigEndian.Uint16(b[n+2:])
			n += 4
		}
	}
	if head&0x08 == 0 {
		return n, true
	}
	if n >= len(b) {
		return 0, false
	}
	pictures := int(b[n])
	n++
	for range pictures {
		if n >= len(b) {
			return 0, false
		}
		n += 1 + int(b[n]>>2&3)
	}
	return n, n <= len(b)
}

// VP9Point is the operating point of a VP9 stream that contains the given
// layers: bit 4*SID+TID of masks. Temporal layers above 3 count as 3.
func VP9Point(sid, tid int8) int8 { return 4*max(sid, 0) + min(max(tid, 0), 3) }

// targets is the mask of operating points that contain the frame: those of
// its own spatial layer and, if they refer to it, of higher ones.
func (v *VP9) targets() uint32 {
	if v.SID < 0 {
		return 1<<32 - 1
	}
	own := uint32(0xF) << min(v.TID, 3) & 0xF
	mask := own << (4 * v.SID)
	if !v.NotReference {
		for s := v.SID + 1; s < 8; s++ {
			mask |= own << (4 * s)
		}
	}
	return mask
}

// WriteVP9 puts another picture id and TL0PICIDX into the descriptor at the
// start of payload b, where it has such fields. A short picture id gets the
// low 7 bits. It fails if b is malformed.
func WriteVP9(b []byte, pictureID uint16, tl0 uint8) bool {
	v, ok := ParseVP9(b)
	if !ok {
		return false
	}
	n := 1
	switch {
	case v.LongID:
		binary.BigEndian.PutUint16(b[n:], 0x8000|pictureID&0x7fff)
		n += 2
	case v.PictureID >= 0:
		b[n] = uint8(pictureID & 0x7f)
		n++
	}
	if v.TL0 >= 0 {
		b[n+1] = tl0
	}
	return true
}
