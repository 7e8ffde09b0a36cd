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

// call is a receiver that got some frames of a VP8 source.
type call struct {
	eg   *egress.Egress
	pr   *egress.Projection
	s    *simulcast
	out  [][]byte
	sink sink
}

func newCall(t *testing.T, c egress.Config, rtx uint32, pts []packet.PayloadType) *call {
	t.Helper()
	s := newSimulcast(rand.New(rand.NewPCG(9, 9)), 1)
	rings := s.rings()
	eg, pr := receiver(c, packet.Extensions{TCC: 5}, egress.ProjectionOptions{
		Source: s.source, Rings: rings, Out: egress.Output{SSRC: 77, RTX: rtx},
	})
	eg.SetPayloadTypes(pts)
	pr.SetTarget(egress.Target{Encoding: 0, TID: 1, SID: -1})
	x := &call{eg: eg, pr: pr, s: s}
	for i := range 12 {
		for _, p := range s.frame(0, 2) {
			p.Arrival = time.Duration(i) * 33 * time.Millisecond
			rings[0].Put(p)
			if b := forward(eg, pr, p, p.Arrival); b != nil {
				x.out = append(x.out, b)
			}
		}
	}
	return x
}

func (x *call) nack(seqs ...uint16) []byte { return packet.AppendNACK(nil, 1, 77, seqs) }

func TestRetransmission(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	for i, want := range x.out {
		h := mustHeader(t, want)
		x.sink.packets = nil
		x.eg.RTCP(x.nack(h.SequenceNumber), time.Second, &x.sink)
		if len(x.sink.packets) != 1 {
			t.Fatalf("packet %d: %d answers", i, len(x.sink.packets))
		}
		b := x.sink.packets[0]
		r := mustHeader(t, b)
		if r.SSRC != 78 || r.PayloadType != 96 || r.Timestamp != h.Timestamp || r.Marker != h.Marker {
			t.Errorf("packet %d: %+v", i, r)
		}
		osn, payload := binary.BigEndian.Uint16(b[r.HeaderLen:]), b[r.HeaderLen+2:]
		if osn != h.SequenceNumber || !slices.Equal(payload, want[h.HeaderLen:]) {
			t.Errorf("packet %d: number %d, payload differs %v", i, osn, !slices.Equal(payload, want[h.HeaderLen:]))
		}
		tcc, _ := packet.Extension(b, r, 5)
		if int(binary.BigEndian.Uint16(tcc)) != len(x.out)+i {
			t.Errorf("packet %d: transport-wide number %v", i, tcc)
		}
	}
	st := x.eg.Stats()
	if n := uint64(len(x.out)); st.NACKs != n || st.Unanswered != 0 || st.Retransmissions != n || x.pr.Stats().Retransmissions != n || st.Packets != 2*n {
		t.Errorf("stats %+v", st)
	}
}

