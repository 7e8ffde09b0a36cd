package egress

import (
	"time"

	"steg/bridge/packet"
)

// Limits of patience, both longer than a retransmission takes.
const (
	chainPatience  = 400 * time.Millisecond // for a missing frame that others are built on
	switchPatience = 2 * time.Second        // for a frame at which the target can be changed to
)

// dependent selects decode targets by the dependency descriptor (AV1 RTP
// payload format, appendix A), whatever the codec. Frame numbers keep their
// gaps, because references and chains are distances; they and the ids of
// templates are shifted where another encoding takes over.
//
// A decode target can be decoded as long as every frame of the chain that
// protects it arrived. Going to a target whose frames all flow already is
// possible at any frame, to others at frames that are a switch for it. Where
// no such frame can come, or the chain is broken, it takes a keyframe.
type dependent struct {
	plain
	out      offsets
	number   uint16 // newest frame as the receiver counts
	id       uint16 // and the sender's number
	n        uint64 // and unwrapped
	template uint8  // first id that no structure used so far, as the receiver counts
	begun    bool

	structure *packet.Structure
	target    int8 // decode target being forwarded
	want      int8
	past      history
	broken    uint32        // chains of which a frame was dropped or lost
	lost      uint32        // those of which one was lost: only a keyframe helps
	missing   uint64        // frame of the target's chain that did not come yet, 0: none
	since     time.Duration // when it was first missed
	waiting   time.Duration // since when want differs from target
	stuck     bool
}

func (d *dependent) entry(p *packet.Packet) bool {
	return p.Frame.Keyframe && p.Frame.Start && p.Frame.Structure != nil && p.Frame.Depends != nil && p.Frame.SID <= 0
}

func (d *dependent) begin(p *packet.Packet, t Target) {
	id := uint16(p.Frame.PictureID)
	if d.begun {
		d.out.picture = id - d.number - 1
		d.out.template = d.template - p.Frame.Structure.ID
	}
	*d = dependent{out: d.out, id: id, n: firstSeen, begun: true}
	d.note(p)
	d.start(p, t)
	d.past.mark(d.n, true)
}

// note takes the number of a frame.
func (d *dependent) note(p *packet.Packet) {
	id := uint16(p.Frame.PictureID)
	d.n = d.unwrap(id)
	d.id, d.number = id, id-d.out.picture
}

func (d *dependent) unwrap(id uint16) uint64 { return d.n + uint64(int64(int16(id-d.id))) }

// start takes the structure of a keyframe.
func (d *dependent) start(p *packet.Packet, t Target) {
	s := p.Frame.Structure
	d.structure = s
	d.template = (s.ID + d.out.template + uint8(len(s.Templates))) & 0x3f
	d.want = max(d.choose(p, t, ^uint32(0)), 0)
	d.target, d.broken, d.lost, d.missing, d.stuck = d.want, 0, 0, 0, false
}

// choose returns the highest decode target within t that the sender produces,
// out of a set; -1 if there is none. Below the target encoding the lowest is
// wanted, above it the highest. A sender that produces nothing within t makes
// the lowest the best.
func (d *dependent) choose(p *packet.Packet, t Target, of uint32) int8 {
	enc := int8(p.Encoding)
	if t.Encoding > enc {
		t.SID, t.TID = -1, -1
	}
	best, lowest := int8(-1), int8(-1)
	for i, x := range d.structure.Targets {
		if of>>i&1 == 0 || p.Frame.Depends.Active>>i&1 == 0 {
			continue
		}
		if lowest < 0 || !d.above(int8(i), lowest) {
			lowest = int8(i)
		}
		fits := t.Encoding >= enc && (t.SID < 0 || x.SID <= t.SID) && (t.TID < 0 || x.TID <= t.TID)
		if fits && (best < 0 || d.above(int8(i), best)) {
			best = int8(i)
		}
	}
	if best < 0 {
		return lowest
	}
	return best
}

// above tells whether decode target a is higher than b.
func (d *dependent) above(a, b int8) bool {
	x, y := d.structure.Targets[a], d.structure.Targets[b]
	return x.SID > y.SID || x.SID == y.SID && x.TID > y.TID
}

// frame decides on a frame.
//
//  1. a keyframe starts the target wanted; without its structure nothing goes
//  2. the chains: what they are built on must have been forwarded
//  3. the target changes, if it can here
//  4. the frame passes if the target contains it
func (d *dependent) frame(p *packet.Packet, t Target) bool {
	f, x := &p.Frame, p.Frame.Depends
	d.note(p)
	if f.Structure == nil || x == nil || f.Structure != d.structure && !f.Keyframe {
		d.stuck = true
		d.past.mark(d.n, false)
		return false
	}
	if f.Keyframe {
		d.start(p, t)
		d.past.mark(d.n, true) // whatever the target: it carries the structure
		return true
	}
	d.follow(p)
	d.change(p, t)
	pass := f.Targets>>d.target&1 != 0 && !d.cut(d.target)
	if pass && d.past.lacks(d.n, x.Refs[:x.Count]) {
		pass = false
		d.stuck = d.stuck || f.TID == 0
	}
	d.past.mark(d.n, pass)
	return pass
}

