package egress_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/packet"
)

// link is what happens to packets between sender and bridge, and what the
// allocator does meanwhile.
type link struct {
	name      string
	loss      float64       // lost for good
	late      float64       // lost and repaired after 20 to 300 ms
	jitter    time.Duration // additional delay, so that packets overtake each other
	duplicate float64
	switching float64 // probability per frame that the target changes
	suspend   bool    // targets include none
	short     bool
	encodings int
	reports   bool
}

func (l link) clean() bool { return l.loss+l.late+l.duplicate == 0 && l.jitter == 0 }

// arrival is one packet on its way to the bridge.
type arrival struct {
	at time.Duration
	p  *packet.Packet
}

// run is one simulated call.
type run struct {
	link     link
	r        *rand.Rand
	s        *simulcast
	eg       *egress.Egress
	pr       *egress.Projection
	rings    []*packet.Ring
	queue    []arrival
	answer   map[int]time.Duration // keyframes that are on request
	sent     []packetSent
	arrived  map[mark]bool
	seen     map[uint64]bool
	changes  int
	lost     int
	rtx      int
	switches []time.Duration
}

// packetSent is one packet as the receiver got it.
type packetSent struct {
	out     uint64 // sequence number, unwrapped
	header  packet.Header
	vp8     packet.VP8
	mark    mark
	retries bool
}

func newRun(l link, seed uint64) *run {
	r := rand.New(rand.NewPCG(seed, 7))
	s := newSimulcast(r, l.encodings)
	s.short = l.short
	eg := egress.New(egress.Config{CNAME: "bridge"})
	eg.SetPayloadTypes(testPTs)
	eg.SetExtensions(packet.Extensions{TCC: 5})
	rings := s.rings()
	pr := eg.AddProjection(egress.ProjectionOptions{
		Source: s.source, SenderPayloadTypes: testPTs, Rings: rings, Out: egress.Output{SSRC: 77, RTX: 78},
	})
	pr.SetTarget(egress.Target{Encoding: int8(l.encodings - 1), TID: 2})
	return &run{
		link: l, r: r, s: s, eg: eg, pr: pr, rings: rings,
		answer: map[int]time.Duration{}, arrived: map[mark]bool{},
	}
}

// frame lets every encoding make a frame at the given time.
func (c *run) frame(now time.Duration) {
	for enc := range c.s.streams {
		if at, ok := c.answer[enc]; ok && at <= now {
			c.s.streams[enc].wantKey = true
			delete(c.answer, enc)
		}
		if c.r.Float64() < 0.002 {
			c.s.streams[enc].wantKey = true
		}
		for i, p := range c.s.frame(enc, 1+c.r.IntN(2+enc)) {
			c.send(p, now+time.Duration(enc*3+i)*200*time.Microsecond)
		}
	}
	slices.SortStableFunc(c.queue, func(a, b arrival) int { return int(a.at - b.at) })
}

func (c *run) send(p *packet.Packet, at time.Duration) {
	l := c.link
	if c.r.Float64() < l.loss {
		c.lost++
		return
	}
	if l.jitter > 0 {
		at += time.Duration(c.r.Int64N(int64(l.jitter)))
	}
	if c.r.Float64() < l.late {
		at += 20*time.Millisecond + time.Duration(c.r.Int64N(int64(280*time.Millisecond)))
	}
	c.queue = append(c.queue, arrival{at, p})
	if c.r.Float64() < l.duplicate {
		c.queue = append(c.queue, arrival{at + time.Duration(c.r.Int64N(int64(50*time.Millisecond))), p})
	}
}

// deliver hands the bridge what has arrived before now.
func (c *run) deliver(t *testing.T, now time.Duration) {
	for len(c.queue) > 0 && c.queue[0].at < now {
		a := c.queue[0]
		c.queue = c.queue[1:]
		p := *a.p
		p.Arrival = a.at
		m := readMark(p.Raw)
		if !c.arrived[m] {
			c.arrived[m] = true
			c.rings[p.Encoding].Put(&p)
		}
		var dst [packet.MaxDatagram]byte
		n, want := c.eg.Forward(dst[:], c.pr, &p, a.at)
		if want {
			enc := c.pr.KeyframeEncoding()
			if _, asked := c.answer[enc]; !asked {
				c.answer[enc] = a.at + 60*time.Millisecond
			}
		}
		if n > 0 {
			c.receive(t, dst[:n], false)
		}
	}
}

