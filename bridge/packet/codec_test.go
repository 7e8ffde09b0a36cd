package packet_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp/codecs"

	"steg/bridge/packet"
)

func TestParseVP8(t *testing.T) {
	tests := []struct {
		name, in string
		want     packet.VP8
		ok       bool
	}{
		{"empty", "", packet.VP8{}, false},
		{"one byte, delta", "1001", packet.VP8{Len: 1, Start: true, PictureID: -1, TL0: -1, TID: -1}, true},
		{"long id, TL0, TID: keyframe 1280x720",
			"90e0" + "9234" + "7f" + "40" + "5000009d012a" + "0005" + "d002",
			packet.VP8{Len: 6, Start: true, PictureID: 0x1234, LongID: true, TL0: 0x7f, TID: 1, Keyframe: true, Width: 1280, Height: 720}, true},
		{"scaling bits are no size", "10" + "5000009d012a" + "0045" + "d082",
			packet.VP8{Len: 1, Start: true, PictureID: -1, TL0: -1, TID: -1, Keyframe: true, Width: 1280, Height: 720}, true},
		{"short id, layer sync", "b0a0" + "12" + "a0" + "01",
			packet.VP8{Len: 4, Start: true, NonReference: true, PictureID: 0x12, TL0: -1, TID: 2, LayerSync: true}, true},
		{"key index without TID", "8010" + "1f", packet.VP8{Len: 3, PictureID: -1, TL0: -1, TID: -1}, true},
		{"second partition is no start", "1100", packet.VP8{Len: 1, PictureID: -1, TL0: -1, TID: -1}, true},
		{"cut after the bits", "90e0", packet.VP8{}, false},
		{"cut in the id", "90e092", packet.VP8{}, false},
		{"cut before TL0", "90e09234", packet.VP8{}, false},
		{"cut before TID", "90e092347f", packet.VP8{}, false},
		{"encrypted keyframe without start code", "10" + "50" + "ffffffffffffffffff",
			packet.VP8{Len: 1, Start: true, PictureID: -1, TL0: -1, TID: -1, Keyframe: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := packet.ParseVP8(unhex(t, tt.in))
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestWriteVP8(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"long", "90e0" + "9234" + "7f" + "40" + "aabb", "90e0" + "c567" + "33" + "40" + "aabb"},
		{"short grows", "90e0" + "12" + "7f" + "40" + "aabb", "90e0" + "c567" + "33" + "40" + "aabb"},
		{"no id, TL0", "9060" + "7f" + "40" + "aabb", "9060" + "33" + "40" + "aabb"},
		{"id alone", "9080" + "9234" + "aabb", "9080" + "c567" + "aabb"},
		{"TID without TL0", "90a0" + "92347f" + "aabb", "90a0" + "c5677f" + "aabb"},
		{"required byte alone", "10aabb", "10aabb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := unhex(t, tt.in)
			var dst [32]byte
			written, used := packet.WriteVP8(dst[:], src, 0x4567, 0x33)
			if got := append(dst[:written:written], src[used:]...); !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("got %x, want %s", got, tt.want)
			}
			if written == used {
				if n, _ := packet.WriteVP8(src, src, 0x4567, 0x33); n != used || !bytes.Equal(src, unhex(t, tt.want)) {
					t.Errorf("in place: got %x, want %s", src, tt.want)
				}
			}
			if n, _ := packet.WriteVP8(dst[:written-1], unhex(t, tt.in), 1, 1); n != 0 {
				t.Errorf("wrote %d bytes into %d", n, written-1)
			}
		})
	}
}

