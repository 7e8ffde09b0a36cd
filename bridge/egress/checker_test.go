package egress_test

import (
	"fmt"
	"slices"
)

// checker judges what the receiver got by the rules of VP8 and RTP alone,
// with the marks in the payload as the truth.
type checker struct {
	run    *run
	frames []*frameSent // in outgoing order
	byMark map[mark]*frameSent
}

// frameSent is one frame as the receiver got it.
type frameSent struct {
	mark          mark // of the frame: index and count 0
	ts            uint32
	first, last   uint64 // outgoing numbers seen
	pid           int32
	tl0           int16
	tid           int
	indexes       map[int]bool
	starts, whole bool
}

func frameMark(m mark) mark { return mark{enc: m.enc, frame: m.frame} }

func (k *checker) check() error {
	if len(k.run.sent) < 20 {
		return fmt.Errorf("only %d packets were forwarded", len(k.run.sent))
	}
	for _, step := range []func() error{k.unique, k.neighbours, k.collect, k.descriptors, k.switches, k.references, k.gaps} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// unique: a number leaves once, and by RTX only with the same packet.
func (k *checker) unique() error {
	by := map[uint64]packetSent{}
	for _, p := range k.run.sent {
		if q, ok := by[p.out]; ok && (!p.rtx && !q.rtx || q.mark != p.mark) {
			return fmt.Errorf("number %d sent twice: %+v and %+v", p.out, q.mark, p.mark)
		}
		by[p.out] = p
	}
	slices.SortStableFunc(k.run.sent, func(a, b packetSent) int { return int(int64(a.out - b.out)) })
	k.run.sent = slices.CompactFunc(k.run.sent, func(a, b packetSent) bool { return a.out == b.out })
	return nil
}

// neighbours: packets with consecutive numbers are consecutive packets of one
// frame, or the end of one and the start of another.
func (k *checker) neighbours() error {
	for i := 1; i < len(k.run.sent); i++ {
		a, b := k.run.sent[i-1], k.run.sent[i]
		same := frameMark(a.mark) == frameMark(b.mark)
		if same != (a.header.Timestamp == b.header.Timestamp) {
			return fmt.Errorf("%+v and %+v: timestamps %d, %d", a.mark, b.mark, a.header.Timestamp, b.header.Timestamp)
		}
		if int32(b.header.Timestamp-a.header.Timestamp) < 0 {
			return fmt.Errorf("timestamp goes back at %+v", b.mark)
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

// collect puts packets together to frames.
func (k *checker) collect() error {
	k.byMark = map[mark]*frameSent{}
	for _, p := range k.run.sent {
		m := frameMark(p.mark)
		f := k.byMark[m]
		if f == nil {
			f = &frameSent{
				mark: m, ts: p.header.Timestamp, first: p.out, pid: p.vp8.PictureID, tl0: p.vp8.TL0,
				tid: int(p.vp8.TID), indexes: map[int]bool{},
			}
			k.byMark[m] = f
			k.frames = append(k.frames, f)
		}
		if k.frames[len(k.frames)-1] != f || f.pid != p.vp8.PictureID || f.tl0 != p.vp8.TL0 || !p.vp8.LongID {
			return fmt.Errorf("frame %+v is torn or changes its ids", m)
		}
		f.last = p.out
		f.indexes[p.mark.index] = true
		f.whole = len(f.indexes) == p.mark.count
		if p.mark.index == 0 {
			f.starts = true
		}
	}
	return nil
}

// descriptors: picture ids and TL0PICIDX grow by one from frame to frame,
// more only where numbers are missing too.
func (k *checker) descriptors() error {
	base := k.frames[0] // newest base layer frame
	gap := false        // since then
	for i := 1; i < len(k.frames); i++ {
		a, b := k.frames[i-1], k.frames[i]
		missing := b.first != a.last+1
		gap = gap || missing
		if d := (b.pid - a.pid) & 0x7fff; d == 0 || d > 0x4000 || d > 1 && !missing {
			return fmt.Errorf("picture id %d of %+v follows %d of %+v, missing numbers %v", b.pid, b.mark, a.pid, a.mark, missing)
		}
		d := uint8(b.tl0 - base.tl0)
		switch {
		case d > 128, !gap && b.tid == 0 && d != 1, !gap && b.tid > 0 && d != 0:
			return fmt.Errorf("TL0PICIDX %d of %+v (layer %d) after base %d, gap %v", b.tl0, b.mark, b.tid, base.tl0, gap)
		}
		if b.tid == 0 {
			base, gap = b, false
		}
	}
	return nil
}

// switches: the stream and every other encoding start with a keyframe.
func (k *checker) switches() error {
	for i, f := range k.frames {
		if i > 0 && f.mark.enc == k.frames[i-1].mark.enc {
			continue
		}
		if facts := k.facts(f.mark); !facts.key || !f.starts {
			return fmt.Errorf("frame %+v starts an encoding, keyframe %v", f.mark, facts.key)
		}
	}
	return nil
}

func (k *checker) facts(m mark) frameFacts { return k.run.s.streams[m.enc].frames[m.frame] }

// references: what a frame needs was forwarded, or did not come in time.
func (k *checker) references() error {
	for _, f := range k.frames {
		if k.facts(f.mark).key {
			continue
		}
		for _, ref := range k.needs(f.mark) {
			facts := k.facts(ref)
			for i := range facts.count {
				full := mark{enc: ref.enc, frame: ref.frame, index: i, count: facts.count}
				if g := k.byMark[ref]; g == nil && k.run.offered[full] {
					return fmt.Errorf("frame %+v needs %+v, which was dropped", f.mark, ref)
				}
			}
		}
	}
	return nil
}

// needs lists the frames that a frame of three temporal layers refers to.
func (k *checker) needs(m mark) []mark {
	var refs []mark
	own := k.facts(m).tid
	below := own // lowest layer found so far
	for i := m.frame - 1; i >= 0; i-- {
		f := k.run.s.streams[m.enc].frames[i]
		if f.tid < max(below, 1) {
			refs = append(refs, mark{enc: m.enc, frame: i})
			below = f.tid
		}
		if f.tid == 0 {
			break
		}
	}
	return refs
}

// gaps: without loss no number is missing; with it no more than were lost,
// late or skipped at a switch.
func (k *checker) gaps() error {
	missing := 0
	for i := 1; i < len(k.run.sent); i++ {
		missing += int(k.run.sent[i].out - k.run.sent[i-1].out - 1)
	}
	st := k.run.pr.Stats()
	if k.run.link.clean() && missing > 0 {
		return fmt.Errorf("%d numbers are missing though nothing was lost", missing)
	}
	if limit := k.run.lost + int(st.Switches)*4; k.run.link.late == 0 && k.run.link.jitter == 0 && missing > limit {
		return fmt.Errorf("%d numbers are missing, %d packets were lost", missing, k.run.lost)
	}
	return nil
}
