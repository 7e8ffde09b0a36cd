package egress_test

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/packet"
)

var senderExt = packet.Extensions{
	AudioLevel: 1, AbsSendTime: 3, TCC: 5, MID: 10, DependencyDesc: 11, VideoOrientation: 13, RID: 4,
}

// rtp makes a packet of any codec with the sender's extensions.
func rtp(codec packet.Codec, pt uint8, seq, ts uint64, payload []byte, elements ...packet.Element) *packet.Packet {
	b := make([]byte, 200)
	n := packet.WriteHeader(b, packet.Header{
		PayloadType: pt, SequenceNumber: uint16(seq), Timestamp: uint32(ts), SSRC: 1000, Marker: true,
	}, elements)
	return parsed(append(b[:n], payload...), codec, 0, seq, ts)
}

func sourceOf(kind packet.Kind, encodings int) packet.Source {
	s := packet.Source{Name: "a", Kind: kind}
	for i := range encodings {
		s.Encodings = append(s.Encodings, packet.Encoding{SSRC: uint32(1000 + i), RTX: uint32(2000 + i)})
	}
	return s
}

// receiver makes an egress with one projection.
func receiver(c egress.Config, x packet.Extensions, o egress.ProjectionOptions) (*egress.Egress, *egress.Projection) {
	eg := egress.New(c)
	eg.SetPayloadTypes(testPTs)
	eg.SetExtensions(x)
	if o.SenderPayloadTypes == nil {
		o.SenderPayloadTypes = testPTs
	}
	o.SenderExtensions = senderExt
	if o.Out.SSRC == 0 {
		o.Out.SSRC = 77
	}
	pr := eg.AddProjection(o)
	if o.Source.Kind == packet.Video {
		pr.SetTarget(egress.Target{Encoding: 0, TID: -1, SID: -1})
	}
	return eg, pr
}

// forward returns the packet that leaves, nil if none does.
func forward(eg *egress.Egress, pr *egress.Projection, p *packet.Packet, now time.Duration) []byte {
	q := *p
	q.Arrival = now
	var dst [packet.MaxDatagram]byte
	n, _ := eg.Forward(dst[:], pr, &q, now)
	if n == 0 {
		return nil
	}
	return slices.Clone(dst[:n])
}

func TestHeaderExtensions(t *testing.T) {
	dd := []byte{0xC0, 0, 1}
	long := append([]byte{0xC0, 0, 1, 0x80}, make([]byte, 20)...)
	video := []packet.Element{{ID: 3, Data: []byte{1, 2, 3}}, {ID: 5, Data: []byte{9, 9}}, {ID: 10, Data: []byte("0")},
		{ID: 11, Data: dd}, {ID: 13, Data: []byte{2}}, {ID: 4, Data: []byte("r")}}
	longer := slices.Clone(video)
	longer[3].Data = long
	audio := []packet.Element{{ID: 1, Data: []byte{0x85}}, {ID: 5, Data: []byte{9, 9}}}
	receiverExt := packet.Extensions{AudioLevel: 2, TCC: 6, MID: 8, DependencyDesc: 12, VideoOrientation: 14}
	tests := []struct {
		name     string
		codec    packet.Codec
		pt       uint8
		elements []packet.Element
		ext      packet.Extensions
		mid      string
		want     []packet.Element
		profile  uint16
	}{
		{"nothing negotiated", packet.CodecH264, 107, video, packet.Extensions{}, "v0", nil, 0},
		{"H264", packet.CodecH264, 107, video, receiverExt, "", []packet.Element{{ID: 14, Data: []byte{2}}, {ID: 12, Data: dd}, {ID: 6, Data: []byte{0, 0}}}, 0xBEDE},
		{"AV1 with structure", packet.CodecAV1, 41, longer, receiverExt, "v3",
			[]packet.Element{{ID: 14, Data: []byte{2}}, {ID: 12, Data: long}, {ID: 6, Data: []byte{0, 0}}, {ID: 8, Data: []byte("v3")}}, 0x1000},
		{"audio", packet.CodecOpus, 111, audio, receiverExt, "a0",
			[]packet.Element{{ID: 2, Data: []byte{0x85}}, {ID: 6, Data: []byte{0, 0}}, {ID: 8, Data: []byte("a0")}}, 0xBEDE},
		{"absolute send time", packet.CodecH264, 107, nil, packet.Extensions{AbsSendTime: 3}, "", []packet.Element{{ID: 3, Data: []byte{0x06, 0, 0}}}, 0xBEDE},
		{"not with TCC", packet.CodecH264, 107, nil, packet.Extensions{AbsSendTime: 3, TCC: 5}, "", []packet.Element{{ID: 5, Data: []byte{0, 0}}}, 0xBEDE},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := rtp(test.codec, test.pt, 1<<16, 1<<32, []byte{1, 2, 3}, test.elements...)
			p.HasLevel, p.Level, p.Voice = test.codec == packet.CodecOpus, 5, true
			eg, pr := receiver(egress.Config{}, test.ext, egress.ProjectionOptions{
				Source: sourceOf(p.Kind, 1), Out: egress.Output{SSRC: 77, MID: test.mid},
			})
			out := forward(eg, pr, p, 1500*time.Millisecond)
			h := mustHeader(t, out)
			got := make([]packet.Element, 8)
			got = got[:packet.Elements(out, h, got)]
			if len(got) != len(test.want) || len(got) > 0 && !reflect.DeepEqual(got, test.want) || h.ExtProfile != test.profile {
				t.Errorf("got %v (%x), want %v", got, h.ExtProfile, test.want)
			}
			if h.SSRC != 77 || !h.Marker || !slices.Equal(out[h.HeaderLen:], []byte{1, 2, 3}) {
				t.Errorf("header %+v, payload %v", h, out[h.HeaderLen:])
			}
		})
	}
}