func TestUnansweredNACKs(t *testing.T) {
	noRTX := slices.DeleteFunc(slices.Clone(testPTs), func(p packet.PayloadType) bool { return p.Codec == packet.CodecRTX })
	for _, test := range []struct {
		name string
		rtx  uint32
		pts  []packet.PayloadType
		at   func(x *call) []byte
	}{
		{"no RTX stream", 0, testPTs, func(x *call) []byte { return x.nack(binary.BigEndian.Uint16(x.out[3][2:])) }},
		{"no RTX payload type", 78, noRTX, func(x *call) []byte { return x.nack(binary.BigEndian.Uint16(x.out[3][2:])) }},
		{"number not given out", 78, testPTs, func(x *call) []byte {
			return x.nack(binary.BigEndian.Uint16(x.out[len(x.out)-1][2:]) + 1)
		}},
		{"number before the first", 78, testPTs, func(x *call) []byte { return x.nack(binary.BigEndian.Uint16(x.out[0][2:]) - 1) }},
		{"other stream", 78, testPTs, func(*call) []byte { return packet.AppendNACK(nil, 1, 79, []uint16{1}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newCall(t, egress.Config{}, test.rtx, test.pts)
			x.eg.RTCP(test.at(x), time.Second, &x.sink)
			if st := x.eg.Stats(); len(x.sink.packets) != 0 || st.NACKs != 1 || st.Unanswered != 1 {
				t.Errorf("%d answers, %+v", len(x.sink.packets), st)
			}
		})
	}
}

func TestRepeatGuard(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	var buf [200]byte
	sr := egress.SenderReport{SSRC: 1000, NTP: 7 << 32, RTPTime: 5}
	if x.eg.SenderReport(buf[:], x.pr, sr, time.Second) == 0 {
		t.Fatal("no report")
	}
	// A round trip of 100 ms: the report came back after 150 ms of which the
	// receiver held it for 50.
	rr := packet.AppendReceiverReport(nil, 1, []packet.ReportBlock{{SSRC: 77, LSR: sr.NTPMiddle(), DLSR: 65536 / 20}})
	x.eg.RTCP(rr, 1150*time.Millisecond, &x.sink)
	if rtt := x.eg.Stats().RTT; rtt < 99*time.Millisecond || rtt > 101*time.Millisecond {
		t.Fatalf("round trip %v", rtt)
	}
	seq := binary.BigEndian.Uint16(x.out[3][2:])
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{1200, 1}, {1201, 1}, {1280, 1}, {1295, 2}, {1296, 2}} {
		x.eg.RTCP(x.nack(seq, seq), step.at*time.Millisecond, &x.sink)
		if len(x.sink.packets) != step.want {
			t.Errorf("at %d ms: %d answers, want %d", step.at, len(x.sink.packets), step.want)
		}
	}
	// A packet that left a moment ago was asked for before it left.
	last := binary.BigEndian.Uint16(x.out[len(x.out)-1][2:])
	x.eg.RTCP(x.nack(last), 400*time.Millisecond, &x.sink)
	if len(x.sink.packets) != 2 {
		t.Error("a packet that just left was sent again")
	}
}

func TestKeyframeRequests(t *testing.T) {
	fir := packet.AppendFIR(nil, 1, 77, 3)
	for _, test := range []struct {
		name string
		rtcp []byte
		want int
	}{
		{"PLI", packet.AppendPLI(nil, 1, 77), 1},
		{"FIR", fir, 1},
		{"PLI of another stream", packet.AppendPLI(nil, 1, 79), 0},
		{"FIR of another stream", packet.AppendFIR(nil, 1, 79, 1), 0},
		{"compound", append(packet.AppendReceiverReport(nil, 1, nil), packet.AppendPLI(nil, 1, 77)...), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newCall(t, egress.Config{}, 78, testPTs)
			x.eg.RTCP(test.rtcp, time.Second, &x.sink)
			if x.sink.keyframes != test.want || x.eg.Stats().RTCPErrors != 0 {
				t.Errorf("%d requests, %+v", x.sink.keyframes, x.eg.Stats())
			}
			x.pr.SetTarget(allocation.Suspended)
			forward(x.eg, x.pr, x.s.frame(0, 1)[0], time.Second)
			x.eg.RTCP(test.rtcp, time.Second, &x.sink)
			if x.sink.keyframes != test.want {
				t.Error("a suspended source is asked for a keyframe")
			}
		})
	}
}

// estimator notes what it is told.
type estimator struct {
	sent, feedback int
	newest         uint16
}

func (e *estimator) Sent(seq uint16, size int, now time.Duration) { e.sent++; e.newest = seq }
func (e *estimator) TCC(rtcp []byte, now time.Duration)           { e.feedback++ }

