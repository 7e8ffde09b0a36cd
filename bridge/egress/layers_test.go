package egress_test

import (
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

// script plays pictures of a single encoding of one packet per frame over a
// link that only loses what lose tells.
type script struct {
	*layeredRun
	now  time.Duration
	lose func(f layeredFrame) bool
}

func newScript(m layeredMode) *script {
	m.encodings = max(m.encodings, 1)
	return &script{layeredRun: newLayeredRun(m, link{}, 1), now: time.Second}
}

// play makes pictures and returns how many packets left and how often a
// keyframe was asked for. Nobody answers.
func (c *script) play(t *testing.T, pictures int) (sent, asked int) {
	sent, asked = len(c.sent), c.asked
	for range pictures {
		for i, p := range c.s.picture(0, func() int { return 1 }) {
			if c.lose == nil || !c.lose(c.s.streams[0].frames[readMark(p.Raw).frame]) {
				c.deliver(t, arrival{c.now + time.Duration(i)*time.Millisecond, p})
			}
		}
		c.now += 33 * time.Millisecond
	}
	return len(c.sent) - sent, c.asked - asked
}

func (c *script) expect(t *testing.T, what string, pictures, sent int, asks bool, sid int8) {
	t.Helper()
	n, asked := c.play(t, pictures)
	if n != sent || asked > 0 != asks || c.pr.Current().SID != sid {
		t.Errorf("%s: %d packets instead of %d, asked %d times, current %+v", what, n, sent, asked, c.pr.Current())
	}
}

func TestBrokenChain(t *testing.T) {
	c := newScript(layeredMode{codec: packet.CodecAV1, spatial: 2, temporal: 1, inter: 'a'})
	c.expect(t, "start", 10, 20, false, 1)
	c.lose = func(f layeredFrame) bool { return f.sid == 1 }
	c.expect(t, "a frame of the upper layer is lost", 1, 1, false, 1)
	c.lose = nil
	c.expect(t, "it may still come", 11, 22, false, 1)
	c.expect(t, "it did not: the layer below goes on", 20, 20+2, true, 0)
	c.lose = func(f layeredFrame) bool { return true }
	c.expect(t, "a picture is lost", 1, 0, false, 0)
	c.lose = nil
	c.play(t, 20)
	c.expect(t, "nothing can be decoded", 10, 0, true, 0)
	c.s.streams[0].wantKey = true
	c.expect(t, "keyframe", 10, 20, false, 1)
}

// A keyframe with another structure, of which the first packet is lost.
func TestUnknownStructure(t *testing.T) {
	c := newScript(layeredMode{codec: packet.CodecAV1, spatial: 2, temporal: 2, inter: 'k'})
	c.expect(t, "start", 8, 2+7, false, 1)
	c.s.streams[0].template += 17
	c.s.streams[0].wantKey = true
	c.lose = func(f layeredFrame) bool { return f.key && f.sid == 0 }
	c.expect(t, "its first packet is lost", 8, 0, true, 1)
	c.lose = nil
	c.s.streams[0].wantKey = true
	c.expect(t, "the next one", 8, 2+7, false, 1)
}

// The sender stops a layer without a keyframe, and says so or not.
func TestSenderStopsALayer(t *testing.T) {
	for _, m := range []layeredMode{
		{codec: packet.CodecVP9, spatial: 3, temporal: 1, inter: 'a'},
		{codec: packet.CodecVP9, spatial: 3, temporal: 1, inter: 'a', flexible: true},
	} {
		c := newScript(m)
		c.expect(t, "start", 10, 30, false, 2)
		c.lose = func(f layeredFrame) bool { return f.sid == 2 }
		c.expect(t, "the highest layer stops", 4, 8, false, 2)
		c.expect(t, "and stays away", 10, 20, false, 1)
		if last := c.sent[len(c.sent)-1]; last.frame.SID != 1 || !last.header.Marker {
			t.Errorf("last packet %+v", last)
		}
		c.lose = nil
		c.expect(t, "it comes back", 10, 20, true, 1)
		c.s.streams[0].wantKey = true
		c.expect(t, "with a keyframe", 10, 30, false, 2)
	}
	c := newScript(layeredMode{codec: packet.CodecVP9, spatial: 2, temporal: 1, inter: 'k'})
	c.lose = func(f layeredFrame) bool { return f.sid == 1 && !f.key }
	c.play(t, 8)
	c.expect(t, "the lower one cannot be gone to without a keyframe", 5, 0, true, 1)
}

// Going down where layers depend on each other takes effect at once, where
// they do not the higher one is thinned until a keyframe comes.
func TestGoingDown(t *testing.T) {
	for _, codec := range []packet.Codec{packet.CodecVP9, packet.CodecAV1} {
		c := newScript(layeredMode{codec: codec, spatial: 3, temporal: 3, inter: 'a'})
		c.expect(t, "start", 9, 27, false, 2)
		c.pr.SetTarget(egress.Target{SID: 0, TID: 2})
		c.expect(t, "down", 8, 8, false, 0)
		c = newScript(layeredMode{codec: codec, spatial: 3, temporal: 3, inter: 'k'})
		c.expect(t, "start", 9, 3+8, false, 2)
		c.play(t, 3) // base next
		c.pr.SetTarget(egress.Target{SID: 0, TID: 2})
		c.expect(t, "thinned", 8, 2, true, 2)
		c.s.streams[0].wantKey = true
		c.expect(t, "down", 8, 8, false, 0)
	}
}

func TestReceiverWithoutDescriptor(t *testing.T) {
	c := newScript(layeredMode{codec: packet.CodecH264, spatial: 1, temporal: 3, inter: 'n'})
	c.eg.SetExtensions(packet.Extensions{})
	c.pr.SetTarget(egress.Target{TID: 0, SID: -1})
	c.play(t, 16)
	for i, p := range c.sent {
		if p.frame.Described || p.out != c.sent[0].out+uint64(i) || p.header.ExtProfile != 0 {
			t.Fatalf("%+v", p)
		}
	}
	if len(c.sent) != 4 {
		t.Errorf("%d packets", len(c.sent))
	}
}

// H.264 without descriptor starts with the parameters, whatever precedes them.
func TestH264Entry(t *testing.T) {
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Video, 2)})
	for i, step := range []struct {
		nal byte
		out bool
	}{{0x41, false}, {0x06, false}, {0x67, true}, {0x68, true}, {0x65, true}, {0x41, true}} {
		ts := uint64(1<<32 + 3000)
		if step.nal == 0x41 {
			ts += uint64(i) * 3000
		}
		p := rtp(packet.CodecH264, 107, 1<<16+uint64(i), ts, []byte{step.nal, 1, 2})
		if i == 0 {
			p.TS = 1 << 32
		}
		if out := forward(eg, pr, p, time.Second); out != nil != step.out {
			t.Errorf("step %d: %v", i, out)
		}
	}
}