func TestTransportWideNumbersCountEverything(t *testing.T) {
	eg, pr := receiver(egress.Config{}, packet.Extensions{TCC: 5}, egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1)})
	other := eg.AddProjection(egress.ProjectionOptions{Source: sourceOf(packet.Video, 1), SenderPayloadTypes: testPTs, Out: egress.Output{SSRC: 78}})
	other.SetTarget(egress.Target{})
	for i := range uint64(4) {
		p, to := rtp(packet.CodecOpus, 111, i+1<<16, 960*i, []byte{1}), pr
		if i%2 == 1 {
			p, to = rtp(packet.CodecH264, 107, i+1<<16, 3000*i, []byte{1}), other
		}
		out := forward(eg, to, p, time.Second)
		v, _ := packet.Extension(out, mustHeader(t, out), 5)
		if len(v) != 2 || uint64(binary.BigEndian.Uint16(v)) != i {
			t.Errorf("packet %d has number %v", i, v)
		}
	}
}

func TestPayloadTypes(t *testing.T) {
	table := []packet.PayloadType{
		{ID: 102, Codec: packet.CodecH264, ClockRate: 90000}, {ID: 108, Codec: packet.CodecH264, ClockRate: 90000},
		{ID: 120, Codec: packet.CodecOpus, ClockRate: 48000},
		{ID: 121, Codec: packet.CodecTelephoneEvent, ClockRate: 8000}, {ID: 122, Codec: packet.CodecTelephoneEvent, ClockRate: 48000},
		{ID: 33, Codec: packet.CodecUnknown, ClockRate: 90000},
	}
	sender := append(slices.Clone(testPTs), packet.PayloadType{ID: 126, Codec: packet.CodecTelephoneEvent, ClockRate: 48000})
	for _, test := range []struct {
		name  string
		codec packet.Codec
		pt    uint8
		want  uint8 // 0: not sent
	}{
		{"other number", packet.CodecH264, 107, 102},
		{"same number, not the first", packet.CodecH264, 108, 108},
		{"by clock rate", packet.CodecTelephoneEvent, 126, 122},
		{"opus", packet.CodecOpus, 111, 120},
		{"not taken", packet.CodecVP8, 100, 0},
		{"unknown codec, same number", packet.CodecUnknown, 33, 33},
		{"unknown codec, other number", packet.CodecUnknown, 34, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := rtp(test.codec, test.pt, 1<<16, 1<<32, []byte{1})
			if test.codec == packet.CodecTelephoneEvent {
				p.Kind = packet.Audio
			}
			eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(p.Kind, 1), SenderPayloadTypes: sender})
			eg.SetPayloadTypes(table)
			out := forward(eg, pr, p, time.Second)
			if out == nil && test.want != 0 || out != nil && mustHeader(t, out).PayloadType != test.want {
				t.Errorf("got %v, want %d", out, test.want)
			}
			if (eg.Stats().NoPayloadType == 1) != (test.want == 0) {
				t.Errorf("stats %+v", eg.Stats())
			}
		})
	}
}

