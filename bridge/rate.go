package bridge

import "time"

// rate is a token bucket for the messages that an endpoint may send over its
// bridge channel: so many a second and so many bytes a second, with a burst of
// each. The caller serialises Allow.
type rate struct {
	// Set once.
	perSecond, burst           float64
	bytesPerSecond, bytesBurst float64

	messages, bytes float64 // left in the bucket
	at              time.Duration
	started         bool
}

// newRate allows perSecond messages and bytesPerSecond bytes, and at once what
// this allows in the time of burst.
func newRate(perSecond, bytesPerSecond int, burst time.Duration) *rate {
	return &rate{
		perSecond: float64(perSecond), burst: float64(perSecond) * burst.Seconds(),
		bytesPerSecond: float64(bytesPerSecond), bytesBurst: float64(bytesPerSecond) * burst.Seconds(),
	}
}

// Allow says whether a message of size bytes may pass, and if so counts it.
func (r *rate) Allow(size int, now time.Duration) bool { return r.AllowCopies(1, size, now) }

// AllowCopies says whether copies of a message of size bytes may pass, all or
// none.
func (r *rate) AllowCopies(copies, size int, now time.Duration) bool {
	if !r.started {
		r.messages, r.bytes, r.at, r.started = r.burst, r.bytesBurst, now, true
	}
	if passed := now - r.at; passed > 0 {
		r.messages = min(r.burst, r.messages+r.perSecond*passed.Seconds())
		r.bytes = min(r.bytesBurst, r.bytes+r.bytesPerSecond*passed.Seconds())
		r.at = now
	}
	messages, bytes := float64(copies), float64(copies)*float64(size)
	if r.messages < messages || r.bytes < bytes {
		return false
	}
	r.messages -= messages
	r.bytes -= bytes
	return true
}
