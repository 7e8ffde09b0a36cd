package estimate

import (
	"slices"
	"time"
)

// Windows of the standing queue.
const (
	standingSpan  = 100 * time.Millisecond
	standingSpans = 100               // remembered
	standingUsual = 2                 // one in so many of them is below what is usual,
	standingYoung = 2 * standingSpans // but while the queue of a start rate that was
	standingStart = 8                 // too high is among them, one in so many
	standingNoise = 30
	standingLeast = 25 * time.Millisecond // a queue below this is none
	standingMuch  = 50 * time.Millisecond // above this it is drained faster than by the usual backoff
	standingDrain = time.Second           // in about this time
	standingFloor = 0.5
)

// standing measures the queue that does not drain between frames: the least
// one-way delay of the last moments, over what is usual on the path.
//
// A trend alone takes a few large frames in a row for a growing queue, since
// video comes in bursts that a bottleneck spreads; that costs a tenth of the
// capacity where the sender does not pace, and more where the path jitters.
// Where the queue drains in between as usual, there is no overuse.
type standing struct {
	least  [standingSpans]time.Duration // of each span, circular
	n      int                          // spans so far; the latest is still open
	span   int64                        // number of the latest
	sorted [standingSpans]time.Duration // scratch
	usual  time.Duration
	noise  time.Duration // mean difference between one span and the next
}

// add takes the next packet in order of arrival.
func (s *standing) add(a arrival) {
	span, delay := int64(a.at/standingSpan), a.at-a.sent
	if s.n == 0 || span != s.span {
		s.n++
		s.span = span
		*s.at(0) = delay
		s.learn()
		return
	}
	*s.at(0) = min(*s.at(0), delay)
}

// at is the least delay of a span, 0 being the latest.
func (s *standing) at(age int) *time.Duration {
	return &s.least[(s.n-1-age+standingSpans)%standingSpans]
}

// learn works out what is usual, when a span is over.
func (s *standing) learn() {
	n := min(s.n, standingSpans)
	if n > 2 {
		s.noise += ((*s.at(1) - *s.at(2)).Abs() - s.noise) / standingNoise
	}
	copy(s.sorted[:], s.least[:n])
	slices.Sort(s.sorted[:n])
	share := standingUsual
	if s.n < standingYoung {
		share = standingStart
	}
	s.usual = s.sorted[n/share]
}

// queue is the standing queue.
func (s *standing) queue() time.Duration {
	if s.n < 2 {
		return 0
	}
	return min(*s.at(0), *s.at(1)) - s.usual
}

// drain is the share of the rate to send while a long queue drains: a backoff
// alone leaves a link that dropped to a quarter with its queue for seconds.
func (s *standing) drain() float64 {
	q := s.queue() - standingMuch
	if q <= 0 {
		return 1
	}
	return max(1-q.Seconds()/standingDrain.Seconds(), standingFloor)
}
