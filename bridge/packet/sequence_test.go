package packet_test

import (
	"math/rand/v2"
	"testing"

	"steg/bridge/packet"
)

func TestUnwrapper(t *testing.T) {
	tests := []struct {
		name string
		in   []uint16
		want []uint64
	}{
		{"forward over the wrap", []uint16{65534, 65535, 0, 1}, []uint64{131070, 131071, 131072, 131073}},
		{"late over the wrap", []uint16{1, 65535, 2}, []uint64{65537, 65535, 65538}},
		{"late does not move the reference", []uint16{40000, 10000, 60000}, []uint64{105536, 75536, 125536}},
		{"half the range is backward", []uint16{0, 32768}, []uint64{65536, 32768}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var u packet.Unwrapper
			for i, v := range tt.in {
				if got := u.Unwrap16(v); got != tt.want[i] {
					t.Errorf("%d: got %d, want %d", v, got, tt.want[i])
				}
			}
		})
	}
}

// TestUnwrapperWalk follows a random walk that never strays further than the
// width allows.
func TestUnwrapperWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var u16, u32 packet.Unwrapper
	base16, base32 := uint64(1<<16+r.IntN(1<<16)), uint64(1<<32+r.Int64N(1<<32))
	newest16, newest32 := base16, base32
	u16.Unwrap16(uint16(base16))
	u32.Unwrap32(uint32(base32))
	for range 100000 {
		n16 := newest16 + uint64(r.IntN(40000)) - min(newest16-1, 20000)
		n32 := newest32 + uint64(r.Int64N(1<<31)) - 1<<30
		if got := u16.Unwrap16(uint16(n16)); got != n16 {
			t.Fatalf("16 bit: got %d, want %d", got, n16)
		}
		if got := u32.Unwrap32(uint32(n32)); got != n32 {
			t.Fatalf("32 bit: got %d, want %d", got, n32)
		}
		newest16, newest32 = max(newest16, n16), max(newest32, n32)
	}
	if u16.Newest() != newest16 {
		t.Errorf("newest %d, want %d", u16.Newest(), newest16)
	}
	if got := u16.Restart16(uint16(newest16) - 5); got != newest16-5+1<<16 {
		t.Errorf("restart gives %d, want %d", got, newest16-5+1<<16)
	}
}
