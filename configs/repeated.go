package configs

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Repeated is a warning that may come thousands of times a second and is
// logged at most once per interval, with a count. The zero value is not
// usable; see [NewRepeated]. It is safe for concurrent use and starts no
// goroutine.
type Repeated struct {
	log   zerolog.Logger
	text  string
	every time.Duration

	mu    sync.Mutex
	count uint64    // hits since the last line
	next  time.Time // earliest moment of the next line
}

// NewRepeated returns a warning with a fixed text that is logged at most once
// per interval.
func NewRepeated(log zerolog.Logger, text string, every time.Duration) *Repeated {
	return &Repeated{log: log, text: text, every: every}
}

// Hit counts one event. The first one is logged at once; later ones are
// gathered, and the first hit after the interval logs how many there were.
func (r *Repeated) Hit() {
	now := time.Now()
	r.mu.Lock()
	r.count++
	if now.Before(r.next) {
		r.mu.Unlock()
		return
	}
	n := r.count
	r.count, r.next = 0, now.Add(r.every)
	r.mu.Unlock()
	r.log.Warn().Uint64("count", n).Msg(r.text)
}