func TestReportsAndEstimates(t *testing.T) {
	est := &estimator{}
	x := newCall(t, egress.Config{Estimator: est}, 78, testPTs)
	block := packet.ReportBlock{SSRC: 77, HighestSeq: 1000}
	x.eg.RTCP(packet.AppendReceiverReport(nil, 1, []packet.ReportBlock{block}), time.Second, &x.sink)
	block.HighestSeq, block.FractionLost = 1100, 64
	x.eg.RTCP(packet.AppendReceiverReport(nil, 1, []packet.ReportBlock{{SSRC: 5, FractionLost: 255}, block}), 2*time.Second, &x.sink)
	remb := []byte{0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 2<<2 | 1, 0x86, 0xA0}
	x.eg.RTCP(remb, 2*time.Second, &x.sink)
	x.eg.RTCP([]byte{0x8F, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0}, 2*time.Second, &x.sink)
	st := x.eg.Stats()
	if st.Loss != 0.25 || st.REMB != 0x186A0<<2 || st.RTCPErrors != 0 || est.feedback != 1 || est.sent != len(x.out) || int(est.newest) != len(x.out)-1 {
		t.Errorf("%+v, %+v", st, est)
	}
}

func TestSenderReport(t *testing.T) {
	x := newCall(t, egress.Config{CNAME: "name"}, 78, testPTs)
	last := mustHeader(t, x.out[len(x.out)-1])
	var newest uint32
	octets := uint32(0)
	for _, b := range x.out {
		octets += uint32(len(b) - mustHeader(t, b).HeaderLen)
	}
	newest = uint32(x.s.streams[0].ts)
	var buf [200]byte
	n := x.eg.SenderReport(buf[:], x.pr, egress.SenderReport{SSRC: 1000, NTP: 42, RTPTime: newest, PacketCount: 9, OctetCount: 9}, time.Second)
	r := packet.ReadRTCP(buf[:n])
	p, _ := r.Next()
	sr, ok := packet.ParseSenderReport(p)
	// The newest frame is a dropped one, 3000 units behind the last that left.
	want := egress.SenderReport{SSRC: 77, NTP: 42, RTPTime: last.Timestamp + 3000, PacketCount: uint32(len(x.out)), OctetCount: octets}
	if !ok || sr != want {
		t.Errorf("got %+v, want %+v", sr, want)
	}
	if p, ok = r.Next(); !ok || p.Type != packet.RTCPSourceDesc || string(p.Raw[10:14]) != "name" {
		t.Errorf("SDES %v", p)
	}
	if n := x.eg.SenderReport(buf[:], x.pr, egress.SenderReport{SSRC: 999}, time.Second); n != 0 {
		t.Error("a report of a foreign stream was forwarded")
	}
	if n := x.eg.SenderReport(buf[:40], x.pr, egress.SenderReport{SSRC: 1000}, time.Second); n != 0 {
		t.Error("a report was cut")
	}
}

func TestMalformedRTCPIsCounted(t *testing.T) {
	for _, b := range [][]byte{
		{0}, {0x80, 201, 0, 9}, {0x81, 201, 0, 1, 0, 0, 0, 1}, {0x81, 205, 0, 1, 0, 0, 0, 1},
		{0x81, 206, 0, 1, 0, 0, 0, 1}, {0x8F, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0},
		append(packet.AppendPLI(nil, 1, 77), 0x80),
	} {
		x := newCall(t, egress.Config{}, 78, testPTs)
		x.eg.RTCP(b, time.Second, &x.sink)
		if x.eg.Stats().RTCPErrors != 1 {
			t.Errorf("%x: %+v", b, x.eg.Stats())
		}
	}
	x := newCall(t, egress.Config{}, 78, testPTs)
	x.eg.RTCP([]byte{0x81, packet.RTCPBye, 0, 1, 0, 0, 0, 77}, time.Second, &x.sink)
	if x.eg.Stats().RTCPErrors != 0 || x.pr.Current().Encoding != 0 {
		t.Error("BYE had an effect")
	}
}

func FuzzRTCP(f *testing.F) {
	f.Add(packet.AppendNACK(packet.AppendReceiverReport(nil, 1, []packet.ReportBlock{{SSRC: 77}}), 1, 77, []uint16{1, 2, 900}))
	f.Add(packet.AppendFIR(packet.AppendPLI(nil, 1, 77), 1, 77, 3))
	x := newCall(&testing.T{}, egress.Config{Estimator: &estimator{}}, 78, testPTs)
	f.Fuzz(func(t *testing.T, b []byte) {
		x.sink = sink{}
		x.eg.RTCP(b, time.Second, &x.sink)
		if len(x.sink.packets) > 1024 {
			t.Errorf("%d answers", len(x.sink.packets))
		}
	})
}

