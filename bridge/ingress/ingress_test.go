package ingress_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"steg/bridge/ingress"
	"steg/bridge/packet"
)

func TestDrops(t *testing.T) {
	odd := video(1)
	odd.pt = oddPT
	stranger := video(1)
	stranger.ssrc = 9
	swapped := audio(1, 5)
	swapped.ssrc = lowSSRC
	onRTX := video(1)
	onRTX.ssrc = lowRTX
	padding := out{pt: vp8PT, ssrc: lowSSRC, seq: 2, padding: 255}
	probe := out{pt: vp8RTX, ssrc: lowRTX, seq: 2, padding: 255}
	tests := []struct {
		name string
		in   []byte
		want func(s ingress.Stats) uint64
	}{
		{"malformed", []byte{0x80, 1}, func(s ingress.Stats) uint64 { return s.Malformed }},
		{"payload type not signalled", odd.bytes(), func(s ingress.Stats) uint64 { return s.UnknownPayload }},
		{"SSRC not signalled", stranger.bytes(), func(s ingress.Stats) uint64 { return s.UnknownSSRC }},
		{"audio on a video source", swapped.bytes(), func(s ingress.Stats) uint64 { return s.UnknownPayload }},
		{"media on an RTX SSRC", onRTX.bytes(), func(s ingress.Stats) uint64 { return s.UnknownPayload }},
		{"RTX on a media SSRC", video(1).rtx(vp8RTX, lowSSRC, 1).bytes(), func(s ingress.Stats) uint64 { return s.UnknownPayload }},
		{"padding alone", padding.bytes(), func(s ingress.Stats) uint64 { return s.PaddingOnly }},
		{"RTX probe", probe.bytes(), func(s ingress.Stats) uint64 { return s.PaddingOnly }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := newIngress()
			if p, s := in.RTP(tt.in, start); p != nil || s != nil || tt.want(in.Stats()) != 1 {
				t.Errorf("forwarded %v, counted %+v", p != nil, in.Stats())
			}
		})
	}
}

