package packet_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"steg/bridge/packet"
)

// tccLine makes arrivals from ticks of 250 us; -1 is lost.
func tccLine(ticks ...int) []time.Duration {
	line := make([]time.Duration, len(ticks))
	for i, n := range ticks {
		line[i] = time.Duration(n) * 250 * time.Microsecond
		if n < 0 {
			line[i] = packet.TCCLost
		}
	}
	return line
}

// checkTCC builds one feedback and compares what pion and ParseTCC read of it.
func checkTCC(t *testing.T, base uint16, line []time.Duration) (used int) {
	t.Helper()
	b, used := packet.AppendTCC(nil, 1, 2, 9, base, line)
	if used == 0 {
		return 0
	}
	if len(b) > packet.MaxRTCP {
		t.Fatalf("%d bytes", len(b))
	}
	p := pionOne[*rtcp.TransportLayerCC](t, b)
	if p.SenderSSRC != 1 || p.MediaSSRC != 2 || p.FbPktCount != 9 || p.BaseSequenceNumber != base || int(p.PacketStatusCount) != used {
		t.Fatalf("pion read %+v", p)
	}
	c, ok := packet.ParseTCC(one(t, b))
	if !ok || c.Base != base || c.Statuses != used || c.Count != 9 || c.Sender != 1 || c.Media != 2 {
		t.Fatalf("got %+v %v", c, ok)
	}
	at, k := time.Duration(p.ReferenceTime)*64*time.Millisecond, 0
	for i := range used {
		s, ok := c.Next()
		want := line[i].Truncate(250 * time.Microsecond)
		if !ok || s.Seq != base+uint16(i) || s.Received != (line[i] >= 0) || s.Received && s.At != want {
			t.Fatalf("status %d: %+v %v, want %v", i, s, ok, want)
		}
		if s.Received {
			at += time.Duration(p.RecvDeltas[k].Delta) * time.Microsecond
			k++
			if at != want {
				t.Fatalf("status %d: pion reads %v, want %v", i, at, want)
			}
		}
	}
	if _, ok := c.Next(); ok || k != len(p.RecvDeltas) {
		t.Fatalf("more than %d statuses, or %d deltas of %d", used, k, len(p.RecvDeltas))
	}
	return used
}

func TestTCC(t *testing.T) {
	tests := []struct {
		name string
		line []time.Duration
		used int
	}{
		{"nothing", nil, 0},
		{"all lost", tccLine(-1, -1), 0},
		{"one", tccLine(5), 1},
		{"loss at the end is left for later", tccLine(5, -1, 6, -1), 3},
		{"loss in front", tccLine(-1, -1, 6), 3},
		{"reordered", tccLine(500, 400, 600), 3},
		{"too far apart", tccLine(5, 6, 6+1<<15), 2},
		{"as far as can be", tccLine(5, 6, 5+1<<15), 3},
		{"long run", tccLine(make([]int, 400)...), 400},
		{"large inside fourteen", tccLine(1, 2, 3, 4, 5, 6, 7, 8, 9, 900, 901, 902, 903, -1, 904), 15},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := checkTCC(t, 65530, tt.line); got != tt.used {
				t.Errorf("%d used, want %d", got, tt.used)
			}
		})
	}
}

func TestTCCRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 3000 {
		line := make([]time.Duration, 1+r.IntN(700))
		loss, large := r.IntN(100), r.IntN(100)
		at := time.Duration(r.Int64N(int64(200 * time.Hour)))
		for i := range line {
			at += time.Duration(r.IntN(2000)) * time.Microsecond
			if r.IntN(100) < large {
				at += time.Duration(r.IntN(200)-20) * time.Millisecond
			}
			line[i] = at
			if r.IntN(100) < loss {
				line[i] = packet.TCCLost
			}
		}
		for base := uint16(r.Uint32()); ; {
			used := checkTCC(t, base, line)
			if used == 0 {
				break
			}
			line, base = line[used:], base+uint16(used)
		}
	}
}

func FuzzTCC(f *testing.F) {
	f.Add(uint16(65530), []byte{1, 2, 0, 0, 250, 7})
	f.Fuzz(func(t *testing.T, base uint16, steps []byte) {
		at, line := time.Hour, make([]time.Duration, len(steps))
		for i, s := range steps {
			line[i] = packet.TCCLost
			if s != 0 {
				at += time.Duration(int8(s)) * 1100 * time.Microsecond
				line[i] = at
			}
		}
		for used := checkTCC(t, base, line); used > 0; used = checkTCC(t, base, line) {
			line, base = line[used:], base+uint16(used)
		}
	})
}

func BenchmarkTCC(b *testing.B) {
	line := make([]time.Duration, 100)
	for i := range line {
		line[i] = time.Hour + time.Duration(i*i%7+i)*time.Millisecond
	}
	buf := make([]byte, 0, packet.MaxRTCP)
	b.ReportAllocs()
	for b.Loop() {
		out, _ := packet.AppendTCC(buf, 1, 2, 3, 4, line)
		r := packet.ReadRTCP(out)
		p, _ := r.Next()
		c, _ := packet.ParseTCC(p)
		for _, ok := c.Next(); ok; _, ok = c.Next() {
			continue
		}
	}
}