// follow checks the frame's links to the frames before it in each chain. One
// that was dropped breaks the chain, one that is missing gets some time.
func (d *dependent) follow(p *packet.Packet) {
	x, own := p.Frame.Depends, d.structure.Targets[d.target].Chain
	for c := range d.structure.Chains {
		before := d.n - uint64(x.Chains[c])
		switch {
		case x.Chains[c] == 0:
		case d.past.fate(before) == dropped:
			d.broken |= 1 << c
		case d.past.fate(before) == unknown && int8(c) == own && d.missing == 0:
			d.missing, d.since = before, p.Arrival
		}
	}
	switch {
	case d.missing == 0 || own < 0:
	case d.past.fate(d.missing) == forwarded:
		d.missing = 0
	case p.Arrival-d.since > chainPatience:
		d.broken |= 1 << own
		d.lost |= 1 << own
		d.missing = 0
	}
}

// cut tells whether the chain that protects a decode target is broken.
func (d *dependent) cut(target int8) bool {
	c := d.structure.Targets[target].Chain
	return c >= 0 && d.broken>>c&1 != 0
}

// gone tells whether that cannot be mended by frames that were forwarded.
func (d *dependent) gone(target int8) bool {
	c := d.structure.Targets[target].Chain
	return c >= 0 && d.lost>>c&1 != 0
}

// change moves towards the target that is wanted, as far as that can be done
// at this frame.
func (d *dependent) change(p *packet.Packet, t Target) {
	x, targets := p.Frame.Depends, d.structure.Targets
	want := d.choose(p, t, ^uint32(0))
	if want < 0 {
		want = d.target
	}
	if want != d.want {
		d.want, d.waiting = want, p.Arrival
	}
	d.stuck = false
	if d.target != want && x.Switch>>want&1 != 0 && d.past.has(d.n, x.Refs[:x.Count]) && !d.gone(want) {
		d.move(want)
		if c := targets[want].Chain; c >= 0 {
			d.broken &^= 1 << c // it goes on from here
		}
	}
	if d.target != want && targets[d.target].Within>>want&1 != 0 && !d.cut(want) {
		d.move(want)
	}
	if d.cut(d.target) {
		d.move(d.instead(p, t))
	}
	if d.target == want {
		d.stuck = d.cut(want)
		return
	}
	if d.above(d.target, want) {
		d.thin(p)
	}
	d.stuck = d.cut(d.target) || targets[d.target].Reach>>want&1 == 0 || p.Arrival-d.waiting > switchPatience
}

func (d *dependent) move(target int8) {
	if d.target != target {
		d.target, d.missing = target, 0
	}
}

// instead is the best of the decode targets that flow already and whose chains
// are whole; the present one if there is none.
func (d *dependent) instead(p *packet.Packet, t Target) int8 {
	whole := uint32(0)
	for i := range d.structure.Targets {
		if d.structure.Targets[d.target].Within>>i&1 != 0 && !d.cut(int8(i)) {
			whole |= 1 << i
		}
	}
	if i := d.choose(p, t, whole); i >= 0 {
		return i
	}
	return d.target
}

// thin leaves only the lowest temporal layer of the present spatial one while
// a lower one is waited for.
func (d *dependent) thin(p *packet.Packet) {
	now := d.structure.Targets[d.target]
	for i, x := range d.structure.Targets {
		if now.Within>>i&1 != 0 && x.SID == now.SID && x.TID < d.structure.Targets[d.target].TID &&
			p.Frame.Depends.Active>>i&1 != 0 && !d.cut(int8(i)) {
			d.move(int8(i))
		}
	}
}

func (d *dependent) scope(int8, Target) scope { return scope{d.target, 0} }
func (d *dependent) late(int8, Target) scope  { return scope{d.target, 0} }

func (d *dependent) admit(p *packet.Packet) bool {
	x := p.Frame.Depends
	if x == nil {
		return false
	}
	n := d.unwrap(uint16(p.Frame.PictureID))
	if n < firstSeen {
		return false // before the flow began
	}
	switch d.past.fate(n) {
	case forwarded:
		return true
	case dropped:
		return false
	}
	if p.Frame.Structure != d.structure || d.past.lacks(n, x.Refs[:x.Count]) {
		return false
	}
	d.past.mark(n, true)
	return true
}

// adjacent: frames count on one by one.
func (d *dependent) adjacent(f *flow, p *packet.Packet) bool {
	return f.id >= 0 && uint16(p.Frame.PictureID)-uint16(f.id) == 1
}

func (d *dependent) blocked() bool    { return d.stuck }
func (d *dependent) offsets() offsets { return d.out }

func (d *dependent) layer(s scope) (tid, sid int8) {
	t := d.structure.Targets[s.point]
	return t.TID, t.SID
}

// last: the receiver's picture ends with the highest layer that it gets.
func (d *dependent) last(p *packet.Packet, s *span) bool {
	x := p.Frame.Structure
	return p.Marker || p.Frame.End && x != nil && int(s.scope.point) < len(x.Targets) && p.Frame.SID == x.Targets[s.scope.point].SID
}

// descriptor tells the receiver at the start of a run which decode targets it
// can expect to be whole: those of which everything is forwarded.
func (d *dependent) descriptor(dst, src []byte, p *packet.Packet, s *span) []byte {
	x := p.Frame.Structure
	if x == nil || int(s.scope.point) >= len(x.Targets) {
		return nil
	}
	n := packet.WriteDependencyDescriptor(dst, src, x, uint16(p.Frame.PictureID)-s.offsets.picture,
		s.offsets.template, x.Targets[s.scope.point].Within, p.Seq == s.in)
	if n == 0 {
		return nil
	}
	return dst[:n]
}
