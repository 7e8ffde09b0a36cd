package egress

import "steg/bridge/packet"

// Limits of what is concluded from what VP9 frames do not tell.
const (
	absences  = 5   // pictures without a spatial layer after which it counts as not sent
	unmarked  = 100 // pictures without a switching-up point after which none is expected
	spatials  = 8
	firstSeen = 1 << 20 // unwrapped number of the first picture
)

// vp9 selects spatial and temporal layers by the payload descriptor (RFC 9628
// section 4.2) and keeps picture ids and TL0PICIDX continuous. A frame is one
// spatial layer of a picture. Dropped frames leave their gaps in the picture
// ids, because references count in pictures.
//
// Where layers depend on each other in every picture, all up to the wanted one
// flow and going down is possible at any picture. Where they do so at
// keyframes only ("k-SVC"), just the wanted one flows behind a keyframe, and
// changing it takes another.
type vp9 struct {
	plain
	out     offsets
	picture uint16 // picture id of the newest picture as the receiver counts
	id      uint16 // and the sender's, extended to 15 bits
	n       uint64 // and unwrapped
	tl0     uint8
	begun   bool

	top, tid int8              // spatial layer and highest temporal layer being forwarded
	want     int8              // spatial layer wanted, of those that there are
	alive    uint8             // spatial layers of which the base flows, as a mask
	level    int8              // highest temporal layer whose references were all forwarded
	past     [spatials]history // of pictures, by spatial layer
	ts       uint64            // of the newest picture

	layers   int8 // spatial layers told by the sender, 0: unknown
	high     int8 // highest one of the newest picture
	recent   int8 // and of those before, while it was less than told
	absent   int  // number of these pictures
	pictures int  // since the start or the latest switching-up point
}

func (v *vp9) entry(p *packet.Packet) bool {
	return p.Frame.Keyframe && p.Frame.Start && p.Frame.SID <= 0 && p.Frame.Depends != nil
}

func (v *vp9) begin(p *packet.Packet, t Target) {
	id := pictureID(p, v.id)
	if v.begun {
		v.out.picture = id - v.picture - 1
		v.out.tl0 = uint8(p.Frame.TL0) - v.tl0 - 1
	}
	*v = vp9{out: v.out, picture: v.picture, tl0: v.tl0, id: id, n: firstSeen, begun: true}
	v.note(p)
	v.nextPicture(p)
	v.start(p, t)
	v.decided(p, true)
}

// start forgets what was before a keyframe. The layers wanted are expected to
// come with it.
func (v *vp9) start(p *packet.Packet, t Target) {
	if n := p.Frame.Depends.Layers; n > 0 && n != v.layers {
		v.layers, v.absent, v.recent = n, 0, 0
	}
	v.aim(int8(p.Encoding), t)
	v.top = v.want
	v.alive, v.level = 2<<v.top-1, anyTID
	v.aim(int8(p.Encoding), t)
}

// note takes the numbers of a frame.
func (v *vp9) note(p *packet.Packet) {
	if p.Frame.PictureID >= 0 {
		id := pictureID(p, v.id)
		v.n += uint64(int64(int16((id-v.id)<<1) >> 1))
		v.id, v.picture = id, (id-v.out.picture)&0x7fff
	}
	if p.Frame.TL0 >= 0 {
		v.tl0 = uint8(p.Frame.TL0) - v.out.tl0
	}
}

// number is the unwrapped number of the picture of p.
func (v *vp9) number(p *packet.Packet) uint64 {
	if p.Frame.PictureID < 0 {
		return 0
	}
	return v.n + uint64(int64(int16((pictureID(p, v.id)-v.id)<<1)>>1))
}

// nextPicture ends the picture before p's: a spatial layer that has long been
// missing counts as not sent.
func (v *vp9) nextPicture(p *packet.Packet) {
	if v.high < v.layers-1 {
		v.absent++
		v.recent = max(v.recent, v.high)
	} else {
		v.absent, v.recent = 0, 0
	}
	v.ts, v.high = p.TS, 0
	v.pictures++
}

// aim works out what is wanted: below the target encoding the least, above it
// everything.
func (v *vp9) aim(enc int8, t Target) {
	sent := max(v.high, v.top)
	if v.layers > 0 {
		sent = v.layers - 1
	}
	if v.absent >= absences {
		sent = min(sent, max(v.recent, v.high))
	}
	v.want, v.tid = sent, anyTID
	switch {
	case t.Encoding < enc:
		v.want, v.tid = 0, 0
	case t.Encoding == enc:
		if t.SID >= 0 {
			v.want = min(sent, t.SID)
		}
		if t.TID >= 0 {
			v.tid = t.TID
		}
	}
	switch {
	case v.want < v.top:
		v.tid = 0 // on the way down
	case v.want > v.top:
		v.tid = anyTID // on the way up
	}
}

// frame decides on one spatial layer of a picture.
//
//  1. a keyframe starts all layers that are wanted
//  2. a lower layer takes over at a picture, if it has been flowing
//  3. a higher one, if it does not need its own past
//  4. the frame passes if a layer wanted needs it and it can be decoded
func (v *vp9) frame(p *packet.Packet, t Target) bool {
	f, d := &p.Frame, p.Frame.Depends
	if d == nil {
		return false
	}
	sid := max(f.SID, 0)
	if p.TS != v.ts {
		v.nextPicture(p)
	}
	v.note(p)
	v.high = max(v.high, sid)
	if d.Layers > 0 && d.Layers != v.layers {
		v.layers, v.absent, v.recent = d.Layers, 0, 0
	}
	v.aim(int8(p.Encoding), t)
	v.top = v.flowing()
	switch {
	case f.Keyframe && sid == 0:
		v.start(p, t)
	case v.want < v.top && sid == 0 && v.flows(v.want) && v.past[v.want].fate(v.n-1) != unknown:
		v.top = v.want
	case sid > v.top && sid <= v.want && !d.InterPicture && (!d.InterLayer || v.past[sid-1].fate(v.n) == forwarded):
		v.top = sid
	}
	v.aim(int8(p.Encoding), t)
	pass := v.decodable(p) && max(f.TID, 0) <= v.tid && f.Targets>>packet.VP9Point(v.top, f.TID)&1 != 0
	v.decided(p, pass)
	return pass
}

