package egress_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/packet"
)

var layeredPTs = append(slices.Clone(testPTs),
	packet.PayloadType{ID: 101, Codec: packet.CodecVP9, ClockRate: 90000},
	packet.PayloadType{ID: 97, Codec: packet.CodecRTX, ClockRate: 90000, APT: 101},
	packet.PayloadType{ID: 42, Codec: packet.CodecRTX, ClockRate: 90000, APT: 41})

var layeredModes = []layeredMode{
	{name: "VP9 L1T3", codec: packet.CodecVP9, spatial: 1, temporal: 3, inter: 'n', encodings: 1},
	{name: "VP9 simulcast L1T3", codec: packet.CodecVP9, spatial: 1, temporal: 3, inter: 'n', encodings: 3},
	{name: "VP9 L3T3", codec: packet.CodecVP9, spatial: 3, temporal: 3, inter: 'a', encodings: 1},
	{name: "VP9 L3T3_KEY", codec: packet.CodecVP9, spatial: 3, temporal: 3, inter: 'k', encodings: 1},
	{name: "VP9 L3T3_KEY flexible", codec: packet.CodecVP9, spatial: 3, temporal: 3, inter: 'k', flexible: true, encodings: 1},
	{name: "VP9 L2T3 flexible, simulcast", codec: packet.CodecVP9, spatial: 2, temporal: 3, inter: 'a', flexible: true, encodings: 2},
	{name: "VP9 L2T3 switching up at times", codec: packet.CodecVP9, spatial: 2, temporal: 3, inter: 'a', chained: true, encodings: 1},
	{name: "VP9 L1T3 flexible, switching up at times", codec: packet.CodecVP9, spatial: 1, temporal: 3, inter: 'n', chained: true, flexible: true, encodings: 1},
	{name: "AV1 L1T1", codec: packet.CodecAV1, spatial: 1, temporal: 1, inter: 'n', encodings: 1},
	{name: "AV1 L1T3 simulcast", codec: packet.CodecAV1, spatial: 1, temporal: 3, inter: 'n', encodings: 3},
	{name: "AV1 L2T2", codec: packet.CodecAV1, spatial: 2, temporal: 2, inter: 'a', encodings: 1},
	{name: "AV1 L3T3", codec: packet.CodecAV1, spatial: 3, temporal: 3, inter: 'a', encodings: 1},
	{name: "AV1 L3T3_KEY", codec: packet.CodecAV1, spatial: 3, temporal: 3, inter: 'k', encodings: 1},
	{name: "AV1 L2T3_KEY simulcast, switching up at times", codec: packet.CodecAV1, spatial: 2, temporal: 3, inter: 'k', chained: true, encodings: 2},
	{name: "VP9 L2T2_KEY_SHIFT flexible", codec: packet.CodecVP9, spatial: 2, temporal: 2, inter: 'k', flexible: true, shift: true, encodings: 1},
	{name: "AV1 L2T2_KEY_SHIFT", codec: packet.CodecAV1, spatial: 2, temporal: 2, inter: 'k', shift: true, encodings: 1},
	{name: "AV1 S3T3", codec: packet.CodecAV1, spatial: 3, temporal: 3, inter: 'n', encodings: 1},
	{name: "H264 L1T3 simulcast", codec: packet.CodecH264, spatial: 1, temporal: 3, inter: 'n', encodings: 3},
}

var layeredLinks = []link{
	{name: "clean", switching: 0.05, suspend: true, reports: true},
	{name: "loss", loss: 0.05, switching: 0.05, suspend: true},
	{name: "repaired loss", late: 0.1, switching: 0.05, suspend: true},
	{name: "reordering", jitter: 10 * time.Millisecond, switching: 0.05},
	{name: "everything", loss: 0.03, late: 0.05, jitter: 20 * time.Millisecond, duplicate: 0.05, switching: 0.1, suspend: true},
}

// layeredRun is one simulated call.
type layeredRun struct {
	link     link
	r        *rand.Rand
	s        *layered
	eg       *egress.Egress
	pr       *egress.Projection
	rings    []*packet.Ring
	layering []packet.Layering // of the sender, per encoding
	receiver packet.Layering
	queue    []arrival
	answer   map[int]time.Duration
	asked    int
	offered  map[mark]bool // while their encoding was forwarded
	began    int           // the frame with which that began
	seen     map[mark]bool
	sent     []layeredSent
}

