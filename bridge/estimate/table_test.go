package estimate_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"steg/bridge/estimate"
	"steg/tests/load/link"
)

var update = flag.Bool("update", false, "write testdata/paths.txt")

// figures are what a scenario came to.
type figures struct {
	used     float64       // media that arrived, of our share of the capacity
	padding  float64       // of what was sent
	lost     float64       // at the link
	p95      time.Duration // queueing delay, but for the two seconds after a drop
	down, up time.Duration // until the estimate followed; below 0: never
}

// all runs a scenario several times: means of shares and delays, worst times
// of reaction.
func all(s scenario, fresh func() estimator) (sum figures) {
	seeds := 2
	if *update {
		seeds = 5
	}
	for seed := range seeds {
		s.link.Seed = uint64(seed) + 1
		p := newPath(s, fresh())
		p.run(s.until)
		f := p.figures()
		sum.used += f.used / float64(seeds)
		sum.padding += f.padding / float64(seeds)
		sum.lost += f.lost / float64(seeds)
		sum.p95 += f.p95 / time.Duration(seeds)
		sum.down, sum.up = worse(sum.down, f.down), worse(sum.up, f.up)
	}
	return sum
}

// worse of two times, of which below 0 is never.
func worse(a, b time.Duration) time.Duration {
	if a < 0 || b < 0 {
		return -1
	}
	return max(a, b)
}

func (p *path) figures() figures {
	s := p.scenario
	f := figures{}
	if s.drop > 0 {
		f.down, f.up = -1, -1
	}
	capacity, used := 0.0, 0.0
	reference := link.New(link.Config{Rate: s.link.Rate, Steps: s.link.Steps})
	for i, e := range p.rates {
		at := time.Duration(i+1) * step
		c := float64(reference.Rate(at)) * s.fair
		if s.drop > 0 && at > s.drop && f.down < 0 && float64(e) <= c {
			f.down = at - s.drop
		}
		wanted := 0.85 * c
		if s.demand != nil {
			wanted = min(wanted, float64(s.demand(at)))
		}
		if s.rise > 0 && at > s.rise && f.up < 0 && float64(e) >= wanted {
			f.up = at - s.rise
		}
		if at > settled {
			capacity += c * (1 - s.link.Loss) * step.Seconds()
			used += float64(p.useful[i]) * 8
		}
	}
	f.used = used / capacity
	f.p95 = p.percentile(95)
	f.padding = float64(p.padding) / float64(p.padding+p.media)
	st := p.forward.Stats()
	f.lost = float64(st.Overflowed+st.Lost) / float64(st.Sent)
	return f
}

// percentile of the queueing delay.
func (p *path) percentile(n int) time.Duration {
	var waits []time.Duration
	for _, d := range p.queued {
		if drop := p.scenario.drop; d.at > settled && (drop == 0 || d.at < drop || d.at > drop+2*time.Second) {
			waits = append(waits, d.queued)
		}
	}
	slices.Sort(waits)
	if len(waits) == 0 {
		return 0
	}
	return waits[len(waits)*n/100]
}

// TestTable holds the estimator to what it achieved, on every path. The
// figures themselves are in testdata/paths.txt; -update writes them.
func TestTable(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-40s %5s %9s %6s %6s %8s %6s\n", "path", "used", "queue p95", "down", "up", "padding", "lost")
	for _, s := range rows() {
		t.Run(s.name, func(t *testing.T) {
			f := all(s, func() estimator { return estimate.New(defaults) })
			fmt.Fprintf(&table, "%-40s %4.0f%% %6d ms %6s %6s %7.1f%% %5.1f%%\n", s.name, 100*f.used, f.p95.Milliseconds(),
				seconds(f.down), seconds(f.up), 100*f.padding, 100*f.lost)
			if f.used < s.atLeast {
				t.Errorf("used %.2f of the capacity, want at least %.2f", f.used, s.atLeast)
			}
			if s.queue > 0 && f.p95 > s.queue {
				t.Errorf("queueing delay %v, want at most %v", f.p95, s.queue)
			}
			if s.down > 0 && (f.down < 0 || f.down > s.down) {
				t.Errorf("followed the drop after %v, want %v", f.down, s.down)
			}
			if s.up > 0 && (f.up < 0 || f.up > s.up) {
				t.Errorf("followed the rise after %v, want %v", f.up, s.up)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/paths.txt", []byte(header+table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const header = `What the estimate comes to on emulated paths (go test -run TestTable -update).
Media follows the estimate, unless layers are named; 5 runs of 60 s each, from the 10th second.

used       media that arrived, of the capacity less random loss; beside TCP, of half of it
queue p95  queueing delay at the bottleneck, but for the 2 s after a drop
down, up   until the estimate was below a dropped capacity, and at 85 % of a risen one or at the demand; worst run
padding    share of probes in what was sent
lost       share of packets lost at the link, its random loss included

`

func seconds(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 0:
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
