package egress_test

import (
	"fmt"
	"slices"

	"steg/bridge/packet"
)

// layeredChecker judges what the receiver got by the rules of RTP and of the
// codec's descriptor, with the sender's frames as the truth.
type layeredChecker struct {
	run    *layeredRun
	frames []*layeredGot // in outgoing order
	byMark map[mark]*layeredGot
}

// layeredGot is one frame as the receiver got it.
type layeredGot struct {
	mark        mark
	first, last uint64
	ts          uint32
	number      int32
	tl0         int16
	flow        int // counts the starts of encodings
	ends        bool
}

func (k *layeredChecker) check() error {
	if len(k.run.sent) < 100 {
		return fmt.Errorf("only %d packets were forwarded", len(k.run.sent))
	}
	for _, step := range []func() error{k.unique, k.neighbours, k.facts, k.templates, k.numbers, k.references, k.gaps, k.markers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (k *layeredChecker) truth(m mark) layeredFrame { return k.run.s.streams[m.enc].frames[m.frame] }

// unique: a number leaves once, and by RTX only with the same packet.
func (k *layeredChecker) unique() error {
	by := map[uint64]layeredSent{}
	for _, p := range k.run.sent {
		if q, ok := by[p.out]; ok && (!p.rtx && !q.rtx || q.mark != p.mark || q.header.Marker != p.header.Marker || q.frame.PictureID != p.frame.PictureID) {
			return fmt.Errorf("number %d sent twice: %+v and %+v", p.out, q.mark, p.mark)
		}
		by[p.out] = p
	}
	slices.SortStableFunc(k.run.sent, func(a, b layeredSent) int { return int(int64(a.out - b.out)) })
	k.run.sent = slices.CompactFunc(k.run.sent, func(a, b layeredSent) bool { return a.out == b.out })
	return nil
}

// neighbours: packets with consecutive numbers are consecutive packets of one
// frame, or the end of one and the start of another; timestamps tell pictures.
func (k *layeredChecker) neighbours() error {
	k.byMark = map[mark]*layeredGot{}
	flow := 0
	for i, b := range k.run.sent {
		m := frameMark(b.mark)
		if f := k.byMark[m]; f != nil && k.frames[len(k.frames)-1] != f {
			return fmt.Errorf("frame %+v is torn", m)
		} else if f == nil {
			f = &layeredGot{mark: m, first: b.out, ts: b.header.Timestamp, number: b.frame.PictureID, tl0: b.frame.TL0}
			k.byMark[m] = f
			k.frames = append(k.frames, f)
		}
		f := k.byMark[m]
		f.last, f.ends = b.out, f.ends || b.mark.index == b.mark.count-1
		if i == 0 {
			continue
		}
		a := k.run.sent[i-1]
		if a.mark.enc != b.mark.enc {
			flow++
		}
		f.flow = flow
		same := frameMark(a.mark) == m
		picture := a.mark.enc == b.mark.enc && k.truth(a.mark).picture == k.truth(b.mark).picture
		step := int32(b.header.Timestamp - a.header.Timestamp)
		if picture != (step == 0) || step < 0 {
			return fmt.Errorf("%+v and %+v: %d timestamp units", a.mark, b.mark, step)
		}
		if same && uint64(b.mark.index-a.mark.index) != b.out-a.out {
			return fmt.Errorf("%+v and %+v are %d numbers apart", a.mark, b.mark, b.out-a.out)
		}
		if !same && b.out == a.out+1 && (a.mark.index != a.mark.count-1 || b.mark.index != 0) {
			return fmt.Errorf("%+v and %+v touch", a.mark, b.mark)
		}
	}
	return nil
}

// facts: the descriptor still says of the frame what the sender said.
func (k *layeredChecker) facts() error {
	for _, p := range k.run.sent {
		f, q := k.truth(p.mark), p.frame
		if q.PictureID != k.byMark[frameMark(p.mark)].number || q.TL0 != k.byMark[frameMark(p.mark)].tl0 {
			return fmt.Errorf("%+v changes its numbers", p.mark)
		}
		if p.rtx {
			continue // its structure may have been replaced meanwhile
		}
		if int(q.SID) != f.sid || int(q.TID) != f.tid || q.Start != (p.mark.index == 0) || q.End != (p.mark.index == f.count-1) {
			return fmt.Errorf("%+v reads as %+v instead of %+v", p.mark, q, f)
		}
		var refs []uint16
		for _, ref := range f.refs {
			if k.run.s.mode.codec != packet.CodecVP9 {
				refs = append(refs, uint16(p.mark.frame-ref))
			}
		}
		if k.run.s.mode.codec != packet.CodecVP9 && !slices.Equal(refs, p.refs) {
			return fmt.Errorf("%+v refers to %v instead of %v", p.mark, p.refs, refs)
		}
	}
	return nil
}

// templates: where an encoding takes over, its templates have other ids than
// those of the encoding before.
func (k *layeredChecker) templates() error {
	var before *packet.Structure
	enc := -1
	for _, p := range k.run.sent {
		s := p.frame.Structure
		if p.rtx || s == nil {
			continue
		}
		if n := uint8(len(s.Templates)); before != nil && enc != p.mark.enc && ((s.ID-before.ID)&63 < n || (before.ID-s.ID)&63 < n) {
			return fmt.Errorf("%+v: %d templates from %d on follow those from %d on", p.mark, n, s.ID, before.ID)
		}
		before, enc = s, p.mark.enc
	}
	return nil
}

// numbers: picture ids, frame numbers and TL0PICIDX go on by one where an
// encoding starts and as the sender's do within it.
func (k *layeredChecker) numbers() error {
	mask := int32(0xffff)
	if k.run.s.mode.codec == packet.CodecVP9 {
		mask = 0x7fff
	}
	for i := 1; i < len(k.frames); i++ {
		a, b := k.frames[i-1], k.frames[i]
		step := (b.number - a.number) & mask
		x, y := k.truth(a.mark), k.truth(b.mark)
		if step > mask/2 || step == 0 && (a.ts != b.ts || mask == 0xffff) {
			return fmt.Errorf("number %d of %+v follows %d of %+v", b.number, b.mark, a.number, a.mark)
		}
		if want := int32(y.number-x.number) & mask; a.mark.enc == b.mark.enc && step != want && !(y.key && y.sid == 0) {
			return fmt.Errorf("step %d between %+v and %+v, sender's %d", step, a.mark, b.mark, want)
		}
	}
	return nil
}

// references: what a frame needs was forwarded, or did not come in time; and
// encodings start with a keyframe.
func (k *layeredChecker) references() error {
	for i, f := range k.frames {
		facts := k.truth(f.mark)
		if (i == 0 || k.frames[i-1].mark.enc != f.mark.enc) && (!facts.key || facts.sid > 0) {
			return fmt.Errorf("frame %+v starts an encoding", f.mark)
		}
		for _, ref := range facts.refs {
			g := mark{enc: f.mark.enc, frame: ref}
			if k.byMark[g] != nil {
				continue
			}
			for index := range k.truth(g).count {
				if k.run.offered[mark{enc: g.enc, frame: ref, index: index, count: k.truth(g).count}] {
					return fmt.Errorf("frame %+v %+v needs %d %+v, which was dropped", f.mark, facts, ref, k.truth(g))
				}
			}
		}
	}
	return nil
}

// gaps: without loss no number is missing but where an encoding was left.
func (k *layeredChecker) gaps() error {
	missing := 0
	for i := 1; i < len(k.run.sent); i++ {
		missing += int(k.run.sent[i].out - k.run.sent[i-1].out - 1)
	}
	if limit := 0; k.run.link.clean() && missing > limit {
		return fmt.Errorf("%d numbers are missing though nothing was lost", missing)
	}
	return nil
}

// markers: without loss the last packet of each picture is marked, no other.
func (k *layeredChecker) markers() error {
	if !k.run.link.clean() {
		return nil
	}
	for i, p := range k.run.sent[:len(k.run.sent)-1] {
		next := k.run.sent[i+1]
		if next.target.SID > p.target.SID && next.target.Encoding == p.target.Encoding {
			continue // a higher layer joined in the middle of a picture
		}
		if last := next.header.Timestamp != p.header.Timestamp; last != p.header.Marker && (!last || next.mark.enc == p.mark.enc) {
			return fmt.Errorf("%+v: marker %v before %+v, forwarding %+v", p.mark, p.header.Marker, next.mark, p.target)
		}
	}
	return nil
}
