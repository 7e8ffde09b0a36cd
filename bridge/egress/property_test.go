package egress_test

import (
	"encoding/binary"
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
	link    link
	r       *rand.Rand
	s       *simulcast
	eg      *egress.Egress
	pr      *egress.Projection
	rings   []*packet.Ring
	queue   []arrival
	answer  map[int]time.Duration // keyframes that are on request
	sent    []packetSent
	arrived map[mark]bool
	offered map[mark]bool // while the source was not suspended
	lost    int
	rtx     int
}

// packetSent is one packet as the receiver got it.
type packetSent struct {
	out    uint64 // sequence number, unwrapped
	header packet.Header
	vp8    packet.VP8
	mark   mark
	rtx    bool
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
		answer: map[int]time.Duration{}, arrived: map[mark]bool{}, offered: map[mark]bool{},
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
		c.offered[m] = c.offered[m] || c.pr.Target() != allocation.Suspended
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
	c.sent = append(c.sent, packetSent{out: out, header: h, vp8: v, mark: readMark(payload), rtx: rtx})
}

// retarget changes the target now and then.
func (c *run) retarget() {
	if c.r.Float64() >= c.link.switching {
		return
	}
	t := egress.Target{Encoding: int8(c.r.IntN(c.link.encodings)), TID: int8(c.r.IntN(3)), SID: -1}
	if c.link.suspend && c.r.IntN(4) == 0 {
		t = allocation.Suspended
	}
	c.pr.SetTarget(t)
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
	for _, b := range s.packets {
		c.receive(t, b, true)
		c.rtx++
	}
}

func (c *run) play(t *testing.T, frames int) {
	const tick = 33 * time.Millisecond
	now := time.Second
	for range frames {
		c.retarget()
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
