package estimate_test

import (
	"testing"
	"time"

	"steg/bridge/estimate"
	"steg/bridge/packet"
)

func TestStart(t *testing.T) {
	e := estimate.New(defaults)
	e.Tick(time.Second)
	if p := e.Probe(time.Second); p.Bytes != 0 || e.Estimate() != defaults.Initial {
		t.Errorf("before the first packet: %+v, estimate %d", p, e.Estimate())
	}
	e.Sent(1, 1000, time.Second)
	e.Tick(time.Second)
	p := e.Probe(time.Second)
	if p.Rate != 3*defaults.Initial || p.Bytes < 5000 || p.Size < 200 || p.Size > 1200 {
		t.Errorf("first probe %+v", p)
	}
}

// TestDemand checks that nothing is probed that nobody could use.
func TestDemand(t *testing.T) {
	s := scenario{name: "demand", link: path30(10 * mbit), demand: func(now time.Duration) int64 {
		if now < 20*time.Second {
			return 1_000_000
		}
		return 4_000_000
	}, media: func(time.Duration, int64) int64 { return 900_000 }, until: 19 * time.Second}
	s.complete()
	e := estimate.New(defaults)
	p := newPath(s, e)
	p.run(19 * time.Second)
	if p.padding > 0 {
		t.Errorf("%d bytes of probes below the demand", p.padding)
	}
	p.run(22 * time.Second)
	if got := e.Estimate(); got < 4_000_000 || got > 7_000_000 {
		t.Errorf("%d two seconds after the demand rose", got)
	}
}

func TestSilence(t *testing.T) {
	s := scenario{link: path30(3 * mbit), muteFrom: 10 * time.Second, muteUntil: 60 * time.Second}
	s.complete()
	e := estimate.New(defaults)
	p := newPath(s, e)
	p.run(12 * time.Second)
	before := e.Estimate()
	p.run(16 * time.Second)
	if got := e.Estimate(); got > before*8/10 || got < before/3 {
		t.Errorf("%d of %d after six seconds of silence", got, before)
	}
	p.run(59 * time.Second)
	if st := e.State(); st.Estimate != 5000 || st.Limit != estimate.LimitSilence {
		t.Errorf("%+v after 50 s", st)
	}
	p.run(70 * time.Second)
	if got := e.Estimate(); got < 2*mbit {
		t.Errorf("%d ten seconds after the silence", got)
	}
}

// TestIdle checks that a pause without media changes nothing.
func TestIdle(t *testing.T) {
	s := scenario{link: path30(3 * mbit)}
	s.complete()
	e := estimate.New(defaults)
	p := newPath(s, e)
	p.run(12 * time.Second)
	before := e.Estimate()
	for now := 13 * time.Second; now < time.Minute; now += 10 * ms {
		e.Tick(now)
		e.Probe(now)
	}
	e.Sent(60000, 1000, time.Minute)
	e.Tick(time.Minute + 10*ms)
	if got := e.Estimate(); got != before {
		t.Errorf("%d, was %d", got, before)
	}
}

// feeder is a path without queue, for figures of the estimator alone.
type feeder struct {
	e        *estimate.Estimator
	now      time.Duration
	seq      uint16
	buf      []byte
	arrivals [30]time.Duration
	count    uint8
}

// cycle sends 30 packets in 100 ms and reports them.
func (f *feeder) cycle() {
	base := f.seq
	for i := range f.arrivals {
		f.now += 100 * ms / time.Duration(len(f.arrivals))
		f.e.Sent(f.seq, 1100, f.now)
		f.seq++
		f.arrivals[i] = f.now + 20*ms
	}
	f.e.Tick(f.now)
	f.e.Probe(f.now)
	f.buf, _ = packet.AppendTCC(f.buf[:0], 1, 2, f.count, base, f.arrivals[:])
	f.count++
	f.e.TCC(f.buf, f.now+40*ms)
}

func TestAllocates(t *testing.T) {
	f := feeder{e: estimate.New(defaults)}
	for range 300 {
		f.cycle()
	}
	if n := testing.AllocsPerRun(200, f.cycle); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkCycle is 100 ms of a receiver at 2.6 Mbit/s: 30 packets, one
// feedback.
func BenchmarkCycle(b *testing.B) {
	f := feeder{e: estimate.New(defaults)}
	b.ReportAllocs()
	for b.Loop() {
		f.cycle()
	}
}

// FuzzEstimator lets a receiver report anything at any time.
func FuzzEstimator(f *testing.F) {
	report, _ := packet.AppendTCC(nil, 1, 2, 0, 3, []time.Duration{time.Hour, time.Hour + 5*ms, -1, time.Hour - 90*ms})
	f.Add(append([]byte{10, 0, 200, byte(len(report))}, report...))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := estimate.New(defaults)
		var now time.Duration
		for seq := uint16(0); len(data) >= 4; {
			for range data[0] % 64 {
				e.Sent(seq, int(data[1])*8, now)
				seq++
			}
			now += time.Duration(data[2]) * time.Duration(data[2]) * ms / 4
			n := min(int(data[3]), len(data)-4)
			e.TCC(data[4:4+n], now)
			data = data[4+n:]
			e.Tick(now)
			if p := e.Probe(now); p.Bytes < 0 || p.Bytes > 1<<20 || p.Bytes > 0 && p.Size < 1 {
				t.Fatalf("probe %+v", p)
			}
			if st := e.State(); st.Estimate < 5000 || st.Estimate > defaults.Max || st.RTT < 0 || st.LossRatio < 0 || st.LossRatio > 1 {
				t.Fatalf("%+v", st)
			}
		}
	})
}
