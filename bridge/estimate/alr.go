package estimate

import "time"

// Parameters of the detector of application-limited sending.
const (
	alrRatio  = 0.65 // of the estimate that sending uses up
	alrStart  = 0.80 // budget left, as a share of a full one
	alrStop   = 0.50
	alrWindow = 500 * time.Millisecond
)

// alr tells whether the application sends much less than the estimate: then
// neither growth nor throughput say anything about the path.
type alr struct {
	budget  float64 // bytes left, from -full to full
	rate    float64 // bytes a second
	updated time.Duration
	limited bool
}

// sent spends from the budget, which fills at a share of the estimate.
func (a *alr) sent(size int, now time.Duration) {
	full := a.rate * alrWindow.Seconds()
	a.budget += a.rate*(now-a.updated).Seconds() - float64(size)
	a.budget = min(max(a.budget, -full), full)
	a.updated = now
	switch level := a.budget / max(full, 1); {
	case level > alrStart:
		a.limited = true
	case level < alrStop:
		a.limited = false
	}
}

// estimate takes a new estimate in bit/s.
func (a *alr) estimate(bits float64) { a.rate = alrRatio * bits / 8 }
