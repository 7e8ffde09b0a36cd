package estimate_test

import (
	"time"

	"steg/bridge/estimate"
	"steg/tests/load/link"
)

// defaults are those of the configuration.
var defaults = estimate.Config{Initial: 2_500_000, Min: 30_000, Max: 20_000_000}

// scenario is one row of the table. Zero values stand for what is usual.
type scenario struct {
	name       string
	link       link.Config
	backLoss   float64 // of feedback
	backJitter time.Duration
	feedback   time.Duration                                 // interval, 100 ms
	tcp        bool                                          // a flow beside
	keyframes  time.Duration                                 // interval of large frames, none
	media      func(now time.Duration, estimate int64) int64 // bit/s sent, the estimate
	demand     func(now time.Duration) int64                 // unknown
	muteFrom   time.Duration                                 // no feedback
	muteUntil  time.Duration
	drop, rise time.Duration // of the capacity
	until      time.Duration // 60 s
	fair       float64       // share of the capacity that is ours, 1

	atLeast float64       // of the capacity used
	queue   time.Duration // most queueing delay, p95
	down    time.Duration // most, after drop
	up      time.Duration // most, after rise
}

// settled is from when on figures count.
const settled = 10 * time.Second

const (
	ms   = time.Millisecond
	mbit = 1_000_000
)

// rows are the paths that the estimate is held to.
func rows() []scenario {
	list := append(append(plain(), changing()...), shared()...)
	for i := range list {
		list[i].complete()
	}
	return list
}

func path30(rate int64, change ...func(*link.Config)) link.Config {
	c := link.Config{Rate: rate, Delay: 30 * ms, QueueTime: 500 * ms}
	for _, f := range change {
		f(&c)
	}
	return c
}

func plain() []scenario {
	loss := func(share float64) func(*link.Config) { return func(c *link.Config) { c.Loss = share } }
	jitter := func(most time.Duration, reorder bool) func(*link.Config) {
		return func(c *link.Config) { c.Jitter, c.Reorder = most, reorder }
	}
	return []scenario{
		{name: "steady 15 Mbit/s", link: path30(15 * mbit), atLeast: 0.88, queue: 70 * ms},
		{name: "steady 5 Mbit/s", link: path30(5 * mbit), atLeast: 0.88, queue: 70 * ms},
		{name: "steady 1 Mbit/s", link: path30(mbit), atLeast: 0.90, queue: 90 * ms},
		{name: "steady 300 kbit/s", link: path30(300_000), atLeast: 0.92, queue: 100 * ms},
		{name: "3 Mbit/s, 200 ms away", atLeast: 0.88, queue: 80 * ms,
			link: path30(3*mbit, func(c *link.Config) { c.Delay = 200 * ms })},
		{name: "5 Mbit/s, 2 % random loss", link: path30(5*mbit, loss(0.02)), atLeast: 0.87, queue: 70 * ms},
		{name: "5 Mbit/s, 10 % random loss", link: path30(5*mbit, loss(0.10)), atLeast: 0.82, queue: 70 * ms},
		{name: "1 Mbit/s, 10 % random loss", link: path30(mbit, loss(0.10)), atLeast: 0.80, queue: 80 * ms},
		{name: "3 Mbit/s, 100 ms jitter, in order", link: path30(3*mbit, jitter(100*ms, false)), atLeast: 0.82, queue: 90 * ms},
		{name: "3 Mbit/s, 100 ms jitter, reordering", link: path30(3*mbit, jitter(100*ms, true)), atLeast: 0.83, queue: 80 * ms},
		{name: "3 Mbit/s, 20 ms jitter, reordering", link: path30(3*mbit, jitter(20*ms, true)), atLeast: 0.87, queue: 70 * ms},
		{name: "3 Mbit/s, feedback lost and late", link: path30(3 * mbit), backLoss: 0.1, backJitter: 50 * ms, atLeast: 0.84, queue: 80 * ms},
		{name: "3 Mbit/s, feedback each 250 ms", link: path30(3 * mbit), feedback: 250 * ms, atLeast: 0.80, queue: 100 * ms},
	}
}

func changing() []scenario {
	steps := func(low, high int64) func(*link.Config) {
		return func(c *link.Config) {
			c.Steps = []link.Step{{At: 20 * time.Second, Rate: low}, {At: 40 * time.Second, Rate: high}}
		}
	}
	return []scenario{
		{name: "4 to 1 to 4 Mbit/s", drop: 20 * time.Second, rise: 40 * time.Second, link: path30(4*mbit, steps(mbit, 4*mbit)),
			atLeast: 0.82, queue: 80 * ms, down: 900 * ms, up: 7 * time.Second},
		{name: "3 to 0.6 to 3 Mbit/s, layers", drop: 20 * time.Second, rise: 40 * time.Second, link: path30(3*mbit, steps(600_000, 3*mbit)),
			media: layers, demand: func(time.Duration) int64 { return 2_100_000 }, queue: 80 * ms, down: 1500 * ms, up: 7 * time.Second},
		{name: "silent from 20th to 30th second", link: path30(3 * mbit), muteFrom: 20 * time.Second, muteUntil: 30 * time.Second, atLeast: 0.6},
	}
}

// layers are what a bridge sends of a few sources: steps, not a slope.
func layers(_ time.Duration, estimate int64) int64 {
	sum := int64(0)
	for _, l := range []int64{150_000, 150_000, 350_000, 1_450_000} {
		if sum+l < estimate {
			sum += l
		}
	}
	return max(sum, 60_000)
}

func shared() []scenario {
	queue := func(t time.Duration) func(*link.Config) { return func(c *link.Config) { c.QueueTime = t } }
	return []scenario{
		{name: "beside TCP, 4 Mbit/s, 100 ms queue", tcp: true, fair: 0.5, link: path30(4*mbit, queue(100*ms)), atLeast: 0.5},
		{name: "beside TCP, 4 Mbit/s, 300 ms queue", tcp: true, fair: 0.5, link: path30(4*mbit, queue(300*ms)), atLeast: 0.5},
		{name: "DSL, 1 Mbit/s, 2 s queue", link: path30(mbit, queue(2*time.Second)), atLeast: 0.90, queue: 90 * ms},
		{name: "the same, keyframes each 5 s", keyframes: 5 * time.Second, link: path30(mbit, queue(2*time.Second)), atLeast: 0.85, queue: 110 * ms},
		{name: "3 Mbit/s, 40 ms queue", link: path30(3*mbit, queue(40*ms)), atLeast: 0.90, queue: 40 * ms},
		{name: "policer, 3 Mbit/s", link: path30(3*mbit, func(c *link.Config) { c.Policer, c.QueueBytes, c.QueueTime = true, 30_000, 0 }), atLeast: 0.90},
	}
}

func (s *scenario) complete() {
	if s.feedback == 0 {
		s.feedback = 100 * ms
	}
	if s.media == nil {
		s.media = func(_ time.Duration, estimate int64) int64 { return estimate }
	}
	if s.until == 0 {
		s.until = time.Minute
	}
	if s.fair == 0 {
		s.fair = 1
	}
}
