package egress_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/packet"
)

// Of five frames only the first and the last are wanted. What is lost in
// between leaves a gap only where it may have been wanted too.
func TestGapsOfLostPackets(t *testing.T) {
	for _, test := range []struct {
		name string
		lost []int // 0 1 | 2 3 4 | 5 6 7 | 8 9 10 | 11 12: two, three times three, two packets
		gap  int   // missing numbers between the packets that leave
		late int   // packet that comes last of all; 0: none
		sent bool  // and leaves
	}{
		{"nothing", nil, 0, 0, false},
		{"middle of a dropped frame", []int{3}, 0, 0, false},
		{"end of a dropped frame", []int{3, 4}, 0, 0, false},
		{"start of a dropped frame", []int{5, 6}, 0, 0, false},
		{"start of a dropped frame behind a forwarded one", []int{2, 3}, 0, 0, false},
		{"end of a dropped frame before a forwarded one", []int{9, 10}, 0, 0, false},
		{"border of two dropped frames", []int{3, 4, 5, 6}, 0, 0, false},
		{"a frame that may be wanted", []int{5, 6, 7}, 3, 0, false},
		{"with the end of the one before", []int{4, 5, 6, 7}, 3, 0, false},
		{"with the start of the one behind", []int{5, 6, 7, 8, 9}, 4, 0, false},
		{"all but one of three frames", []int{2, 3, 4, 6, 7, 8, 9, 10}, 7, 0, false},
		{"end of a forwarded frame", []int{1}, 1, 0, false},
		{"start of a forwarded frame", []int{11}, 1, 0, false},
		{"border of a dropped and a forwarded frame", []int{9, 10, 11}, 2, 0, false},
		{"late packet of a forwarded frame", []int{11}, 0, 11, true},
		{"late packet of a dropped frame", []int{3}, 0, 3, false},
		{"late packet of a dropped frame at the border", []int{9, 10, 11}, 2, 10, false},
		{"late packet of a forwarded frame at the border", []int{9, 10, 11}, 1, 11, true},
		{"late packet of a frame not wanted", []int{5, 6, 7}, 3, 6, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			gap, sent := lose(t, test.lost, test.late)
			if gap != test.gap || sent != test.sent {
				t.Errorf("%d numbers are missing, want %d; late packet sent: %v", gap, test.gap, sent)
			}
		})
	}
}

// lose forwards five frames but for some packets, one of which comes last of
// all, and returns how many numbers the receiver misses.
func lose(t *testing.T, lost []int, late int) (gap int, sent bool) {
	s := newSimulcast(rand.New(rand.NewPCG(2, 2)), 1)
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: s.source})
	pr.SetTarget(egress.Target{Encoding: 0, TID: 0, SID: -1})
	var packets, order []*packet.Packet
	for _, count := range []int{2, 3, 3, 3, 2} {
		packets = append(packets, s.frame(0, count)...)
	}
	for i, p := range packets {
		if !slices.Contains(lost, i) {
			order = append(order, p)
		}
	}
	if late > 0 {
		order = append(order, packets[late])
	}
	var numbers []uint16
	for i, p := range order {
		out := forward(eg, pr, p, time.Second)
		if out != nil {
			numbers = append(numbers, mustHeader(t, out).SequenceNumber)
		}
		sent = out != nil && late > 0 && i == len(order)-1
	}
	return int(slices.Max(numbers)-slices.Min(numbers)) + 1 - len(numbers), sent
}

// arrivalOf is one packet in TestSwitching: a frame of one packet.
type arrivalOf struct {
	at      int // ms
	enc     int
	key     bool
	sent    bool
	want    int // encoding to ask for a keyframe of, -1: none
	current int8
}