// FuzzForward feeds arbitrary payloads and jumps of numbers to a projection.
func FuzzForward(f *testing.F) {
	f.Add([]byte{0x90, 0xE0, 0x81, 2, 3, 0x40, 0x10, 0, 0, 0x9d, 1, 0x2a, 0, 1, 0, 1}, uint64(1), uint64(3000), uint8(0))
	f.Add([]byte{0xB1}, uint64(5000), uint64(1)<<40, uint8(3))
	f.Fuzz(func(t *testing.T, payload []byte, seq, ts uint64, kind uint8) {
		if len(payload) > 1000 {
			return
		}
		codec := []packet.Codec{packet.CodecVP8, packet.CodecH264, packet.CodecOpus, packet.CodecRED}[kind%4]
		pt := map[packet.Codec]uint8{packet.CodecVP8: 100, packet.CodecH264: 107, packet.CodecOpus: 111, packet.CodecRED: 112}[codec]
		sent := map[uint16]bool{}
		p := rtp(codec, pt, 1<<32, 1<<40, payload)
		eg, pr := receiver(egress.Config{RED: egress.REDPolicy(kind / 4 % 3)}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(p.Kind, 1+int(kind/16%3))})
		for i := range uint64(6) {
			q := rtp(codec, pt, 1<<32+seq%(1<<31)*(i%3), 1<<40+ts%(1<<39)*(i%2)+i, payload)
			q.Encoding = int(i) % 4
			out := forward(eg, pr, q, time.Duration(i)*time.Second)
			if out == nil {
				continue
			}
			if h := mustHeader(t, out); sent[h.SequenceNumber] || h.SSRC != 77 {
				t.Errorf("%+v", h)
			} else {
				sent[h.SequenceNumber] = true
			}
		}
	})
}

// counter is a sink that keeps nothing.
type counter struct {
	buf [packet.MaxDatagram]byte
	n   int
}

func (c *counter) Reserve() []byte             { return c.buf[:] }
func (c *counter) Emit(int)                    { c.n++ }
func (c *counter) Keyframe(*egress.Projection) {}

func TestRetransmissionDoesNotAllocate(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	nack, now, s := x.nack(binary.BigEndian.Uint16(x.out[3][2:])), time.Second, &counter{}
	n := testing.AllocsPerRun(100, func() {
		now += 10 * time.Millisecond
		x.eg.RTCP(nack, now, s)
	})
	if n > 0 || s.n != 101 {
		t.Errorf("%v allocations, %d answers", n, s.n)
	}
}

// TestReleasedProjection has packets and feedback come for a source that is
// gone: nothing is sent, and the numbers go on with the next source.
func TestReleasedProjection(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	last := mustHeader(t, x.out[len(x.out)-1])
	x.eg.ReleaseProjection(x.pr)
	for _, p := range x.s.frame(0, 2) {
		if b := forward(x.eg, x.pr, p, time.Second); b != nil {
			t.Error("a packet passed")
		}
	}
	x.eg.RTCP(x.nack(last.SequenceNumber), time.Second, &x.sink)
	x.eg.RTCP(packet.AppendPLI(nil, 1, 77), time.Second, &x.sink)
	if len(x.sink.packets) != 0 {
		t.Error("a packet was sent again")
	}
	x.eg.RebindProjection(x.pr, egress.ProjectionOptions{Source: x.s.source, Rings: x.s.rings()})
	x.s.streams[0].wantKey = true
	b := forward(x.eg, x.pr, x.s.frame(0, 1)[0], 2*time.Second)
	if b == nil {
		t.Fatal("the next source does not pass")
	}
	if h := mustHeader(t, b); h.SSRC != 77 || h.SequenceNumber-last.SequenceNumber > 2 || h.SequenceNumber == last.SequenceNumber {
		t.Errorf("number %d after %d", h.SequenceNumber, last.SequenceNumber)
	}
}
