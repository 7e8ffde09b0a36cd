package ingress_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"steg/bridge/ingress"
)

var update = flag.Bool("update", false, "rewrite golden files")

// network carries the packets of one encoding with loss, reordering and
// duplication, answers NACKs by RTX, and is the naive model: it remembers all
// that was sent and arrived.
type network struct {
	r                   *rand.Rand
	in                  *ingress.Ingress
	loss, reorder, dup  int // per cent
	sent                map[uint16]out
	padding             map[uint16]bool
	flying              []flight
	arrived             map[uint16]bool // by its own way
	forwarded           map[uint64]uint16
	asked               map[uint16]int
	tcc, rtxSeq         uint16
	tccSent             map[uint16]time.Duration // arrivals, by transport-wide number
	tccSeen             map[uint16]time.Duration // as reported
	maxTries, delivered int
}

type flight struct {
	at       time.Duration
	o        out
	tcc      uint16
	original bool
}

func (n *network) send(o out, now time.Duration, original bool) {
	n.tcc++
	o = withTCC(o, n.tcc)
	copies := 1
	if n.r.IntN(100) < n.dup {
		copies = 2
	}
	if n.r.IntN(100) < n.loss {
		copies = 0
	}
	for range copies {
		delay := 20 * ms
		if n.r.IntN(100) < n.reorder {
			delay += time.Duration(n.r.IntN(30)) * ms
		}
		n.flying = append(n.flying, flight{now + delay, o, n.tcc, original})
	}
}

// deliver passes on what has arrived by now, in order of arrival.
func (n *network) deliver(t *testing.T, now time.Duration) {
	slices.SortStableFunc(n.flying, func(a, b flight) int { return int(a.at - b.at) })
	for len(n.flying) > 0 && n.flying[0].at <= now {
		f := n.flying[0]
		n.flying = n.flying[1:]
		if _, twice := n.tccSent[f.tcc]; !twice {
			n.tccSent[f.tcc] = f.at
		}
		if f.original {
			n.arrived[f.o.seq] = true
		}
		p, _ := n.in.RTP(f.o.bytes(), f.at)
		n.delivered++
		n.feedback(t, f.at)
		if p == nil {
			continue
		}
		if other, twice := n.forwarded[p.Seq]; twice {
			t.Fatalf("%d and %d were both forwarded as %d", other, p.SequenceNumber, p.Seq)
		}
		if n.padding[p.SequenceNumber] {
			t.Fatalf("padding %d was forwarded", p.SequenceNumber)
		}
		if want := n.sent[p.SequenceNumber]; string(p.Payload()) != string(want.payload) || p.Timestamp != want.ts {
			t.Fatalf("packet %d came out changed", p.SequenceNumber)
		}
		n.forwarded[p.Seq] = p.SequenceNumber
	}
	n.feedback(t, now)
}

func (n *network) feedback(t *testing.T, now time.Duration) {
	if d := n.in.NextDeadline(); d == 0 || d > now {
		return
	}
	for _, b := range collect(n.in.Feedback, now) {
		packets, err := rtcp.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		switch p := packets[0].(type) {
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				for _, seq := range pair.PacketList() {
					n.answer(t, seq, now)
				}
			}
		case *rtcp.TransportLayerCC:
			seqs, received, at := readTCC(t, [][]byte{b})
			for i, seq := range seqs {
				if received[i] {
					n.tccSeen[seq] = at[i]
				}
			}
		}
	}
	if d := n.in.NextDeadline(); d != 0 && d <= now {
		t.Fatalf("still due after feedback: %v", d-now)
	}
}

func (n *network) answer(t *testing.T, seq uint16, now time.Duration) {
	o, ok := n.sent[seq]
	if !ok {
		t.Fatalf("%d was asked for and never sent", seq)
	}
	n.asked[seq]++
	n.maxTries = max(n.maxTries, n.asked[seq])
	if n.padding[seq] {
		return // a sender keeps no padding
	}
	n.rtxSeq++
	n.send(o.rtx(vp8RTX, lowRTX, n.rtxSeq), now+20*ms, false)
}

func TestNetwork(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 99))
		n := &network{
			r: r, in: newIngress(), loss: int(seed%4) * 7, reorder: int(seed%3) * 20, dup: int(seed%2) * 10,
			sent: map[uint16]out{}, padding: map[uint16]bool{}, arrived: map[uint16]bool{}, forwarded: map[uint64]uint16{},
			asked: map[uint16]int{}, tccSent: map[uint16]time.Duration{}, tccSeen: map[uint16]time.Duration{}, tcc: 60000,
		}
		first, count := uint16(r.Uint32()), uint16(5000)
		now := start
		for i := range count {
			o := video(first + i)
			if i%10 == 7 && i < count-20 {
				o.payload, o.padding = nil, 200
				n.padding[o.seq] = true
			}
			n.sent[o.seq] = o
			if i == 0 { // the model counts from the first, so it always arrives
				n.tcc++
				n.flying = append(n.flying, flight{now, withTCC(o, n.tcc), n.tcc, true})
			} else {
				n.send(o, now, true)
			}
			now += 3 * ms
			n.deliver(t, now)
		}
		for end := now + 3*time.Second; now < end; now += 5 * ms {
			n.deliver(t, now)
		}
		n.check(t, seed, first, count)
	}
}