func TestH264Simulcast(t *testing.T) {
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Video, 2)})
	pr.SetTarget(egress.Target{Encoding: 1, TID: 0, SID: -1})
	var seqs []uint16
	for i, step := range []struct {
		enc      int
		key, out bool
		want     bool
	}{
		{0, false, false, true}, {0, true, true, false}, {1, false, false, false}, {0, false, true, false},
		{1, true, true, false}, {0, true, false, false}, {1, false, true, false}, {0, false, false, false},
	} {
		p := rtp(packet.CodecH264, 107, 1<<16+uint64(i), 1<<32+uint64(3000*i), []byte{0x41})
		p.Encoding, p.Frame.Start, p.Frame.Keyframe = step.enc, true, step.key
		p.SSRC = uint32(1000 + step.enc)
		p.Arrival = time.Duration(i) * 33 * time.Millisecond
		var dst [100]byte
		n, want := eg.Forward(dst[:], pr, p, p.Arrival)
		if n > 0 != step.out || want != step.want {
			t.Errorf("step %d: %d bytes, wants keyframe %v", i, n, want)
		}
		if n > 0 {
			seqs = append(seqs, mustHeader(t, dst[:n]).SequenceNumber)
		}
	}
	for i := 1; i < len(seqs); i++ {
		// One number per packet that is surely not lost: the numbers of an
		// encoding run on while others interleave in this test.
		if d := seqs[i] - seqs[i-1]; d == 0 || d > 2 {
			t.Errorf("numbers %v", seqs)
		}
	}
	if c := pr.Current(); c != (egress.Target{Encoding: 1, TID: -1, SID: -1}) {
		t.Errorf("current %+v", c)
	}
}

func TestSingleEncodingWithoutKeyframeFactsFlowsAtOnce(t *testing.T) {
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Video, 1)})
	for i := range 400 {
		p := rtp(packet.CodecH264, 107, 1<<16+uint64(i), 1<<32+uint64(3000*i), []byte{0x41})
		p.Arrival = time.Duration(i) * 33 * time.Millisecond
		var dst [100]byte
		n, want := eg.Forward(dst[:], pr, p, p.Arrival)
		if n == 0 || want != (p.Arrival < 5*time.Second) {
			t.Fatalf("packet %d: %d bytes, wants keyframe %v", i, n, want)
		}
	}
	pr.SetTarget(allocation.Suspended)
	p := rtp(packet.CodecH264, 107, 1<<16+400, 1<<32+400*3000, []byte{0x41})
	if forward(eg, pr, p, time.Minute) != nil {
		t.Error("a suspended source is forwarded")
	}
}

func TestRebindContinuesNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	a, b := newSimulcast(r, 1), newSimulcast(r, 1)
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: a.source})
	pr.SetTarget(egress.Target{Encoding: 0, TID: -1, SID: -1})
	var last packet.Header
	var pid int32
	now := time.Second
	for i := range 40 {
		s := a
		if i >= 20 {
			s = b
		}
		if i == 20 {
			eg.RebindProjection(pr, egress.ProjectionOptions{Source: b.source, SenderPayloadTypes: testPTs, SenderExtensions: senderExt})
		}
		now += 33 * time.Millisecond
		out := forward(eg, pr, s.frame(0, 1)[0], now)
		h := mustHeader(t, out)
		v, _ := packet.ParseVP8(out[h.HeaderLen:])
		if d := h.Timestamp - last.Timestamp; i > 0 && (h.SequenceNumber != last.SequenceNumber+1 || d < 2900 || d > 3100 || v.PictureID != (pid+1)&0x7fff) {
			t.Fatalf("frame %d: %+v, picture %d after %+v, %d", i, h, v.PictureID, last, pid)
		}
		last, pid = h, v.PictureID
	}
}

func TestNumbersGoOnWhenAnSSRCComesBack(t *testing.T) {
	o := egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1)}
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, o)
	o.SenderPayloadTypes, o.Out.SSRC = testPTs, 77
	first := mustHeader(t, forward(eg, pr, opus(0), time.Second)).SequenceNumber
	for i := range uint16(20) {
		eg.RemoveProjection(pr)
		eg.RemoveProjection(pr) // harmless
		pr = eg.AddProjection(o)
		if i%2 == 1 {
			continue // nothing was sent in between
		}
		if n := mustHeader(t, forward(eg, pr, opus(0), time.Second)).SequenceNumber; n != first+1+i/2 {
			t.Fatalf("number %d after %d", n, first+i/2)
		}
	}
}