func TestRTXRestores(t *testing.T) {
	in := newIngress()
	mustSend(t, in, video(10), start)
	lost := video(11)
	lost.elements = []packet.Element{{ID: tccID, Data: []byte{0, 9}}}
	mustSend(t, in, video(12), start)
	repeat := lost.rtx(vp8RTX, lowRTX, 500)
	repeat.padding = 7
	p, s := in.RTP(repeat.bytes(), start+50*ms)
	if p == nil || !bytes.Equal(p.Raw, lost.bytes()) {
		t.Fatalf("got %+v", p)
	}
	want := packet.Packet{
		Header: packet.Header{Marker: true, PayloadType: vp8PT, SequenceNumber: 11, Timestamp: 33000, SSRC: lowSSRC,
			HeaderLen: 20, ExtProfile: 0xbede, ExtStart: 16, ExtEnd: 20},
		Kind: packet.Video, Codec: packet.CodecVP8, Seq: 1<<16 + 11, TS: 1<<32 + 33000, Arrival: start + 50*ms, Level: 127,
		Frame: packet.Frame{Start: true, End: true, Layered: true, SID: -1, PictureID: 11, LongID: true, Descriptor: 6},
	}
	h, _ := packet.ParseHeader(p.Raw)
	if got := *p; h != want.Header || got.Frame != want.Frame || got.Seq != want.Seq || got.TS != want.TS || got.Header != want.Header {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if q, ok := s.Ring(0).Get(1<<16+11, make([]byte, 1500)); !ok || !bytes.Equal(q.Raw, lost.bytes()) {
		t.Error("not in the ring")
	}
	if send(in, lost, start+60*ms) != nil || send(in, lost.rtx(vp8RTX, lowRTX, 501), start+60*ms) != nil || in.Stats().Duplicate != 2 {
		t.Errorf("duplicates passed: %+v", in.Stats())
	}
}

func TestPaddingIsClosed(t *testing.T) {
	in := newIngress()
	var got []uint64
	for seq := uint16(65530); seq != 10; seq++ {
		o := video(seq)
		if seq%4 == 0 {
			o.payload = nil
		}
		o.padding = uint8(seq%3) * 40
		if seq == 65533 || seq == 3 {
			continue // late
		}
		if p := send(in, o, start); p != nil {
			if p.Padding != 0 || p.Raw[0]&0x20 != 0 || len(p.Payload()) != 106 {
				t.Fatalf("padding left: %+v", p.Header)
			}
			got = append(got, p.Seq)
		}
	}
	got = append(got, mustSend(t, in, video(65533), start).Seq, mustSend(t, in, video(3), start).Seq)
	slices.Sort(got)
	for i, seq := range got {
		if seq != 1<<16+65530+uint64(i) {
			t.Fatalf("numbers with a hole: %v", got)
		}
	}
	if len(got) != 12 {
		t.Errorf("%d packets", len(got))
	}
}

func TestMute(t *testing.T) {
	in := newIngress()
	first := mustSend(t, in, audio(1, -1), start)
	firstVideo := mustSend(t, in, video(1), start)
	in.Mute(true, true)
	for seq := uint16(2); seq < 50; seq++ {
		if send(in, audio(seq, -1), start) != nil || send(in, video(2*seq), start) != nil {
			t.Fatal("muted packet passed")
		}
	}
	if send(in, video(3).rtx(vp8RTX, lowRTX, 1), start) != nil {
		t.Fatal("muted packet passed as RTX")
	}
	if list := collect(in.Feedback, start+time.Second); len(list) != 0 {
		t.Errorf("asked for muted packets: %x", list)
	}
	in.Mute(false, false)
	if p := mustSend(t, in, audio(50, -1), start); p.Seq != first.Seq+1 {
		t.Errorf("audio went on at %d after %d", p.Seq, first.Seq)
	}
	// Every other number was lost; what was dropped on purpose was 48 packets.
	if p := mustSend(t, in, video(99), start); p.Seq != firstVideo.Seq+98-48 {
		t.Errorf("video went on at %d after %d", p.Seq, firstVideo.Seq)
	}
}

func TestSilence(t *testing.T) {
	in := newIngress()
	levels := []int{20, 127, 127, 127, 127, 127, 127, 40 | 0x80, 127, -1, 127, 127, 127, 127}
	passed := []bool{true, true, true, true, true, false, false, true, true, true, true, true, true, false}
	seq := uint64(0)
	for i, level := range levels {
		p := send(in, audio(uint16(i), level), start+time.Duration(i)*20*ms)
		if (p != nil) != passed[i] {
			t.Fatalf("packet %d with level %d: passed %v", i, level, p != nil)
		}
		if p == nil {
			continue
		}
		if seq != 0 && p.Seq != seq+1 {
			t.Errorf("packet %d is number %d after %d", i, p.Seq, seq)
		}
		seq = p.Seq
		if p.HasLevel != (level >= 0) || p.HasLevel && (int(p.Level) != level&0x7f || p.Voice != (level > 127)) {
			t.Errorf("packet %d: level %d %v %v", i, p.Level, p.HasLevel, p.Voice)
		}
	}
	if s := in.Stats(); s.Silence != 3 || s.Lost != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestRestart(t *testing.T) {
	in := newIngress()
	for seq := uint16(40000); seq < 40100; seq++ {
		mustSend(t, in, video(seq), start)
	}
	last := mustSend(t, in, video(40100), start)
	if send(in, video(100), start) != nil {
		t.Fatal("one old packet passed")
	}
	if p := mustSend(t, in, video(101), start); p.Seq != last.Seq+2 {
		t.Errorf("went on at %d after %d", p.Seq, last.Seq)
	}
	if p := mustSend(t, in, video(102), start); p.Seq != last.Seq+3 {
		t.Errorf("went on at %d after %d", p.Seq, last.Seq)
	}
	if send(in, video(40050), start) != nil || in.Stats().TooOld != 2 {
		t.Errorf("packet from before passed: %+v", in.Stats())
	}
	if s := in.Stats(); s.Lost != 0 {
		t.Errorf("%d lost", s.Lost)
	}
}

func TestFrameStartByTimestamp(t *testing.T) {
	in := newIngress()
	var starts []uint16
	for seq := uint16(1); seq < 10; seq++ {
		o := out{pt: h264PT, ssrc: lowSSRC, seq: seq, ts: uint32(seq/3) * 3000, marker: seq%3 == 2, payload: []byte{0x41, 1}}
		p := mustSend(t, in, o, start)
		if p.Frame.Start {
			starts = append(starts, seq)
		}
		if p.Frame.End != (seq%3 == 2) {
			t.Errorf("packet %d: end %v", seq, p.Frame.End)
		}
	}
	if !slices.Equal(starts, []uint16{1, 3, 6, 9}) {
		t.Errorf("frames start at %v", starts)
	}
	o := out{pt: av1PT, ssrc: desktopSSRC, seq: 1, ts: 1, payload: []byte{1}, elements: []packet.Element{{ID: ddID, Data: []byte{0, 0, 1}}}}
	if p := mustSend(t, in, o, start); p.Frame.Start {
		t.Error("start in spite of the dependency descriptor")
	}
}

func TestSetSources(t *testing.T) {
	in := newIngress()
	mustSend(t, in, video(1), start)
	v0, encoding := in.Source(midRTX)
	if v0 == nil || v0.Name != "v0" || encoding != 1 || v0.Ring(0) == nil || v0.Ring(3) != nil || v0.Ring(-1) != nil {
		t.Fatalf("source %+v, encoding %d", v0, encoding)
	}
	list := described()
	list = append(list[:2], packet.Source{Name: "v2", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: 7}}})
	in.SetSources(list)
	if s, _ := in.Source(lowSSRC); s != v0 {
		t.Error("unchanged source was replaced")
	}
	if s, _ := in.Source(desktopSSRC); s != nil {
		t.Error("source was not removed")
	}
	list[1].Name = "other"
	in.SetSources(list)
	s, _ := in.Source(lowSSRC)
	if s == v0 || s.Name != "other" || s.Ring(0) != v0.Ring(0) {
		t.Errorf("renamed source: %+v", s.Source)
	}
	if send(in, video(1), start) != nil {
		t.Error("renaming forgot what was received")
	}
	mustSend(t, in, video(2), start)
	if !s.Layers()[0].Active || v0.Layers()[2].Active {
		t.Error("activity is kept at the wrong source")
	}
}

