package estimate_test

import (
	"testing"
	"time"

	"steg/bridge/estimate"
)

// TestFair puts two receivers behind one line, as in a household: together
// they use it, none of them starves, and the queue stays short.
func TestFair(t *testing.T) {
	for _, rate := range []int64{1_000_000, 4_000_000} {
		var shares [2]float64
		var queue time.Duration
		for seed := range uint64(3) {
			s := scenario{link: path30(rate)}
			s.link.Seed = seed + 1
			s.complete()
			p := newPath(s, estimate.New(defaults))
			paths := [2]*path{p, p.beside(estimate.New(defaults))}
			p.run(2 * time.Minute)
			for i, p := range paths {
				for _, n := range p.useful[20*time.Second/step:] {
					shares[i] += float64(n) * 8 / 100 / 3 / float64(rate)
				}
			}
			queue += p.percentile(95) / 3
		}
		t.Logf("%d bit/s: shares %.2f, queueing delay %v", rate, shares, queue)
		if queue > 190*ms {
			t.Errorf("%d bit/s: queueing delay %v", rate, queue)
		}
		if sum := shares[0] + shares[1]; sum < 0.8 {
			t.Errorf("%d bit/s: %.2f used", rate, sum)
		}
		if low := min(shares[0], shares[1]); low < 0.2 {
			t.Errorf("%d bit/s: one gets %.2f", rate, low)
		}
	}
}
