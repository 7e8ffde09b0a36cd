package egress

import "steg/bridge/packet"

// vp8 thins temporal layers and keeps picture ids and TL0PICIDX continuous
// (RFC 7741 section 4.2). Dropped frames leave no gap in the picture ids, lost
// ones do, so that the receiver can tell them apart.
type vp8 struct {
	plain
	out     offsets // of the frames to come
	picture uint16  // picture id of the newest frame as the receiver counts
	short   uint16  // newest 7-bit picture id, extended to 15 bits
	tl0     uint8
	level   int8 // highest temporal layer whose references were all forwarded
	begun   bool
	flat    bool // no TL0PICIDX came since begin: what it continues from is open
}

func (v *vp8) entry(p *packet.Packet) bool { return p.Frame.Keyframe && p.Frame.Start }

func (v *vp8) begin(p *packet.Packet, _ Target) {
	if p.Frame.PictureID >= 0 && !p.Frame.LongID {
		v.short = uint16(p.Frame.PictureID)
	}
	if v.begun {
		v.out.picture = pictureID(p, v.short) - v.picture - 1
		v.flat = true
	}
	v.out.near = v.short
	v.begun, v.level = true, anyTID
	v.note(p)
}

// limit is that of the target. On the way down only the base layer flows, on
// the way up everything.
func (v *vp8) limit(enc int8, t Target) int8 {
	switch {
	case t.Encoding < enc:
		return 0
	case t.Encoding > enc || t.TID < 0:
		return anyTID
	}
	return t.TID
}

// frame follows the temporal structure by the nearest earlier frame of the
// same or a lower layer: if that was dropped, nothing that needs it may pass.
// Lost frames in between count as forwarded, since they may still come.
func (v *vp8) frame(p *packet.Packet, t Target) bool {
	v.note(p)
	tid := max(p.Frame.TID, 0)
	if tid <= min(v.limit(int8(p.Encoding), t), v.level) {
		v.level = anyTID
		return true
	}
	v.level = min(v.level, tid-1)
	if p.Frame.PictureID >= 0 {
		v.out.picture++
		v.picture--
	}
	return false
}

func (v *vp8) note(p *packet.Packet) {
	if p.Frame.PictureID >= 0 {
		id := pictureID(p, v.short)
		if !p.Frame.LongID {
			v.short = id
			if id-v.out.near >= nearby {
				v.out.near = id
			}
		}
		v.picture = id - v.out.picture
	}
	if p.Frame.TL0 >= 0 {
		if v.flat {
			v.out.tl0, v.flat = uint8(p.Frame.TL0)-v.tl0-1, false
		}
		v.tl0 = uint8(p.Frame.TL0) - v.out.tl0
	}
}

// nearby is how far 7-bit picture ids may run before a new run of numbers
// begins; less than half their range.
const nearby = 32

// pictureID is the packet's picture id. One of 7 bits is extended to the
// nearest to near, because it leaves with 15 bits.
func pictureID(p *packet.Packet, near uint16) uint16 {
	id := uint16(p.Frame.PictureID)
	if !p.Frame.LongID {
		id = near + uint16(int16(int8((id-near)<<1)>>1))
	}
	return id & 0x7fff
}

func (v *vp8) scope(enc int8, t Target) scope { return scope{noPoint, v.limit(enc, t)} }
func (v *vp8) late(enc int8, t Target) scope  { return scope{noPoint, min(v.limit(enc, t), v.level)} }
func (v *vp8) offsets() offsets               { return v.out }

func (v *vp8) payload(dst []byte, p *packet.Packet, o offsets) int {
	src := p.Payload()
	written, used := packet.WriteVP8(dst, src, pictureID(p, o.near)-o.picture, uint8(p.Frame.TL0)-o.tl0)
	if written == 0 || len(dst)-written < len(src)-used {
		return 0
	}
	return written + copy(dst[written:], src[used:])
}