// layeredSent is one packet as the receiver got it.
type layeredSent struct {
	out    uint64
	header packet.Header
	frame  packet.Frame
	active uint32
	refs   []uint16
	mark   mark
	rtx    bool
	target egress.Target
}

func newLayeredRun(m layeredMode, l link, seed uint64) *layeredRun {
	r := rand.New(rand.NewPCG(seed, 11))
	s := newLayeredSource(r, m)
	eg := egress.New(egress.Config{})
	eg.SetPayloadTypes(layeredPTs)
	eg.SetExtensions(packet.Extensions{TCC: 5, DependencyDesc: 11})
	c := &layeredRun{
		link: l, r: r, s: s, eg: eg, layering: make([]packet.Layering, m.encodings),
		answer: map[int]time.Duration{}, offered: map[mark]bool{}, seen: map[mark]bool{},
	}
	for range m.encodings {
		c.rings = append(c.rings, packet.NewRing(time.Minute, 1<<20))
	}
	c.pr = eg.AddProjection(egress.ProjectionOptions{
		Source: s.source, SenderPayloadTypes: layeredPTs, SenderExtensions: senderExt, Rings: c.rings,
		Out: egress.Output{SSRC: 77, RTX: 78},
	})
	c.pr.SetTarget(egress.Target{Encoding: int8(m.encodings - 1), TID: -1, SID: -1})
	return c
}

// tick lets every encoding make a picture and the bridge take what arrives.
func (c *layeredRun) tick(t *testing.T, now time.Duration) {
	for enc := range c.s.streams {
		if at, ok := c.answer[enc]; ok && at <= now {
			c.s.streams[enc].wantKey = true
			delete(c.answer, enc)
		}
		for i, p := range c.s.picture(enc, func() int { return 1 + c.r.IntN(3) }) {
			c.send(p, now+time.Duration(enc*10+i)*200*time.Microsecond)
		}
	}
	slices.SortStableFunc(c.queue, func(a, b arrival) int { return int(a.at - b.at) })
	for len(c.queue) > 0 && c.queue[0].at < now+33*time.Millisecond {
		c.deliver(t, c.queue[0])
		c.queue = c.queue[1:]
	}
}

