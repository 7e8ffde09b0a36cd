package packet_test

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"steg/bridge/packet"
)

// bitWriter is the test's own half of the descriptor's bit format.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(n int, v uint32) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bitWriter) ns(n, v uint32) {
	k := bits.Len32(n)
	if m := uint32(1)<<k - n; v < m {
		w.put(k-1, v)
	} else {
		w.put(k, v+m)
	}
}

// structure writes a descriptor with a random structure for the given spatial
// and temporal layers.
func structure(r *rand.Rand, spatial, temporal, chains int, sizes [][2]int) []byte {
	var w bitWriter
	w.put(24, 0x8a0007)
	w.put(5, 0x18) // structure and active mask
	w.put(6, r.Uint32())
	targets := spatial * temporal
	w.put(5, uint32(targets-1))
	templates := 0
	for s := range spatial {
		for t := range temporal {
			for k := range 2 {
				templates++
				switch {
				case k == 0:
					w.put(2, 0)
				case t < temporal-1:
					w.put(2, 1)
				case s < spatial-1:
					w.put(2, 2)
				default:
					w.put(2, 3)
				}
			}
		}
	}
	for range templates * targets {
		w.put(2, r.Uint32())
	}
	for range templates {
		for range r.IntN(4) {
			w.put(1, 1)
			w.put(4, r.Uint32())
		}
		w.put(1, 0)
	}
	w.ns(uint32(targets+1), uint32(chains))
	if chains > 0 {
		for range targets {
			w.ns(uint32(chains), uint32(r.IntN(chains)))
		}
		for range templates * chains {
			w.put(4, r.Uint32())
		}
	}
	if sizes == nil {
		w.put(1, 0)
	} else {
		w.put(1, 1)
		for _, s := range sizes {
			w.put(16, uint32(s[0]-1))
			w.put(16, uint32(s[1]-1))
		}
	}
	return w.b
}

func TestDependencyStructure(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	all := [][2]int{{320, 180}, {640, 360}, {1280, 720}}
	for range 500 {
		spatial, temporal := 1+r.IntN(3), 1+r.IntN(3)
		sizes := all[:spatial]
		b := structure(r, spatial, temporal, r.IntN(spatial*temporal+1), sizes)
		want := packet.DependencyDescriptor{
			Start: true, Template: 10, FrameNumber: 7, Structure: true, ActiveMask: true,
			Width: uint16(sizes[spatial-1][0]), Height: uint16(sizes[spatial-1][1]),
		}
		if got, ok := packet.ParseDependencyDescriptor(b); !ok || got != want {
			t.Fatalf("%d spatial, %d temporal: got %+v, want %+v", spatial, temporal, got, want)
		}
		want.Width, want.Height = 0, 0
		for _, b := range [][]byte{structure(r, spatial, temporal, 0, nil), b[:len(b)-1]} {
			if got, ok := packet.ParseDependencyDescriptor(b); !ok || got != want {
				t.Fatalf("no size or cut: got %+v, want %+v", got, want)
			}
		}
	}
	if _, ok := packet.ParseDependencyDescriptor([]byte{0x80, 0}); ok {
		t.Error("two bytes accepted")
	}
}

func FuzzDependencyDescriptor(f *testing.F) {
	f.Add(structure(rand.New(rand.NewPCG(1, 1)), 3, 3, 3, [][2]int{{1, 2}, {3, 4}, {5, 6}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := packet.ParseDependencyDescriptor(b)
		if ok != (len(b) >= 3) || !d.Structure && d.Height != 0 {
			t.Fatalf("%+v %v", d, ok)
		}
	})
}