// check compares the outcome of a run with what was sent.
func (n *network) check(t *testing.T, seed uint64, first, count uint16) {
	t.Helper()
	var seqs []uint64
	for seq := range n.forwarded {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for i := 1; i < len(seqs); i++ {
		if n.forwarded[seqs[i]]-n.forwarded[seqs[i-1]] > 1<<15 {
			t.Errorf("seed %d: %d and %d left in the wrong order", seed, n.forwarded[seqs[i-1]], n.forwarded[seqs[i]])
		}
	}
	missing, highest := 0, first
	for i := range count {
		seq := first + i
		if n.arrived[seq] {
			highest = seq
		}
	}
	for i := range highest - first + 1 {
		if !n.arrived[first+i] {
			missing++
		}
	}
	if n.loss == 0 && n.reorder == 0 {
		if len(seqs) != int(count)-len(n.padding) || seqs[len(seqs)-1]-seqs[0] != uint64(len(seqs)-1) {
			t.Errorf("seed %d: %d forwarded in %d numbers", seed, len(seqs), seqs[len(seqs)-1]-seqs[0]+1)
		}
	}
	// Everything but a lost tail is repaired.
	if lack := int(count) - len(n.padding) - len(seqs); lack > 3 {
		t.Errorf("seed %d: %d packets were never forwarded", seed, lack)
	}
	if n.maxTries > 10 {
		t.Errorf("seed %d: asked %d times for one packet", seed, n.maxTries)
	}
	// A packet whose repetition overtook it counts as lost.
	if lost := n.in.Stats().Lost; lost < int64(missing) || lost > int64(missing+missing/10+len(n.asked)/10) {
		t.Errorf("seed %d: %d lost, want %d", seed, lost, missing)
	}
	for seq, at := range n.tccSent {
		if got, ok := n.tccSeen[seq]; !ok || got != at.Truncate(250*time.Microsecond) {
			t.Errorf("seed %d: transport number %d reported at %v (%v), arrived at %v", seed, seq, got, ok, at)
		}
	}
	if len(n.tccSeen) != len(n.tccSent) {
		t.Errorf("seed %d: %d transport numbers reported, %d arrived", seed, len(n.tccSeen), len(n.tccSent))
	}
}

// TestGolden writes down what comes out for a stretch of a simulcast call.
func TestGolden(t *testing.T) {
	var b strings.Builder
	in, now := newIngress(), start
	show := func(o out) {
		p := send(in, o, now)
		fmt.Fprintf(&b, "%4dms ssrc=%d pt=%d seq=%d: ", (now-start)/ms, o.ssrc, o.pt, o.seq)
		if p == nil {
			b.WriteString("dropped\n")
		} else {
			fmt.Fprintf(&b, "enc=%d seq=%d ts=%d level=%d %v frame=%+v\n", p.Encoding, p.Seq, p.TS, p.Level, p.Voice, p.Frame)
		}
		for d := in.NextDeadline(); d != 0 && d <= now; d = in.NextDeadline() {
			for _, f := range collect(in.Feedback, now) {
				fmt.Fprintf(&b, "       feedback %x\n", f)
			}
		}
	}
	seqs, tcc := map[uint32]uint16{lowSSRC: 65533, midSSRC: 10, audioSSRC: 500}, uint16(65530)
	next := func(o out) out {
		o.seq = seqs[o.ssrc]
		seqs[o.ssrc]++
		if o.ssrc == audioSSRC {
			o.ts = uint32(o.seq) * 960
		}
		tcc++
		return withTCC(o, tcc)
	}
	for i := range uint16(6) {
		show(next(audio(0, []int{30, 128 + 20, 127, 127, 127, 127}[i])))
		for e, ssrc := range []uint32{lowSSRC, midSSRC} {
			tid := uint8(i % 2)
			for k := range e + 1 {
				o := next(out{pt: vp8PT, ssrc: ssrc, ts: uint32(i)*3000 - 6000, marker: k == e,
					payload: vp8(k == 0, i == 0, 32766+i, uint8(255+i/2), tid, 180<<e, 60)})
				if i == 2 && e == 1 && k == 1 {
					continue // lost
				}
				show(o)
			}
		}
		if i == 3 {
			show(next(out{pt: vp8PT, ssrc: lowSSRC, padding: 100}))
		}
		now += 33 * ms
	}
	const golden = "testdata/simulcast.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v; got:\n%s", err, b.String())
	}
}

func FuzzRTP(f *testing.F) {
	f.Add(video(1).bytes(), video(2).rtx(vp8RTX, lowRTX, 1).bytes())
	f.Add(withTCC(audio(1, 127), 3).bytes(), video(60000).bytes())
	f.Fuzz(func(t *testing.T, a, b []byte) {
		in := newIngress()
		for i := range 6 {
			now := start + time.Duration(i)*50*ms
			in.RTP(append([]byte(nil), [][]byte{a, b}[i%2]...), now)
			if i%2 == 1 && len(a) > 4 {
				a[3]++
			}
			collect(in.Feedback, now)
			collect(in.Reports, now)
			in.Tick(now)
		}
	})
}
