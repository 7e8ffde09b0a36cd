package bridge

import (
	"testing"
	"time"
)

func TestErrandRests(t *testing.T) {
	var r errand
	now, runs := time.Second, 0
	run := func(takes time.Duration) {
		r.run(func() { runs++; now += takes }, func() time.Duration { return now })
	}
	if r.due(now) {
		t.Error("due though nobody wants it")
	}
	for range 100 {
		r.want()
	}
	if !r.due(now) || r.due(now) {
		t.Error("a run is not queued exactly once")
	}
	run(10 * time.Millisecond)
	r.want()
	if r.due(now + 29*time.Millisecond) {
		t.Error("it does not rest")
	}
	now += 30 * time.Millisecond
	if !r.due(now) {
		t.Error("it rests for too long")
	}
	run(0)
	if r.due(now + time.Hour) {
		t.Error("one run does not settle it")
	}
}

func TestErrandSurvivesPanic(t *testing.T) {
	var r errand
	clock := func() time.Duration { return 0 }
	r.want()
	r.due(0)
	func() {
		defer func() { _ = recover() }()
		r.run(func() { panic("broken") }, clock)
	}()
	if r.want(); !r.due(0) {
		t.Error("it never runs again")
	}
}

// TestErrandWantedMeanwhile has a run wanted while one runs: what that one has
// read may be old.
func TestErrandWantedMeanwhile(t *testing.T) {
	var r errand
	r.want()
	r.due(0)
	r.run(r.want, func() time.Duration { return 0 })
	if !r.due(0) {
		t.Error("forgotten")
	}
}
