package ingress_test

import (
	"slices"
	"testing"
	"time"

	"steg/bridge/ingress"
	"steg/bridge/packet"
)

const vp9PT, vp9SSRC = 98, 4000

// newLayered is an ingress with one source of one encoding.
func newLayered() (*ingress.Ingress, *ingress.Source) {
	in := ingress.New(ingress.Config{RingAge: time.Second, RingBytes: 1 << 20})
	in.SetPayloadTypes([]packet.PayloadType{
		{ID: vp9PT, Codec: packet.CodecVP9, ClockRate: 90000}, {ID: av1PT, Codec: packet.CodecAV1, ClockRate: 90000},
	})
	in.SetExtensions(packet.Extensions{DependencyDesc: ddID})
	in.SetSources([]packet.Source{{Name: "v", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: vp9SSRC}}}})
	return in, in.Sources()[0]
}

// vp9 makes one frame of one packet; sizes stand in its scalability structure.
func vp9(sid, tid int, key, upper bool, picture uint16, size int, sizes ...[2]int) []byte {
	first := byte(0xac)
	if !key {
		first |= 0x40
	}
	if !upper {
		first |= 0x01
	}
	if len(sizes) > 0 {
		first |= 0x02
	}
	b := []byte{first, 0x80 | byte(picture>>8), byte(picture), byte(tid<<5 | sid<<1), 0}
	if key && sid > 0 {
		b[3] |= 1
	}
	if len(sizes) > 0 {
		b = append(b, byte(len(sizes)-1)<<5|0x10)
		for _, s := range sizes {
			b = append(b, byte(s[0]>>8), byte(s[0]), byte(s[1]>>8), byte(s[1]))
		}
	}
	return append(b, make([]byte, size-len(b)-12)...)
}

// TestVP9Points has two spatial layers that are independent but at keyframes
// ("k-SVC"), of which the upper stops after a while.
func TestVP9Points(t *testing.T) {
	in, s := newLayered()
	now, seq := start, uint16(0)
	play := func(frames, layers int, sizes ...[2]int) {
		for i := range frames {
			for sid := range layers {
				var told [][2]int
				if sid == 0 && i == 0 {
					told = sizes
				}
				o := out{pt: vp9PT, ssrc: vp9SSRC, seq: seq, ts: uint32(now / ms * 90), marker: sid == layers-1,
					payload: vp9(sid, i%2, i == 0, i == 0, uint16(i), 500<<sid, told...)}
				mustSend(t, in, o, now)
				seq++
			}
			now += 40 * ms
			if i%5 == 4 {
				in.Tick(now)
			}
		}
	}
	play(1, 2, [2]int{480, 270}, [2]int{960, 540})
	if !in.LayersChanged() || in.LayersChanged() {
		t.Error("the change was not told once")
	}
	play(50, 2, [2]int{480, 270}, [2]int{960, 540})
	in.LayersChanged()
	// 25 frames/s of 500 and 1000 bytes, half of them on the base.
	want := []ingress.Point{
		{SID: 0, TID: 0, Height: 270, Bitrate: 50_000, Active: true}, {SID: 0, TID: 1, Height: 270, Bitrate: 100_000, Active: true},
		{SID: 1, TID: 0, Height: 540, Bitrate: 100_000, Active: true}, {SID: 1, TID: 1, Height: 540, Bitrate: 200_000, Active: true},
	}
	comparePoints(t, s, want)
	play(50, 1)
	if !in.LayersChanged() {
		t.Error("the end of the upper layer was not told")
	}
	for i := range want {
		if want[i].SID == 1 {
			want[i].Active, want[i].Bitrate = false, 0
		}
	}
	comparePoints(t, s, want)
	play(50, 1, [2]int{640, 360})
	want = want[:2]
	want[0].Height, want[1].Height = 360, 360
	comparePoints(t, s, want)
	if l := s.Layers()[0]; l.FrameRate < 24 || l.FrameRate > 26 || l.Height != 360 {
		t.Errorf("%+v", l)
	}
}

