package ingress

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestWindowModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var w window
		seen := map[uint64]bool{}
		newest := uint64(1 << 16)
		for i := range 5000 {
			seq := newest + uint64(r.IntN(5))
			switch r.IntN(300) {
			case 0:
				seq = newest + uint64(r.IntN(3*windowSize))
			case 1, 2, 3, 4, 5, 6:
				seq = newest - uint64(r.IntN(windowSize+100))
			}
			want := fresh
			if i > 0 && seq+windowSize <= newest {
				want = tooOld
			} else if seen[seq] {
				want = duplicate
			}
			if got := w.add(seq); got != want {
				t.Fatalf("%d after %d: got %d, want %d", seq, newest, got, want)
			}
			seen[seq] = seen[seq] || want == fresh
			newest = max(newest, seq)
		}
	}
}

func TestWindowRestart(t *testing.T) {
	var w window
	w.add(100)
	w.restart(70000)
	for _, tt := range []struct {
		seq  uint64
		want verdict
	}{{70000, duplicate}, {69999, tooOld}, {100, tooOld}, {70001, fresh}, {70001, duplicate}} {
		if got := w.add(tt.seq); got != tt.want {
			t.Errorf("%d: got %d, want %d", tt.seq, got, tt.want)
		}
	}
}

// TestCloserModel drops packets on purpose in random runs and lets packets
// come late. The model: a packet's number is its own minus how many smaller
// ones had been taken out when the numbers around it were given.
func TestCloserModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		var c closer
		newest, removed := uint64(1<<16), []uint64{}
		late, used := []uint64{}, map[uint64]uint64{}
		dropping := 1 + r.IntN(9)
		for range 20000 {
			if len(late) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(late))
				seq := late[i]
				late = slices.Delete(late, i, i+1)
				if seq+windowSize <= newest {
					continue
				}
				if r.IntN(10) < dropping {
					if seq > c.newest {
						removed = append(removed, seq)
					}
					c.discard(seq, seq)
					continue
				}
				checkKept(t, &c, seq, removed, used)
				continue
			}
			newest++
			switch n := r.IntN(20); {
			case n < 2:
				late = append(late, newest)
			case n < 2+dropping:
				c.discard(newest, newest)
				removed = append(removed, newest)
			default:
				checkKept(t, &c, newest, removed, used)
			}
		}
		if len(c.runs) > windowSize/2+1 {
			t.Errorf("%d runs remembered", len(c.runs))
		}
	}
}

func checkKept(t *testing.T, c *closer, seq uint64, removed []uint64, used map[uint64]uint64) {
	t.Helper()
	below, _ := slices.BinarySearch(removed, seq)
	got := c.keep(seq)
	if want := seq - uint64(below); got != want {
		t.Fatalf("%d became %d, want %d", seq, got, want)
	}
	if other, twice := used[got]; twice {
		t.Fatalf("%d and %d both became %d", seq, other, got)
	}
	used[got] = seq
}

func TestLosses(t *testing.T) {
	const ms = time.Millisecond
	type step struct {
		at     time.Duration
		arrive []uint64
		want   []uint16
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"nothing lost", []step{{0, []uint64{10, 11, 12}, nil}, {time.Second, nil, nil}}},
		{"reordered within the grace", []step{{0, []uint64{10, 12}, nil}, {19 * ms, []uint64{11}, nil}, {20 * ms, nil, nil}}},
		{"asked when the grace is over", []step{{0, []uint64{10, 12}, nil}, {20 * ms, nil, []uint16{11}}, {21 * ms, nil, nil}}},
		{"asked after three later packets", []step{{0, []uint64{10, 12, 13}, nil}, {ms, []uint64{14}, []uint16{11}}}},
		{"a burst: only those overtaken by three", []step{{0, []uint64{10, 15}, []uint16{11, 12}}, {20 * ms, nil, []uint16{13, 14}}}},
		{"repeats have their own timers", []step{
			{0, []uint64{10, 12}, nil}, {20 * ms, nil, []uint16{11}},
			{100 * ms, []uint64{13, 15}, nil}, {120 * ms, nil, []uint16{11, 14}}, {220 * ms, nil, []uint16{11, 14}}}},
		{"repair ends it", []step{{0, []uint64{10, 12}, nil}, {20 * ms, nil, []uint16{11}}, {60 * ms, []uint64{11}, nil}, {time.Second, nil, nil}}},
		{"a pause is not a loss", []step{{0, []uint64{10, 12, 13 + 500}, nil}, {time.Second, nil, nil}}},
		{"over the wrap", []step{{0, []uint64{131070, 131073}, nil}, {20 * ms, nil, []uint16{65535, 0}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l losses
			for _, s := range tt.steps {
				s.at += time.Hour
				for _, seq := range s.arrive {
					l.arrived(seq, s.at, 400)
				}
				if got := l.due(nil, s.at, 100*ms); !slices.Equal(got, s.want) {
					t.Errorf("at %v: got %v, want %v", s.at, got, s.want)
				}
			}
		})
	}
}

func TestLossesGiveUp(t *testing.T) {
	var l losses
	l.arrived(10, 0, 400)
	l.arrived(12, 0, 400)
	asked := 0
	for now := time.Duration(0); now < 5*time.Second; now += 10 * time.Millisecond {
		asked += len(l.due(nil, now, 150*time.Millisecond))
	}
	if asked != maxTries || len(l.list) != 0 || l.next != 0 {
		t.Errorf("asked %d times, %d left, next %v", asked, len(l.list), l.next)
	}
	l.arrived(20, 6*time.Second, 400)
	l.forgetBefore(18)
	if got := l.due(nil, 7*time.Second, time.Second); !slices.Equal(got, []uint16{18, 19}) {
		t.Errorf("after a keyframe at 18: %v", got)
	}
	for i := range uint64(100) {
		l.arrived(20+300*i, 7*time.Second, 400)
	}
	if len(l.list) > maxMissing {
		t.Errorf("%d numbers remembered", len(l.list))
	}
}

func TestRepeatInterval(t *testing.T) {
	const ms = time.Millisecond
	for rtt, want := range map[time.Duration]time.Duration{0: 150 * ms, 5 * ms: 50 * ms, 100 * ms: 135 * ms, 5 * time.Second: time.Second} {
		if got := repeatInterval(rtt); got != want {
			t.Errorf("round trip %v: %v, want %v", rtt, got, want)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	now := 5 * time.Hour
	for i := range 300 { // 3 s of 100 packets/s, 1000 bytes, temporal layers 0 2 1 2
		m.add(now, 1000, []int8{0, 2, 1, 2}[i%4], i%2 == 0, uint32(1<<31|i%2))
		now += 10 * time.Millisecond
		if i == 49 {
			if got := m.read(now).packets; got < 95 || got > 105 {
				t.Errorf("%d packets/s after half a second", got)
			}
		}
	}
	got := m.read(now)
	want := rates{temporal: [4]int64{200000, 400000, 800000, 800000}, packets: 100, frameRate: 50}
	want.points[0], want.points[31] = 400000, 800000
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := m.read(now + 2*time.Second); got != (rates{}) {
		t.Errorf("after a pause: %+v", got)
	}
}
