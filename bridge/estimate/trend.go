package estimate

import (
	"math"
	"time"
)

// usage is what the delay says about the path.
type usage uint8

const (
	usageNormal usage = iota
	usageOver         // the queue grows
	usageUnder        // the queue drains
)

// Parameters of the trend and its threshold, in milliseconds where they are times.
const (
	trendWindow    = 20
	trendSmoothing = 0.9
	trendGain      = 4
	trendMaxCount  = 60
	thresholdStart = 12.5
	thresholdLow   = 6
	thresholdHigh  = 600
	thresholdUp    = 0.0087
	thresholdDown  = 0.039
	thresholdSkip  = 15 // do not adapt to what exceeds the threshold by more
	overuseTime    = 10
	adaptMaxStep   = 100
)

// trend fits a line through the accumulated delay of the latest groups. A
// slope above an adaptive threshold means that a queue is building up: the
// threshold follows what is usual on the path, so that a competing flow's
// queue does not starve us and jitter is not taken for a queue.
type trend struct {
	x, y        [trendWindow]float64 // arrival and smoothed delay, ms
	n, at       int                  // filled, next to replace
	origin      time.Duration
	count       int
	accumulated float64
	smoothed    float64
	threshold   float64
	slope       float64 // latest, modified
	before      float64
	over        float64 // ms since the slope exceeded the threshold; below 0: it does not
	overGroups  int
	adapted     time.Duration
	usage       usage
}

func newTrend() trend { return trend{threshold: thresholdStart, over: -1} }

// add takes how much later a group left and arrived than the one before, and
// when it arrived on the receiver's clock.
func (t *trend) add(send, arrive, at time.Duration) {
	if t.count == 0 {
		t.origin, t.adapted = at, at
	}
	t.count++
	t.accumulated += ms(arrive - send)
	t.smoothed = trendSmoothing*t.smoothed + (1-trendSmoothing)*t.accumulated
	t.x[t.at], t.y[t.at] = ms(at-t.origin), t.smoothed
	t.at = (t.at + 1) % trendWindow
	t.n = min(t.n+1, trendWindow)
	slope := t.before
	if t.n == trendWindow {
		slope = t.fit()
	}
	t.detect(slope, ms(send), at)
}

// fit is the slope of the line through the points by least squares.
func (t *trend) fit() float64 {
	var mx, my float64
	for i := range t.x {
		mx += t.x[i]
		my += t.y[i]
	}
	mx /= trendWindow
	my /= trendWindow
	var over, under float64
	for i := range t.x {
		over += (t.x[i] - mx) * (t.y[i] - my)
		under += (t.x[i] - mx) * (t.x[i] - mx)
	}
	if under == 0 {
		return t.before
	}
	return over / under
}

func (t *trend) detect(slope, sendMS float64, at time.Duration) {
	if t.count < 2 {
		t.usage = usageNormal
		return
	}
	t.slope = float64(min(t.count, trendMaxCount)) * slope * trendGain
	switch {
	case t.slope > t.threshold:
		if t.over < 0 {
			t.over = sendMS / 2 // half of it exceeded, on average
		} else {
			t.over += sendMS
		}
		t.overGroups++
		if t.over > overuseTime && t.overGroups > 1 && slope >= t.before {
			t.over, t.overGroups = 0, 0
			t.usage = usageOver
		}
	case t.slope < -t.threshold:
		t.over, t.overGroups = -1, 0
		t.usage = usageUnder
	default:
		t.over, t.overGroups = -1, 0
		t.usage = usageNormal
	}
	t.before = slope
	t.adapt(at)
}

func (t *trend) adapt(at time.Duration) {
	step := min(ms(at-t.adapted), adaptMaxStep)
	t.adapted = at
	size := math.Abs(t.slope)
	if size > t.threshold+thresholdSkip {
		return
	}
	k := thresholdUp
	if size < t.threshold {
		k = thresholdDown
	}
	t.threshold += k * (size - t.threshold) * step
	t.threshold = min(max(t.threshold, thresholdLow), thresholdHigh)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
