package packet_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"steg/bridge/packet"
)

func TestDependencyDescriptor(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 300 {
		m := randomModel(r, 1+r.IntN(3), 1+r.IntN(3))
		var l packet.Layering
		active := 0
		for i := range 20 {
			f := m.randomFrame(r, 65530+i)
			if i%8 == 0 {
				f.structure, active = true, 1<<m.targets-1
			}
			if f.active >= 0 {
				active = f.active
			}
			got := l.Parse(packet.CodecAV1, []byte{0}, m.descriptor(f), false, uint64(i))
			if got.Structure == nil || !got.Described || !got.Layered || got.Start != f.start || got.End != f.end ||
				got.Keyframe != f.structure || got.PictureID != int32(f.number) {
				t.Fatalf("frame %d: %+v", i, got)
			}
			if want := m.facts(f); !reflect.DeepEqual(read(got), want) {
				t.Fatalf("frame %d: got %+v, want %+v", i, read(got), want)
			}
			if got.Depends.Active != uint32(active) {
				t.Fatalf("frame %d: active %b, want %b", i, got.Depends.Active, active)
			}
			if n := len(m.sizes); n > 0 && f.structure && (got.Width != 320<<(n-1) || got.Height != 180<<(n-1)) {
				t.Fatalf("size %dx%d", got.Width, got.Height)
			}
			checkRewritten(t, r, m, f, got)
		}
	}
}

// checkRewritten writes a descriptor anew and reads it again.
func checkRewritten(t *testing.T, r *rand.Rand, m model, f frame, p packet.Frame) {
	t.Helper()
	src := m.descriptor(f)
	active, change, shift := uint32(1+r.IntN(1<<m.targets-1)), r.IntN(2) > 0, r.IntN(64)
	dst := make([]byte, 255)
	n := packet.WriteDependencyDescriptor(dst, src, p.Structure, uint16(f.number+77), uint8(shift), active, change)
	want, to := f, m
	to.id = (m.id + shift) & 63
	want.number = (f.number + 77) & 0xffff
	if f.active >= 0 || change || f.structure && active != 1<<m.targets-1 {
		want.active = int(active)
	}
	whole := to.descriptor(want)
	if n < len(whole) || n > len(whole)+1 || string(dst[:len(whole)]) != string(whole) {
		t.Fatalf("got %x, want %x", dst[:n], whole)
	}
	if k := packet.WriteDependencyDescriptor(dst[:len(src)-1], src, p.Structure, 1, 2, active, change); k != 0 {
		t.Fatalf("wrote %d bytes into %d", k, len(src)-1)
	}
}

func TestStructureConclusions(t *testing.T) {
	// Two spatial layers that depend on each other at keyframes only.
	m := model{id: 60, targets: 4, chains: 2, protects: []int{0, 0, 1, 1}, templates: []modelTemplate{
		{0, 0, []byte("SSSS"), nil, []int{0, 0}},
		{0, 0, []byte("SS--"), []int{4}, []int{4, 3}},
		{0, 1, []byte("-D--"), []int{2}, []int{2, 1}},
		{1, 0, []byte("--SS"), []int{1}, []int{1, 1}},
		{1, 0, []byte("--SS"), []int{4}, []int{1, 4}},
		{1, 1, []byte("---D"), []int{2}, []int{3, 2}},
	}, sizes: [][2]int{{320, 180}, {640, 360}}}
	var l packet.Layering
	l.Parse(packet.CodecAV1, nil, m.descriptor(frame{start: true, structure: true, active: 3}), false, 7)
	s, active := l.Structure()
	want := []packet.DecodeTarget{
		{SID: 0, TID: 0, Chain: 0, Within: 0b0001, Reach: 0b0011},
		{SID: 0, TID: 1, Chain: 0, Within: 0b0011, Reach: 0b0011},
		{SID: 1, TID: 0, Chain: 1, Within: 0b0100, Reach: 0b1100},
		{SID: 1, TID: 1, Chain: 1, Within: 0b1100, Reach: 0b1100},
	}
	if !reflect.DeepEqual(s.Targets, want) || active != 3 || s.ID != 60 ||
		!reflect.DeepEqual(s.Sizes, []packet.Size{{Width: 320, Height: 180}, {Width: 640, Height: 360}}) {
		t.Errorf("got %+v", s)
	}
}

// Packets are read by the structure that was in force for them, whenever they
// come.
func TestStructureHistory(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := randomModel(r, 1, 2), randomModel(r, 2, 2)
	b.id = a.id // so that only the sequence number tells
	keyA, keyB := a.descriptor(frame{structure: true, active: -1}), b.descriptor(frame{structure: true, active: 5})
	delta := a.descriptor(frame{template: 1, active: -1})
	var l packet.Layering
	at := func(seq uint64, dd []byte) *packet.Structure {
		return l.Parse(packet.CodecH264, nil, dd, false, seq).Structure
	}
	if at(99, delta) != nil {
		t.Error("a structure out of nowhere")
	}
	first := at(100, keyA)
	if first == nil || at(101, delta) != first || at(200, keyA) != first || at(99, delta) != nil {
		t.Error("first structure")
	}
	second := at(400, keyB)
	if second == nil || second == first || at(399, delta) != first || at(401, delta) != second {
		t.Error("second structure")
	}
	if at(300, keyA) != first || at(402, delta) != second || at(299, delta) != first {
		t.Error("a late keyframe changed what is in force")
	}
	if s, active := l.Structure(); s != second || active != 5 {
		t.Errorf("newest %p, active %b", s, active)
	}
	at(500, []byte{0x80, 0, 1, 0x80, 0xff})
	if s, _ := l.Structure(); s != second {
		t.Error("malformed structure taken")
	}
}

func FuzzDependencyDescriptor(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 4 {
		m := randomModel(r, 3, 3)
		f.Add(m.descriptor(frame{structure: true, active: 1}), m.descriptor(m.randomFrame(r, 5)), uint16(9), uint8(3), uint32(1))
	}
	f.Fuzz(func(t *testing.T, key, b []byte, number uint16, shift uint8, active uint32) {
		var l packet.Layering
		l.Parse(packet.CodecAV1, nil, key, false, 1)
		p := l.Parse(packet.CodecAV1, nil, b, false, 2)
		if p.Structure == nil {
			return
		}
		before := *p.Depends
		active &= p.Structure.All()
		dst := make([]byte, 300)
		n := packet.WriteDependencyDescriptor(dst, b, p.Structure, number, shift, active, true)
		if n == 0 && len(b) < 250 || n > 255 {
			t.Fatalf("%d bytes from %d", n, len(b))
		}
		if n == 0 {
			return
		}
		// What was written says the same under another number.
		var out packet.Layering
		kn := packet.WriteDependencyDescriptor(make([]byte, 300), key, p.Structure, 0, shift, active, false)
		if d, _ := packet.ParseDependencyDescriptor(b); !d.Attached || kn == 0 {
			return
		}
		q := out.Parse(packet.CodecAV1, nil, dst[:n], false, 2)
		after := *q.Depends
		before.Active = active
		if q.PictureID != int32(number) || q.Targets != p.Targets || after != before {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}