// comparePoints allows rates to differ by a tenth.
func comparePoints(t *testing.T, s *ingress.Source, want []ingress.Point) {
	t.Helper()
	got := s.Layers()[0].Points
	if !slices.EqualFunc(got, want, func(a, b ingress.Point) bool {
		near := 10*a.Bitrate >= 9*b.Bitrate && 10*a.Bitrate <= 11*b.Bitrate
		a.Bitrate = b.Bitrate
		return a == b && near
	}) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Structure of two spatial layers in two decode targets, the higher first, of
// 320x180 and 640x360, by hand:
//
//	id 5, 2 targets, layers 0 / 1, indications "-S"... written most significant bit first
var twoTargets = []string{
	"000101", "00001", // template id offset, targets - 1
	"10", "11", // two templates: next spatial, end
	"10", "10", "10", "00", // S0: S S (both targets), S1: S -
	"0", "1", "0000", "0", // references: none; 1 back
	"0",                                    // no chains: ns(3) of 0
	"1",                                    // sizes
	"0000000100111111", "0000000010110011", // 320x180
	"0000001001111111", "0000000101100111", // 640x360
}

func descriptor(template, number int, flags string, more ...string) []byte {
	b := []byte{0xC0 | byte(template), byte(number >> 8), byte(number)}
	if flags == "" {
		return b
	}
	bits := flags
	for _, m := range more {
		bits += m
	}
	for len(bits)%8 != 0 {
		bits += "0"
	}
	for i := 0; i < len(bits); i += 8 {
		v := byte(0)
		for _, c := range bits[i : i+8] {
			v = v<<1 | byte(c-'0')
		}
		b = append(b, v)
	}
	return b
}

func TestDecodeTargetPoints(t *testing.T) {
	in, s := newLayered()
	now, seq, number := start, uint16(0), 0
	frame := func(dd []byte, size int) *packet.Packet {
		o := out{pt: av1PT, ssrc: vp9SSRC, seq: seq, ts: uint32(number/2) * 3000, payload: make([]byte, size),
			elements: []packet.Element{{ID: ddID, Data: dd}}}
		seq++
		number++
		p := mustSend(t, in, o, now)
		return &p
	}
	if p := frame(descriptor(5, number, ""), 100); p.Frame.Structure != nil || p.Frame.PictureID != 0 || !p.Frame.Described {
		t.Errorf("without a structure: %+v", p.Frame)
	}
	in.LayersChanged()
	play := func(first []byte) {
		for i := range 60 {
			dd := descriptor(5, number, "")
			if i == 0 {
				dd = first
			}
			p := frame(dd, 500-20)
			if p.Frame.SID != 0 || p.Frame.Targets != 3 || p.Frame.Keyframe != (i == 0 && first[3]&0x80 != 0) {
				t.Fatalf("frame %+v", p.Frame)
			}
			p = frame(descriptor(6, number, ""), 1000-20)
			if p.Frame.SID != 1 || p.Frame.Targets != 1 || p.Frame.Depends.Refs[0] != 1 || p.Frame.Depends.Count != 1 {
				t.Fatalf("frame %+v", p.Frame)
			}
			now += 40 * ms
			if i%5 == 4 {
				in.Tick(now)
			}
		}
	}
	play(descriptor(5, number, "10000", twoTargets...))
	if !in.LayersChanged() || in.LayersChanged() {
		t.Error("the change was not told once")
	}
	want := []ingress.Point{{SID: 0, Height: 180, Bitrate: 100_000, Active: true}, {SID: 1, Height: 360, Bitrate: 300_000, Active: true}}
	comparePoints(t, s, want)
	play(descriptor(5, number, "10000", twoTargets...)) // the same again
	if in.LayersChanged() {
		t.Error("a change though nothing changed")
	}
	play(descriptor(5, number, "01000", "10")) // only the second target is active
	if !in.LayersChanged() {
		t.Error("a change of the mask was not told")
	}
	want[1].Active = false
	comparePoints(t, s, want)
}

func TestLayeredStreamsDoNotAllocate(t *testing.T) {
	in, _ := newLayered()
	now, seq := start, uint16(0)
	buf := make([]byte, packet.MaxDatagram)
	key := out{pt: av1PT, ssrc: vp9SSRC, payload: make([]byte, 900), marker: true,
		elements: []packet.Element{{ID: ddID, Data: descriptor(5, 0, "10000", twoTargets...)}}}.bytes()
	delta := out{pt: av1PT, ssrc: vp9SSRC, payload: make([]byte, 900), marker: true,
		elements: []packet.Element{{ID: ddID, Data: descriptor(6, 0, "")}}}.bytes()
	n := 0
	step := func() {
		template := delta
		if n++; n%50 == 1 {
			template = key
		}
		b := buf[:copy(buf, template)]
		b[2], b[3] = byte(seq>>8), byte(seq)
		b[6], b[7] = byte(n>>3), byte(n<<5)
		seq++
		now += 10 * ms
		in.RTP(b, now)
	}
	for range 500 {
		step()
	}
	if allocs := testing.AllocsPerRun(2000, step); allocs != 0 {
		t.Errorf("%v allocations per packet", allocs)
	}
	if s := in.Stats(); s.Packets < 2500 || s.Malformed > 0 {
		t.Errorf("%+v", s)
	}
}
