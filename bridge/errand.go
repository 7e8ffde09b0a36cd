package bridge

import (
	"sync/atomic"
	"time"
)

// errand is control work of a conference that many events ask for and one run
// settles. Participants can cause such events as often as they like, and in a
// large conference a run takes tens of milliseconds. So at most one run waits
// in the queue, and after each there is a rest that leaves most of a processor
// to others.
//
// want is for everybody, due for the clock, run for the conference's queue.
type errand struct {
	wanted  atomic.Bool
	waiting atomic.Bool  // in the queue or running
	rest    atomic.Int64 // the next run is not before
}

// restFactor is how many times as long as a run the rest after it is.
const restFactor = 3

// want asks for a run that begins after this call.
func (r *errand) want() { r.wanted.Store(true) }

// due tells whether to queue a run now, and takes it for queued.
func (r *errand) due(now time.Duration) bool {
	if !r.wanted.Load() || r.waiting.Load() || now < time.Duration(r.rest.Load()) {
		return false
	}
	r.waiting.Store(true)
	return true
}

func (r *errand) run(f func(), clock func() time.Duration) {
	defer r.waiting.Store(false) // after a panic, too
	r.wanted.Store(false)
	began := clock()
	f()
	now := clock()
	r.rest.Store(int64(now + restFactor*(now-began)))
}
