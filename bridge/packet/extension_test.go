package packet_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"steg/bridge/packet"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExtension(t *testing.T) {
	const fixed = "906f0001000003e811223344"
	tests := []struct {
		name, block string
		id          uint8
		want        string
		found       bool
	}{
		{"one-byte", "bede0001" + "10d25100", 1, "d2", true},
		{"one-byte, padding before", "bede0002" + "0000511234100500", 5, "1234", true},
		{"one-byte, id 15 ends", "bede0002" + "f000000010050000", 1, "", false},
		{"one-byte, id 0 with length ends", "bede0002" + "0100000010050000", 1, "", false},
		{"one-byte, cut element", "bede0001" + "10d25f00", 5, "", false},
		{"one-byte, element before a cut one", "bede0001" + "10d25f00", 1, "d2", true},
		{"not negotiated", "bede0001" + "10d25100", 0, "", false},
		{"two-byte", "10000002" + "0100" + "1602abcd" + "0000", 0x16, "abcd", true},
		{"two-byte, empty value", "10000002" + "0100" + "1602abcd" + "0000", 1, "", true},
		{"two-byte, application bits", "10070001" + "0501aa00", 5, "aa", true},
		{"two-byte, cut element", "10000001" + "0503aa00", 5, "", false},
		{"two-byte, last byte alone", "10000001" + "0501aa07", 7, "", false},
		{"other profile", "abac0001" + "10d25100", 1, "", false},
		{"empty block", "bede0000", 1, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, fixed+tt.block+"ffff")
			h, err := packet.ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			got, found := packet.Extension(b, h, tt.id)
			if found != tt.found || hex.EncodeToString(got) != tt.want {
				t.Errorf("got %x %v, want %s %v", got, found, tt.want, tt.found)
			}
		})
	}
}

func randomElements(r *rand.Rand) []packet.Element {
	elements := make([]packet.Element, r.IntN(6))
	maxID, maxLen := 14, 16
	if r.IntN(3) == 0 {
		maxID, maxLen = 200, 60
	}
	for i, id := range r.Perm(maxID)[:len(elements)] {
		data := make([]byte, 1+r.IntN(maxLen))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		elements[i] = packet.Element{ID: uint8(id + 1), Data: data}
	}
	return elements
}

func TestWriteHeaderAgainstPion(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		elements := randomElements(r)
		h := packet.Header{
			Marker: r.IntN(2) == 0, PayloadType: uint8(r.IntN(128)), SequenceNumber: uint16(r.Uint32()),
			Timestamp: r.Uint32(), SSRC: r.Uint32(),
		}
		var buf [1500]byte
		n := packet.WriteHeader(buf[:], h, elements)
		b := append(buf[:n:n], "payload"...)
		var want rtp.Packet
		if err := want.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		if want.Marker != h.Marker || want.PayloadType != h.PayloadType || want.SequenceNumber != h.SequenceNumber ||
			want.Timestamp != h.Timestamp || want.SSRC != h.SSRC || string(want.Payload) != "payload" {
			t.Fatalf("wrote %+v, read %+v", h, want.Header)
		}
		got, err := packet.ParseHeader(b)
		if err != nil || got.HeaderLen != n {
			t.Fatalf("header %+v, %v; want length %d", got, err, n)
		}
		for _, e := range elements {
			v, ok := packet.Extension(b, got, e.ID)
			if !ok || !bytes.Equal(v, e.Data) || !bytes.Equal(want.GetExtension(e.ID), e.Data) {
				t.Fatalf("extension %d: got %x, pion %x, want %x", e.ID, v, want.GetExtension(e.ID), e.Data)
			}
		}
		var list [8]packet.Element
		if k := packet.Elements(b, got, list[:]); k != len(elements) {
			t.Fatalf("%d elements, want %d", k, len(elements))
		}
	}
}

func TestWriteHeaderShort(t *testing.T) {
	elements := []packet.Element{{ID: 1, Data: []byte{1}}}
	if n := packet.WriteHeader(make([]byte, 19), packet.Header{}, elements); n != 0 {
		t.Errorf("wrote %d bytes into 19", n)
	}
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"806f0001000003e811223344aabb",
		"906f0001000003e811223344bede000110d25100aabb",
		"b0ef0001000003e811223344100000020100" + "1602abcd0000aabb02",
	} {
		f.Add(unhex(f, s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, id uint8) {
		h, err := packet.ParseHeader(b)
		if err != nil {
			return
		}
		packet.Extension(b, h, id)
		var elements [16]packet.Element
		n := packet.Elements(b, h, elements[:])
		var out [4096]byte
		size := packet.WriteHeader(out[:], h, elements[:n])
		again, err := packet.ParseHeader(out[:size])
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements[:n] {
			// The first of several with one id is what both find.
			was, _ := packet.Extension(b, h, e.ID)
			if v, ok := packet.Extension(out[:size], again, e.ID); !ok || !bytes.Equal(v, was) {
				t.Fatalf("extension %d: %x became %x", e.ID, was, v)
			}
		}
		short := packet.StripPadding(bytes.Clone(b), &h)
		if h2, err := packet.ParseHeader(short); err != nil || h2.Padding != 0 || h2.HeaderLen != h.HeaderLen {
			t.Fatalf("after strip: %+v %v", h2, err)
		}
	})
}