// receive notes a packet as the receiver's end would see it.
func (c *run) receive(t *testing.T, b []byte, rtx bool) {
	h := mustHeader(t, b)
	payload := slices.Clone(b[h.HeaderLen:])
	if rtx {
		h.SequenceNumber = binary.BigEndian.Uint16(payload)
		payload = payload[2:]
	}
	v, ok := packet.ParseVP8(payload)
	if !ok {
		t.Fatal("payload descriptor is malformed")
	}
	out := uint64(h.SequenceNumber) + 1<<32
	if len(c.sent) > 0 {
		newest := c.sent[len(c.sent)-1].out
		out = newest + uint64(int64(int16(h.SequenceNumber-uint16(newest))))
	}
	c.sent = append(c.sent, packetSent{out: out, header: h, vp8: v, mark: readMark(payload), retries: rtx})
}

// retarget changes the target now and then.
func (c *run) retarget(now time.Duration) {
	if c.r.Float64() >= c.link.switching {
		return
	}
	t := egress.Target{Encoding: int8(c.r.IntN(c.link.encodings)), TID: int8(c.r.IntN(3)), SID: -1}
	if c.link.suspend && c.r.IntN(4) == 0 {
		t = allocation.Suspended
	}
	c.pr.SetTarget(t)
	c.changes++
}

func (c *run) report(now time.Duration) {
	if !c.link.reports || c.r.IntN(10) > 0 {
		return
	}
	var dst [200]byte
	for i := range c.s.streams {
		c.eg.SenderReport(dst[:], c.pr, egress.SenderReport{
			SSRC: c.s.source.Encodings[i].SSRC, NTP: uint64(now.Seconds() * (1 << 32)), RTPTime: uint32(c.s.streams[i].ts),
		}, now)
	}
}

// ask lets the receiver ask for everything that is missing of late.
func (c *run) ask(t *testing.T, now time.Duration) {
	got := map[uint64]bool{}
	newest := uint64(0)
	for _, p := range c.sent {
		got[p.out] = true
		newest = max(newest, p.out)
	}
	var lost []uint16
	for out := newest - 60; out < newest; out++ {
		if !got[out] && out >= c.sent[0].out {
			lost = append(lost, uint16(out))
		}
	}
	if len(lost) == 0 {
		return
	}
	var s sink
	c.eg.RTCP(packet.AppendNACK(nil, 1, 77, lost), now, &s)
	last := c.sent[len(c.sent)-1]
	for _, b := range s.packets {
		c.receive(t, b, true)
		c.rtx++
	}
	c.sent = append(c.sent, last) // keeps unwrapping near the newest; removed below
	c.sent = slices.Delete(c.sent, len(c.sent)-1, len(c.sent))
}

func (c *run) play(t *testing.T, frames int) {
	const tick = 33 * time.Millisecond
	now := time.Second
	for range frames {
		c.retarget(now)
		c.frame(now)
		c.report(now)
		now += tick
		c.deliver(t, now)
		if c.r.IntN(20) == 0 && len(c.sent) > 0 {
			c.ask(t, now)
		}
	}
}

func TestProjectionKeepsStreamDecodable(t *testing.T) {
	links := []link{
		{name: "clean", switching: 0.05, suspend: true, encodings: 3, reports: true},
		{name: "clean without reports", switching: 0.1, encodings: 3},
		{name: "short ids", switching: 0.05, suspend: true, encodings: 2, short: true},
		{name: "single encoding", switching: 0.1, suspend: true, encodings: 1},
		{name: "loss", loss: 0.05, switching: 0.05, suspend: true, encodings: 3, reports: true},
		{name: "heavy loss", loss: 0.3, switching: 0.1, encodings: 3},
		{name: "repaired loss", late: 0.1, switching: 0.05, suspend: true, encodings: 3, reports: true},
		{name: "reordering", jitter: 10 * time.Millisecond, switching: 0.05, encodings: 3},
		{name: "everything", loss: 0.03, late: 0.05, jitter: 20 * time.Millisecond, duplicate: 0.05, switching: 0.1, suspend: true, encodings: 3, reports: true},
		{name: "everything, short ids", loss: 0.03, late: 0.05, jitter: 20 * time.Millisecond, duplicate: 0.05, switching: 0.1, suspend: true, encodings: 3, short: true},
	}
	for _, l := range links {
		t.Run(l.name, func(t *testing.T) {
			for seed := range uint64(20) {
				c := newRun(l, seed)
				c.play(t, 600)
				if err := (&checker{run: c}).check(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

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
		if q, ok := by[p.out]; ok && (!p.retries || q.mark != p.mark) {
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

// references: what a frame needs was forwarded, or never came.
func (k *checker) references() error {
	for _, f := range k.frames {
		if k.facts(f.mark).key {
			continue
		}
		for _, ref := range k.needs(f.mark) {
			facts := k.facts(ref)
			for i := range facts.count {
				full := mark{enc: ref.enc, frame: ref.frame, index: i, count: facts.count}
				if g := k.byMark[ref]; g == nil && k.run.arrived[full] {
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