func TestSetSourcesRefuses(t *testing.T) {
	in := newIngress()
	twice := packet.Source{Name: "x", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: 5}, {SSRC: 5}}}
	taken := packet.Source{Name: "y", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: 6}, {SSRC: lowSSRC}}}
	list := append(described(), twice, taken, packet.Source{Name: "z"})
	for i := range uint32(80) {
		list = append(list, packet.Source{Kind: packet.Audio, Encodings: []packet.Encoding{{SSRC: 10000 + i}}})
	}
	in.SetSources(list)
	if n := len(in.Sources()); n != 3+64-5 || in.Stats().Refused != 3+80-59 {
		t.Errorf("%d sources, %d refused", n, in.Stats().Refused)
	}
	for _, ssrc := range []uint32{5, 6} {
		if s, _ := in.Source(ssrc); s != nil {
			t.Errorf("SSRC %d belongs to %s", ssrc, s.Name)
		}
	}
	if s, _ := in.Source(lowSSRC); s.Name != "v0" {
		t.Errorf("SSRC was taken by %s", s.Name)
	}
}

func TestLayers(t *testing.T) {
	in := newIngress()
	s, _ := in.Source(lowSSRC)
	heights := func() (h []int, active []bool) {
		for _, l := range s.Layers() {
			h, active = append(h, l.Height), append(active, l.Active)
		}
		return h, active
	}
	if h, a := heights(); !slices.Equal(h, []int{180, 360, 720}) || slices.Contains(a, true) || in.LayersChanged() {
		t.Fatalf("at first %v %v", h, a)
	}
	now := start
	for i := range uint16(90) { // 3 s, 30 frames/s; the highest stops after 1 s
		for e, ssrc := range []uint32{lowSSRC, midSSRC, highSSRC} {
			if e == 2 && i >= 30 {
				continue
			}
			o := video(i)
			o.ssrc, o.payload = ssrc, vp8(true, i == 0, i, 0, uint8(i%2), 270<<e, 1000-38)
			mustSend(t, in, o, now)
		}
		now += 100 * ms / 3
		if i == 2 && (!in.LayersChanged() || in.LayersChanged()) {
			t.Error("change was not told once")
		}
		in.Tick(now)
	}
	if h, a := heights(); !slices.Equal(h, []int{270, 540, 1080}) || !slices.Equal(a, []bool{true, true, false}) || !in.LayersChanged() {
		t.Errorf("at last %v %v", h, a)
	}
	low := s.Layers()[0]
	if low.Bitrate < 220000 || low.Bitrate > 250000 || low.Temporal[0] < low.Bitrate*45/100 || low.Temporal[0] > low.Bitrate*55/100 ||
		low.Temporal[1] != low.Bitrate || low.TIDs != 3 || low.FrameRate < 29 || low.FrameRate > 31 {
		t.Errorf("lowest encoding: %+v", low)
	}
	in.Tick(now + time.Second)
	if _, a := heights(); !a[0] {
		t.Error("a resting source became inactive too soon")
	}
	in.Tick(now + 3*time.Second)
	if _, a := heights(); a[0] || !in.LayersChanged() || s.Layers()[0].Bitrate != 0 {
		t.Error("a stopped source stays active")
	}
}