func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x92, 0x34, 0x7f, 0x40, 0x50, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2}, uint16(1), uint8(2))
	f.Add([]byte{0x90, 0xf0, 0x12, 0x34, 0x7f, 0x41}, uint16(1), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, id uint16, tl0 uint8) {
		v, ok := packet.ParseVP8(b)
		dst := make([]byte, len(b)+1)
		written, used := packet.WriteVP8(dst, b, id, tl0)
		if ok != (written > 0) || used > len(b) {
			t.Fatalf("parsed %v, written %d, used %d", ok, written, used)
		}
		if !ok {
			return
		}
		got, ok := packet.ParseVP8(append(dst[:written:written], b[used:]...))
		want := v
		want.Len = written
		if v.PictureID >= 0 {
			want.PictureID, want.LongID = int32(id&0x7fff), true
		}
		if v.TL0 >= 0 {
			want.TL0 = int16(tl0)
		}
		if !ok || got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestParseVP9(t *testing.T) {
	tests := []struct {
		name, in string
		want     packet.VP9
		ok       bool
	}{
		{"keyframe with structure of 2 layers", "aa" + "8001" + "00" + "05" + "38" + "014000b4" + "02800168" + "01" + "04" + "01",
			packet.VP9{Len: 17, Start: true, Keyframe: true, PictureID: 1, LongID: true, TL0: 5, SpatialLayers: 2,
				Widths: [8]uint16{320, 640}, Heights: [8]uint16{180, 360}}, true},
		{"upper layer of a key picture", "ac" + "8001" + "03" + "05",
			packet.VP9{Len: 5, Start: true, End: true, InterLayer: true, PictureID: 1, LongID: true, TL0: 5, SID: 1}, true},
		{"flexible, two references", "f1" + "11" + "50" + "03" + "04",
			packet.VP9{Len: 5, InterPicture: true, Flexible: true, NotReference: true, SwitchUp: true, PictureID: 0x11, TL0: -1, TID: 2,
				Refs: [8]uint16{1, 2}, Count: 2}, true},
		{"four references", "d0" + "11" + "03030303", packet.VP9{}, false},
		{"cut structure", "0a" + "38" + "0140", packet.VP9{}, false},
		{"cut picture group", "0a" + "08" + "0208", packet.VP9{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := packet.ParseVP9(unhex(t, tt.in))
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestParseVP9AgainstPion(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	agreed := 0
	for range 50000 {
		b := make([]byte, 1+r.IntN(40))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		got, ok := packet.ParseVP9(b)
		var want codecs.VP9Packet
		payload, err := want.Unmarshal(b)
		if err != nil || !ok {
			continue // pion refuses layer numbers that the bridge can forward
		}
		agreed++
		if len(b)-len(payload) != got.Len || want.B != got.Start || want.E != got.End || want.P != got.InterPicture ||
			want.I && int32(want.PictureID) != got.PictureID || want.L && (int8(want.TID) != got.TID || int8(want.SID) != got.SID) {
			t.Fatalf("%x: got %+v, pion %+v", b, got, want)
		}
	}
	if agreed < 5000 {
		t.Fatalf("only %d comparisons", agreed)
	}
}

func FuzzVP9(f *testing.F) {
	f.Add(unhex(f, "aa80010005"+"38014000b402800168010401"), uint16(1), uint8(2))
	f.Add(unhex(f, "f111500304"), uint16(1), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, id uint16, tl0 uint8) {
		v, ok := packet.ParseVP9(b)
		if ok && (v.Len < 1 || v.Len > len(b)) {
			t.Fatalf("%d bytes of descriptor in %d", v.Len, len(b))
		}
		out := append([]byte(nil), b...)
		if packet.WriteVP9(out, id, tl0) != ok {
			t.Fatalf("parsed %v", ok)
		}
		if !ok {
			return
		}
		switch {
		case v.LongID:
			v.PictureID = int32(id & 0x7fff)
		case v.PictureID >= 0:
			v.PictureID = int32(id & 0x7f)
		}
		if v.TL0 >= 0 {
			v.TL0 = int16(tl0)
		}
		if got, ok := packet.ParseVP9(out); !ok || got != v || !bytes.Equal(out[v.Len:], b[v.Len:]) {
			t.Fatalf("got %+v, want %+v", got, v)
		}
	})
}

func TestVP9Points(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want uint32
	}{
		{"ac" + "8001" + "22" + "05", 0xeeeeeee0}, // SID 1, TID 1
		{"ad" + "8001" + "22" + "05", 0x000000e0}, // not for higher layers
		{"8c" + "8001", 0xffffffff},               // without layers
		{"ac" + "8001" + "e0" + "05", 0x88888888}, // TID 7
	} {
		if f := new(packet.Layering).Parse(packet.CodecVP9, unhex(t, tt.in), nil, false, 1); f.Targets != tt.want {
			t.Errorf("%s: %08x, want %08x", tt.in, f.Targets, tt.want)
		}
	}
	if a, b := packet.VP9Point(2, 1), packet.VP9Point(-1, -1); a != 9 || b != 0 {
		t.Errorf("points %d, %d", a, b)
	}
}

func TestH264Keyframe(t *testing.T) {
	tests := []struct {
		name, in string
		want     bool
	}{
		{"empty", "", false},
		{"IDR", "6588", true},
		{"slice", "4188", false},
		{"SPS", "6742e01f", true},
		{"STAP-A of SPS and PPS", "78" + "00046742e01f" + "000268ce", true},
		{"STAP-A of two slices", "78" + "00024188" + "00024188", false},
		{"STAP-A cut", "78" + "00ff4188", false},
		{"FU-A start of IDR", "7c8588", true},
		{"FU-A of a slice", "7c8188", false},
		{"FU-A cut", "7c", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := packet.H264Keyframe(unhex(t, tt.in)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestH264Parameters(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "6742e01f": true, "6588": false, "7800046742e01f000268ce": true, "780002090a00046742e01f": true, "7800026588": false,
	} {
		if got := packet.H264Parameters(unhex(t, in)); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestParseFrame(t *testing.T) {
	none := packet.Frame{TID: -1, SID: -1, PictureID: -1, TL0: -1}
	with := func(set func(*packet.Frame)) packet.Frame { f := none; set(&f); return f }
	tests := []struct {
		name        string
		codec       packet.Codec
		payload, dd string
		marker      bool
		want        packet.Frame
	}{
		{"opaque", packet.CodecUnknown, "1a0b", "", true, with(func(f *packet.Frame) { f.End = true })},
		{"AV1 by its aggregation header", packet.CodecAV1, "180b", "", false, with(func(f *packet.Frame) { f.Keyframe = true })},
		{"AV1 with structure", packet.CodecAV1, "100b", "80000180", false,
			with(func(f *packet.Frame) { f.Start, f.Keyframe, f.Described, f.PictureID = true, true, true, 1 })},
		{"AV1 end", packet.CodecAV1, "100b", "400002", false, with(func(f *packet.Frame) { f.End, f.Described, f.PictureID = true, true, 2 })},
		{"VP8 without layers takes the descriptor", packet.CodecVP8, "1001", "c00001", false,
			with(func(f *packet.Frame) {
				f.Start, f.End, f.Descriptor, f.Described, f.PictureID = true, true, 1, true, 1
			})},
		{"VP8 with layers ignores it", packet.CodecVP8, "90e0923407200100", "c0000180", false,
			with(func(f *packet.Frame) {
				f.Start, f.Layered, f.TID, f.PictureID, f.LongID, f.TL0, f.Descriptor = true, true, 0, 0x1234, true, 7, 6
			})},
		{"malformed VP8", packet.CodecVP8, "90", "", true, with(func(f *packet.Frame) { f.End = true })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := new(packet.Layering).Parse(tt.codec, unhex(t, tt.payload), unhex(t, tt.dd), tt.marker, 1)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(uint8(packet.CodecH264), unhex(f, "7800046742e01f"), []byte{})
	f.Add(uint8(packet.CodecAV1), []byte{1}, unhex(f, "80000180"))
	f.Fuzz(func(t *testing.T, codec uint8, payload, dd []byte) {
		fr := new(packet.Layering).Parse(packet.Codec(codec%9), payload, dd, false, 1)
		if fr.Descriptor < 0 || fr.Descriptor > len(payload) {
			t.Fatalf("%d bytes of descriptor in %d", fr.Descriptor, len(payload))
		}
	})
}

func TestRED(t *testing.T) {
	blocks := []packet.REDBlock{
		{PayloadType: 111, Offset: 1920, Data: []byte("older")},
		{PayloadType: 111, Offset: 960, Data: []byte("old")},
		{PayloadType: 111, Data: []byte("new")},
	}
	var buf [64]byte
	n := packet.WriteRED(buf[:], blocks)
	var got [packet.MaxREDBlocks]packet.REDBlock
	k, ok := packet.ParseRED(buf[:n], &got)
	if !ok || k != len(blocks) {
		t.Fatalf("%d blocks, %v", k, ok)
	}
	for i, want := range blocks {
		if g := got[i]; g.PayloadType != want.PayloadType || g.Offset != want.Offset || !bytes.Equal(g.Data, want.Data) {
			t.Errorf("block %d: got %+v, want %+v", i, g, want)
		}
	}
	if n := packet.WriteRED(buf[:n-1], blocks); n != 0 {
		t.Errorf("wrote %d bytes into too few", n)
	}
	for _, bad := range []string{"", "ef", "ef0f0005", "ef0f00056f", "8000000080000000800000008000000080000000800000008000000080000000" + "00"} {
		if _, ok := packet.ParseRED(unhex(t, bad), &got); ok {
			t.Errorf("%q accepted", bad)
		}
	}
}

func FuzzRED(f *testing.F) {
	f.Add(unhex(f, "ef1e0005ef0f00036f"+"6f6c6465726f6c646e6577"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var blocks [packet.MaxREDBlocks]packet.REDBlock
		n, ok := packet.ParseRED(b, &blocks)
		if !ok {
			return
		}
		out := make([]byte, len(b))
		if k := packet.WriteRED(out, blocks[:n]); k != len(b) || !bytes.Equal(out, b) {
			t.Fatalf("%x became %x", b, out[:k])
		}
	})
}