// decodable tells whether nothing that the frame refers to was dropped. Lost
// frames count as forwarded, since they may still come, if the frame's
// temporal layer is one of those that flow.
func (v *vp9) decodable(p *packet.Packet) bool {
	d, sid, n := p.Frame.Depends, max(p.Frame.SID, 0), v.number(p)
	sure := true
	if d.InterLayer && sid > 0 {
		if v.hollow(sid, n) {
			return false
		}
		sure = v.past[sid-1].fate(n) == forwarded
	}
	if d.InterPicture {
		if d.Flexible && v.past[sid].lacks(n, d.Refs[:d.Count]) {
			return false
		}
		sure = sure && d.Flexible && v.past[sid].has(n, d.Refs[:d.Count])
	}
	return sure || max(p.Frame.TID, 0) <= v.level && (v.flows(sid) || !d.InterPicture)
}

// hollow tells whether, in picture n, the nearest layer below sid that came was
// dropped.
func (v *vp9) hollow(sid int8, n uint64) bool {
	for below := sid - 1; below >= 0; below-- {
		if f := v.past[below].fate(n); f != unknown {
			return f == dropped
		}
	}
	return false
}

// decided notes what became of a frame.
func (v *vp9) decided(p *packet.Packet, pass bool) {
	d, sid, tid := p.Frame.Depends, max(p.Frame.SID, 0), max(p.Frame.TID, 0)
	if d.SwitchUp {
		v.pictures = 0
	}
	needed := p.Frame.Targets>>packet.VP9Point(v.top, tid)&1 != 0
	switch {
	case !pass && (tid == 0 || !needed):
		v.alive &^= 1 << sid
	case !pass:
		v.level = min(v.level, tid-1)
	case tid == 0 || !d.InterPicture:
		v.alive |= 1 << sid
	}
	if pass && (d.SwitchUp || v.pictures > unmarked) && tid <= v.level {
		v.level = anyTID
	}
	if p.Frame.PictureID >= 0 {
		v.past[sid].mark(v.n, pass)
	}
}

// flows tells whether the base of a spatial layer was forwarded so far.
func (v *vp9) flows(sid int8) bool { return v.alive>>sid&1 != 0 }

// flowing is the highest spatial layer up to the present one that flows; the
// present one if there is none.
func (v *vp9) flowing() int8 {
	for sid := v.top; sid >= 0; sid-- {
		if v.flows(sid) {
			return sid
		}
	}
	return v.top
}

func (v *vp9) scope(int8, Target) scope { return scope{packet.VP9Point(v.top, v.tid), 0} }

func (v *vp9) late(enc int8, t Target) scope {
	v.aim(enc, t)
	top := v.flowing()
	if !v.flows(top) {
		return scope{nothing, 0}
	}
	v.level = min(v.level, v.tid) // what is above and got lost will not be let in
	return scope{packet.VP9Point(top, v.level), 0}
}

func (v *vp9) admit(p *packet.Packet) bool {
	if p.Frame.Depends == nil {
		return false
	}
	if p.Frame.PictureID < 0 {
		return true
	}
	n, sid, x := v.number(p), max(p.Frame.SID, 0), p.Frame.Depends
	if n < firstSeen {
		return false // before the flow began
	}
	switch v.past[sid].fate(n) {
	case forwarded:
		return true
	case dropped:
		return false
	}
	if x.InterLayer && v.hollow(sid, n) || x.Flexible && v.past[sid].lacks(n, x.Refs[:x.Count]) {
		return false
	}
	v.past[sid].mark(n, true)
	return true
}

// adjacent looks at the order of the layers in a picture, and at the marker or
// the number of layers for its end. Behind a layer above the wanted one
// nothing of its picture is wanted.
func (v *vp9) adjacent(f *flow, p *packet.Packet) bool {
	head, sid := max(f.sid, 0), max(p.Frame.SID, 0)
	if p.Frame.PictureID >= 0 && p.Frame.PictureID == f.id {
		return sid == head+1
	}
	return sid == 0 && follows(f.id, p) && (f.marked || v.layers > 0 && head >= v.layers-1 || !f.pass && head > v.top)
}

func (v *vp9) blocked() bool    { return v.want != v.top || !v.flows(v.top) }
func (v *vp9) offsets() offsets { return v.out }

func (v *vp9) layer(s scope) (tid, sid int8) {
	if v.tid == anyTID {
		return -1, s.point / 4
	}
	return v.tid, s.point / 4
}

// last: the receiver's picture ends with the highest layer that it gets.
func (v *vp9) last(p *packet.Packet, s *span) bool {
	return p.Marker || p.Frame.End && max(p.Frame.SID, 0) == s.scope.point/4
}

func (v *vp9) payload(dst []byte, p *packet.Packet, o offsets) int {
	n := v.plain.payload(dst, p, o)
	if n == 0 || !packet.WriteVP9(dst[:n], uint16(p.Frame.PictureID)-o.picture, uint8(p.Frame.TL0)-o.tl0) {
		return 0
	}
	return n
}