func TestTimestampFollowsSenderReports(t *testing.T) {
	s := newSimulcast(rand.New(rand.NewPCG(3, 3)), 2)
	eg, pr := receiver(egress.Config{CNAME: "c"}, packet.Extensions{}, egress.ProjectionOptions{Source: s.source})
	var first uint32
	var buf [200]byte
	now := time.Second
	for i := range 60 {
		now += 33 * time.Millisecond
		if i == 30 {
			pr.SetTarget(egress.Target{Encoding: 1, TID: -1, SID: -1})
			s.streams[1].wantKey = true
		}
		for enc := range 2 {
			p := s.frame(enc, 1)[0]
			// Packets come 20 ms late at the switch; reports tell the truth.
			late := time.Duration(0)
			if i == 30 {
				late = 20 * time.Millisecond
			}
			out := forward(eg, pr, p, now+late)
			if i == 10 {
				ntp := uint64((100 + float64(i)/30) * (1 << 32))
				n := eg.SenderReport(buf[:], pr, egress.SenderReport{SSRC: s.source.Encodings[enc].SSRC, NTP: ntp, RTPTime: p.Timestamp}, now)
				if n > 0 != (enc == 0) {
					t.Errorf("report of encoding %d: %d bytes", enc, n)
				}
			}
			if out == nil {
				continue
			}
			h := mustHeader(t, out)
			if first == 0 {
				first = h.Timestamp
			}
			// The frame of the switch is that of encoding 0 again: it comes a
			// little later, as no two frames may have one timestamp.
			if off := int32(h.Timestamp - first - uint32(3000*i)); off < 0 || off > 90 || i < 30 && off != 0 {
				t.Errorf("frame %d of encoding %d is %d units off", i, enc, off)
			}
		}
	}
}

func TestForwardDoesNotAllocate(t *testing.T) {
	for _, codec := range []string{"vp8", "opus"} {
		f := forwarder(codec)
		for range 2000 {
			f()
		}
		if n := testing.AllocsPerRun(2000, f); n > 0 {
			t.Errorf("%s: %v allocations per packet", codec, n)
		}
	}
}

func TestSizeOfProjection(t *testing.T) {
	if n := unsafe.Sizeof(egress.Projection{}); n > 1024 {
		t.Errorf("a projection takes %d bytes without its tables", n)
	} else {
		t.Logf("%d bytes", n)
	}
}

// forwarder returns a function that forwards one packet of an endless stream:
// VP8 of three temporal layers of which the upper is dropped, or Opus.
func forwarder(codec string) (step func()) {
	s := newSimulcast(rand.New(rand.NewPCG(5, 5)), 3)
	source := s.source
	if codec == "opus" {
		source = sourceOf(packet.Audio, 1)
	}
	eg, pr := receiver(egress.Config{}, packet.Extensions{TCC: 5, AudioLevel: 1}, egress.ProjectionOptions{Source: source})
	var packets []*packet.Packet
	if codec == "opus" {
		p := rtp(packet.CodecOpus, 111, 1<<16, 1<<32, make([]byte, 80), packet.Element{ID: 1, Data: []byte{0x85}})
		p.HasLevel = true
		packets = append(packets, p)
	} else {
		pr.SetTarget(egress.Target{Encoding: 0, TID: 1, SID: -1})
		for range 4 {
			for _, p := range s.frame(0, 4) {
				p.Raw = append(p.Raw, make([]byte, 1000)...)
				packets = append(packets, p)
			}
		}
	}
	var dst [packet.MaxDatagram]byte
	i, round, p := 0, uint64(0), new(packet.Packet)
	step = func() {
		*p = *packets[i]
		p.Seq += round * uint64(len(packets))
		p.TS += round * 12000
		p.Arrival = time.Duration(round) * 133 * time.Millisecond
		p.Frame.PictureID = (p.Frame.PictureID + int32(round)*4) & 0x7fff
		if codec == "opus" {
			p.TS = packets[i].TS + round*960
			p.Arrival = time.Duration(round) * 20 * time.Millisecond
		}
		eg.Forward(dst[:], pr, p, p.Arrival)
		if i++; i == len(packets) {
			i, round = 0, round+1
		}
	}
	return step
}

func BenchmarkForward(b *testing.B) {
	for _, codec := range []string{"vp8", "opus"} {
		b.Run(codec, func(b *testing.B) {
			step := forwarder(codec)
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