func TestSwitching(t *testing.T) {
	for _, test := range []struct {
		name   string
		target int8
		then   int8 // target from the marked step on
		from   int
		steps  []arrivalOf
	}{
		{"start waits for a keyframe", 0, 0, 99, []arrivalOf{{0, 0, false, false, 0, -1}, {33, 0, true, true, -1, 0}, {66, 0, false, true, -1, 0}}},
		{"start by the group, lowest first", 2, 2, 99, []arrivalOf{
			{0, 0, true, true, -1, 0}, {1, 1, true, true, -1, 1}, {2, 2, true, true, -1, 2}, {33, 0, false, false, -1, 2}, {35, 2, false, true, -1, 2}}},
		{"lower ones of the group come late", 2, 2, 99, []arrivalOf{
			{0, 2, true, true, -1, 2}, {1, 0, true, false, -1, 2}, {2, 1, true, false, -1, 2}}},
		{"nothing above the target", 0, 0, 99, []arrivalOf{{0, 2, true, false, -1, -1}, {1, 0, true, true, -1, 0}, {9, 1, true, false, -1, 0}}},
		{"only a lower one is there", 2, 2, 99, []arrivalOf{
			{0, 0, true, true, -1, 0}, {350, 0, false, true, -1, 0}, {700, 2, false, false, 2, 0}, {733, 0, false, true, -1, 0}, {800, 2, true, true, -1, 2}}},
		{"no request within the group", 2, 2, 99, []arrivalOf{{0, 0, true, true, -1, 0}, {100, 2, false, false, -1, 0}, {301, 2, false, false, 2, 0}}},
		{"up on request", 0, 1, 2, []arrivalOf{
			{0, 0, true, true, -1, 0}, {33, 1, false, false, -1, 0}, {66, 1, false, false, 1, 0}, {67, 0, false, true, -1, 0}, {90, 1, true, true, -1, 1}}},
		{"the target counts, not what is better than now", 0, 2, 3, []arrivalOf{
			{0, 0, true, true, -1, 0}, {33, 1, false, false, -1, 0}, {34, 2, false, false, -1, 0},
			{66, 1, false, false, -1, 0}, {67, 2, false, false, 2, 0}}},
		{"down", 2, 0, 2, []arrivalOf{
			{0, 2, true, true, -1, 2}, {33, 0, false, false, -1, 2}, {66, 0, false, false, 0, 2}, {67, 2, false, false, -1, 2}, {90, 0, true, true, -1, 0},
			{99, 2, true, false, -1, 0}}},
		{"not down to something above the target", 2, 0, 1, []arrivalOf{{0, 2, true, true, -1, 2}, {33, 1, false, false, -1, 2}, {66, 1, true, false, -1, 2}}},
		{"the current one falls silent", 2, 2, 99, []arrivalOf{
			{0, 2, true, true, -1, 2}, {400, 0, true, false, -1, 2}, {600, 0, true, true, -1, 0}}},
		{"suspended", 0, -1, 1, []arrivalOf{{0, 0, true, true, -1, 0}, {33, 0, false, false, -1, -1}, {66, 0, true, false, -1, -1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSimulcast(rand.New(rand.NewPCG(4, 4)), 3)
			eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: s.source})
			pr.SetTarget(egress.Target{Encoding: test.target, TID: 2, SID: -1})
			for i, step := range test.steps {
				if i == test.from {
					pr.SetTarget(egress.Target{Encoding: test.then, TID: 2, SID: -1})
				}
				s.streams[step.enc].wantKey = step.key
				p := s.frame(step.enc, 1)[0]
				p.Arrival = time.Second + time.Duration(step.at)*time.Millisecond
				var dst [200]byte
				n, want := eg.Forward(dst[:], pr, p, p.Arrival)
				ask := -1
				if want {
					ask = pr.KeyframeEncoding()
				}
				if n > 0 != step.sent || ask != step.want || pr.Current().Encoding != step.current {
					t.Errorf("step %d: sent %v, asks for %d, current %d, want %+v", i, n > 0, ask, pr.Current().Encoding, step)
				}
			}
		})
	}
}

func TestWaitingForKeyframe(t *testing.T) {
	s := newSimulcast(rand.New(rand.NewPCG(4, 4)), 2)
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: s.source})
	for i, step := range []struct {
		target  egress.Target
		enc     int
		waiting bool
	}{
		{egress.Target{Encoding: 1}, 0, true}, {egress.Target{Encoding: 1}, 1, false},
		{egress.Target{Encoding: 0}, 1, true}, {allocation.Suspended, 1, false},
	} {
		pr.SetTarget(step.target)
		forward(eg, pr, s.frame(step.enc, 1)[0], time.Second+time.Duration(i)*time.Millisecond)
		if got := pr.Stats().WaitingForKeyframe; got != step.waiting {
			t.Errorf("step %d: waiting %v", i, got)
		}
	}
}
