package estimate

import "time"

// Rules for a receiver that is not heard of.
const (
	silenceRTT   = 3 * time.Second // a round trip beyond this means that the path is broken or full
	silenceStep  = time.Second
	silencePause = time.Second // without media
	silenceDrop  = 0.8
	silenceFloor = 5000 // bit/s
)

// silence lowers the estimate while feedback is very late or missing.
type silence struct {
	any      bool
	lastSent time.Duration
	feedback time.Duration // when the latest came; the first packet counts as one
	rtt      time.Duration
	capped   float64       // bit/s, 0: not
	lowered  time.Duration // when it was last lowered
}

func (s *silence) sent(now time.Duration) {
	if !s.any {
		s.any, s.feedback = true, now
	}
	if now-s.lastSent > silencePause {
		s.feedback = max(s.feedback, now) // nothing was sent, so nothing could be heard
	}
	s.lastSent = now
}

// heard ends the silence. It returns the limit that was in force, 0 for none.
func (s *silence) heard(rtt, now time.Duration) (capped float64) {
	s.rtt, s.feedback = rtt, now
	if rtt <= silenceRTT {
		capped, s.capped = s.capped, 0
	}
	return capped
}

// tick lowers the limit where it is time to; it reports whether it did.
func (s *silence) tick(estimate float64, now time.Duration) bool {
	waiting := max(s.lastSent-s.feedback, 0) // without media there is nothing to hear of
	if s.rtt+waiting <= silenceRTT || now-s.lowered < silenceStep || s.lastSent < s.lowered {
		return false
	}
	s.lowered = now
	s.capped = max(silenceDrop*estimate, silenceFloor)
	return true
}

// limit is the present limit, 0 for none.
func (s *silence) limit() float64 { return s.capped }

// clock makes the receiver's time run on where it wraps.
type clock struct {
	newest  time.Duration
	started bool
}

// clockPeriod is where the time of feedback wraps: 2^24 times 64 ms.
const clockPeriod = 1 << 24 * 64 * time.Millisecond

// unwrap returns the time nearest to the newest so far.
func (c *clock) unwrap(at time.Duration) time.Duration {
	if !c.started {
		c.started, c.newest = true, at
		return at
	}
	off := (at - c.newest) % clockPeriod
	switch {
	case off > clockPeriod/2:
		off -= clockPeriod
	case off < -clockPeriod/2:
		off += clockPeriod
	}
	at = c.newest + off
	c.newest = max(c.newest, at)
	return at
}