// layeredForwarder returns a function that forwards one packet of a long stream.
func layeredForwarder(m layeredMode) (step func()) {
	m.encodings = 1
	c := newLayeredRun(m, link{}, 3)
	c.pr.SetTarget(egress.Target{TID: 1, SID: 1})
	var packets []*packet.Packet
	for i := range 2000 {
		c.s.streams[0].wantKey = i%300 == 0
		for _, p := range c.s.picture(0, func() int { return 2 }) {
			p.Arrival = time.Second + time.Duration(i)*33*time.Millisecond
			p.Raw = append(p.Raw, make([]byte, 1000)...)
			packets = append(packets, p)
		}
	}
	var dst [packet.MaxDatagram]byte
	i := 0
	return func() {
		if i == len(packets) {
			i = 0 // a sender that starts again
		}
		p := packets[i]
		i++
		parse(&c.layering[0], p)
		c.eg.Forward(dst[:], c.pr, p, p.Arrival)
	}
}

func TestLayersDoNotAllocate(t *testing.T) {
	for _, m := range layeredModes {
		f := layeredForwarder(m)
		for range 300 {
			f()
		}
		if n := testing.AllocsPerRun(1000, f); n > 0 {
			t.Errorf("%s: %v allocations per packet", m.name, n)
		}
	}
}

func BenchmarkForwardLayers(b *testing.B) {
	for _, i := range []int{2, 4, 11, 12} {
		b.Run(layeredModes[i].name, func(b *testing.B) {
			step := layeredForwarder(layeredModes[i])
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
