package bridge

import (
	"math"
	"sync"
	"time"
)

// speaker is the recent loudness of one endpoint.
type speaker struct {
	// Set once.
	id string

	// Guarded by mu.
	mu     sync.Mutex
	levels [levelHistory]uint8 // ring; the newest stands before next
	next   int
	last   time.Duration // of the last level that came
	filled time.Duration // up to where the ring accounts for time
	loud   time.Duration // of the last level that sounded like speech
	floor  uint8         // adaptive noise floor, 0: not known yet
	low    uint8         // quietest level of the present window, 0: none yet
	window int           // levels in the present window

	// Guarded by the mutex of speakers: the outcome of the last evaluation.
	scores    [3]float64 // logarithms: immediate, medium, long
	sum       int        // of all immediates
	seen      time.Duration
	heardLoud time.Duration
}

// push adds the level of a packet.
func (sp *speaker) push(level uint8, now time.Duration) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.fillIdle(now)
	sp.put(level)
	// Readers deliver packets of one endpoint in almost the right order.
	sp.last = max(sp.last, now)
	sp.filled = sp.last
	if sp.immediate(level) > mediumThreshold {
		sp.loud = sp.last
	}
	if level > 0 {
		sp.adapt(level)
	}
}

// fillIdle adds zeros for a pause. The first 40 ms are left to jitter.
func (sp *speaker) fillIdle(now time.Duration) {
	n := int64((now-sp.filled)/idleFill) - 1
	if n <= 0 {
		return
	}
	sp.filled += time.Duration(n) * idleFill
	for range min(n, levelHistory) {
		sp.put(0)
	}
}

func (sp *speaker) put(level uint8) {
	sp.levels[sp.next] = level
	if sp.next++; sp.next == len(sp.levels) {
		sp.next = 0
	}
}

// adapt moves the noise floor at the end of a window: to the window's quietest
// level at first, later to the geometric mean of that and the floor so far.
func (sp *speaker) adapt(level uint8) {
	if sp.low == 0 || level < sp.low {
		sp.low = level
	}
	if sp.window++; sp.window < floorWindow {
		return
	}
	if sp.floor == 0 {
		sp.floor = sp.low
	} else {
		sp.floor = uint8(math.Sqrt(float64(sp.floor) * float64(sp.low)))
	}
	sp.low, sp.window = 0, 0
}

// immediate maps a level to its step; what does not stand out of the noise is 0.
func (sp *speaker) immediate(level uint8) int {
	if int(level) < int(sp.floor)+levelStep {
		return 0
	}
	return int(level) / levelStep
}

// evaluate computes the scores; the caller holds the mutex of s.
func (sp *speaker) evaluate(s *speakers, now time.Duration) {
	sp.mu.Lock()
	sp.fillIdle(now)
	sum, newest, medium, long := 0, 0, 0, 0
	i := sp.next // walked backwards: the newest level first
	for group := range longSize {
		active := 0
		for unit := range mediumSize {
			if i--; i < 0 {
				i = len(sp.levels) - 1
			}
			v := sp.immediate(sp.levels[i])
			sum += v
			if v > mediumThreshold {
				active++
			}
			if group == 0 && unit == 0 {
				newest = v
			}
		}
		if group == 0 {
			medium = active
		}
		if active > longThreshold {
			long++
		}
	}
	sp.seen, sp.heardLoud = sp.last, sp.loud
	sp.mu.Unlock()
	sp.sum = sum
	sp.scores = [3]float64{s.immediate[newest], s.medium[medium], s.long[long]}
}