func (c *layeredRun) send(p *packet.Packet, at time.Duration) {
	l := c.link
	if c.r.Float64() < l.loss {
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

func (c *layeredRun) deliver(t *testing.T, a arrival) {
	p := clonePacket(a.p)
	p.Arrival = a.at
	parse(&c.layering[p.Encoding], p)
	m := readMark(p.Raw)
	before := c.pr.Current().Encoding
	if !c.seen[m] {
		c.seen[m] = true
		c.rings[p.Encoding].Put(p)
	}
	var dst [packet.MaxDatagram]byte
	n, want := c.eg.Forward(dst[:], c.pr, p, a.at)
	if enc := int8(p.Encoding); c.pr.Current().Encoding == enc {
		if before != enc {
			c.began = m.frame
		}
		c.offered[m] = c.offered[m] || before == enc && m.frame >= c.began
	}
	if enc := c.pr.KeyframeEncoding(); want {
		c.asked++
		if _, asked := c.answer[enc]; !asked {
			c.answer[enc] = a.at + 60*time.Millisecond
		}
	}
	if n > 0 {
		c.receive(t, dst[:n], false)
	}
}

func (c *layeredRun) receive(t *testing.T, b []byte, rtx bool) {
	b = slices.Clone(b)
	h := mustHeader(t, b)
	payload := b[h.HeaderLen:]
	number := h.SequenceNumber
	if rtx {
		number, payload = rtxNumber(payload), payload[2:]
	}
	out := uint64(number) + 1<<32
	if len(c.sent) > 0 {
		newest := c.sent[len(c.sent)-1].out
		out = newest + uint64(int64(int16(number-uint16(newest))))
	}
	dd, _ := packet.Extension(b, h, 11)
	p := layeredSent{out: out, header: h, mark: readMark(payload), rtx: rtx, target: c.pr.Current()}
	p.frame = c.receiver.Parse(c.s.mode.codec, payload, dd, h.Marker, out)
	if d := p.frame.Depends; d != nil {
		p.active, p.refs = d.Active, slices.Clone(d.Refs[:d.Count])
	}
	c.sent = append(c.sent, p)
}

func (c *layeredRun) retarget() {
	if c.r.Float64() >= c.link.switching {
		return
	}
	m := c.s.mode
	t := egress.Target{Encoding: int8(c.r.IntN(m.encodings)), TID: int8(c.r.IntN(m.temporal+1) - 1), SID: int8(c.r.IntN(m.spatial+1) - 1)}
	if c.link.suspend && c.r.IntN(4) == 0 {
		t = allocation.Suspended
	}
	c.pr.SetTarget(t)
}

// ask lets the receiver ask for everything that is missing of late.
func (c *layeredRun) ask(t *testing.T, now time.Duration) {
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
	for _, b := range s.packets {
		c.receive(t, b, true)
	}
}

// seeds is how often each call is simulated; more find more.
const seeds = 3

func TestLayersStayDecodable(t *testing.T) {
	for _, m := range layeredModes {
		t.Run(m.name, func(t *testing.T) {
			for _, l := range layeredLinks {
				for seed := range uint64(seeds) {
					c := newLayeredRun(m, l, seed)
					now := time.Second
					for range 400 {
						c.retarget()
						c.tick(t, now)
						now += 33 * time.Millisecond
						if c.r.IntN(20) == 0 && len(c.sent) > 0 {
							c.ask(t, now)
						}
					}
					if err := (&layeredChecker{run: c}).check(); err != nil {
						t.Fatalf("%s, seed %d: %v", l.name, seed, err)
					}
					if err := c.settle(t, now); err != nil {
						t.Fatalf("%s, seed %d: %v", l.name, seed, err)
					}
				}
			}
		})
	}
}

// settle sets every target once on a clean link and expects exactly the frames
// of that operating point after a while, and no more keyframe requests.
func (c *layeredRun) settle(t *testing.T, now time.Duration) error {
	c.link = link{}
	m := c.s.mode
	tick := func(n int) {
		for range n {
			c.tick(t, now)
			now += 33 * time.Millisecond
		}
	}
	for range 4 {
		to := egress.Target{Encoding: int8(c.r.IntN(m.encodings)), TID: int8(c.r.IntN(m.temporal)), SID: int8(c.r.IntN(m.spatial))}
		c.pr.SetTarget(to)
		tick(60)
		first, asked := len(c.sent), c.asked
		st := &c.s.streams[to.Encoding]
		from := len(st.frames)
		tick(24)
		want, got := []int{}, []int{}
		for i := from; i < len(st.frames); i++ {
			if c.s.contains(int(to.SID), int(to.TID), st.frames[i]) {
				want = append(want, i)
			}
		}
		for _, p := range c.sent[first:] {
			if p.mark.enc != int(to.Encoding) {
				return fmt.Errorf("target %+v: encoding %d is forwarded", to, p.mark.enc)
			}
			if len(got) == 0 || got[len(got)-1] != p.mark.frame {
				got = append(got, p.mark.frame)
			}
		}
		if !slices.Equal(got, want) || c.asked != asked {
			return fmt.Errorf("target %+v: frames %v instead of %v, current %+v, %d requests", to, got, want, c.pr.Current(), c.asked-asked)
		}
		if cur := c.pr.Current(); cur.Encoding != to.Encoding || cur.TID != to.TID || m.codec != packet.CodecVP9 && cur.SID != to.SID {
			return fmt.Errorf("target %+v, current %+v", to, cur)
		}
		if last := c.sent[len(c.sent)-1]; m.codec != packet.CodecVP9 && last.active != c.s.within(int(to.SID), int(to.TID)) {
			return fmt.Errorf("target %+v: active targets %b", to, last.active)
		}
	}
	return nil
}

// within is the mask of the decode targets that are part of another.
func (s *layered) within(sid, tid int) (mask uint32) {
	for a := range s.mode.spatial {
		for b := range s.mode.temporal {
			if b <= tid && (a == sid || a < sid && s.mode.inter == 'a') {
				mask |= 1 << (a*s.mode.temporal + b)
			}
		}
	}
	return mask
}
