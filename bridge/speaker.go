package bridge

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Constants of the dominant speaker identification by Volfinson and Cohen
// ("Dominant speaker identification for multipoint videoconferencing", 2012),
// with the parameters that the Jitsi Videobridge uses, so that bridges joined
// in one conference come to the same opinion.
const (
	levelStep       = 10 // levels per immediate step
	immediateSteps  = 13 // N1: an immediate is level/levelStep
	mediumSize      = 5  // N2: immediates in a medium
	longSize        = 10 // N3: mediums in a long
	levelHistory    = mediumSize * longSize
	mediumThreshold = 7 // immediates above it count in a medium
	longThreshold   = 4 // mediums above it count in a long

	immediateLambda = 0.78
	mediumLambda    = 24
	longLambda      = 47
	minimumScore    = 1e-10

	// What a challenger needs, as the logarithm of its score over the
	// dominant speaker's.
	immediateLead = 3
	mediumLead    = 2
	longLead      = 0

	floorWindow = 750 // levels (15 s of packets) after which the noise floor moves

	decisionInterval = 300 * time.Millisecond
	idleFill         = 40 * time.Millisecond // one zero for each, once a speaker is idle
	decisionTimeout  = 15 * time.Second      // no level from anybody: nothing is decided
	speakerTimeout   = time.Hour             // an idle speaker is forgotten

	maxSpeakers = 4096 // levels of further endpoints are ignored
)

// speakers finds the dominant speaker of a conference and keeps the order in
// which its endpoints spoke.
//
// Level is called on the packet path. It finds its speaker in an immutable
// table behind an atomic pointer and takes that speaker's own small mutex,
// which nobody but another packet of the same endpoint and the decision
// contend for; it allocates only for the first level of an endpoint. All other
// methods are control work under one mutex. Lock order: speakers.mu, then
// speaker.mu; both are leaves towards the rest of the bridge.
type speakers struct {
	// Set once.
	recent    int           // length of the list after the dominant speaker
	silence   time.Duration // quiet time until Silent, 0: never
	immediate [immediateSteps + 1]float64
	medium    [mediumSize + 1]float64
	long      [longSize + 1]float64

	// Written under mu, read by anyone.
	table atomic.Pointer[speakerTable]

	// Guarded by mu.
	mu       sync.Mutex
	dominant *speaker
	spoken   []*speaker // once dominant, the latest first
	decided  time.Duration
	silent   bool
	changed  bool // something that Tick has not reported yet
}

// speakerTable is immutable.
type speakerTable struct {
	byID map[string]*speaker
	list []*speaker // in the order in which they were first heard
}

// newSpeakers lists at most recent speakers after the dominant one.
func newSpeakers(recent int) *speakers {
	s := &speakers{recent: recent}
	fillScores(s.immediate[:], immediateLambda)
	fillScores(s.medium[:], mediumLambda)
	fillScores(s.long[:], longLambda)
	s.table.Store(&speakerTable{byID: map[string]*speaker{}})
	return s
}

// fillScores writes the logarithm of the speech activity score of v active
// units out of n to scores[v], where n+1 is the length of scores.
func fillScores(scores []float64, lambda float64) {
	n := len(scores) - 1
	binomial := 1.0
	for v := range scores {
		// p and 1-p are both one half.
		score := math.Log(binomial) + float64(n)*math.Log(0.5) - math.Log(lambda) + lambda*float64(v)
		scores[v] = math.Log(max(score, minimumScore))
		binomial = binomial * float64(n-v) / float64(v+1)
	}
}

// Level takes the audio level of one packet of an endpoint, 127 the loudest.
func (s *speakers) Level(id string, level uint8, now time.Duration) {
	sp := s.table.Load().byID[id]
	if sp == nil {
		if sp = s.add(id, now); sp == nil {
			return
		}
	}
	sp.push(min(level, 127), now)
}

func (s *speakers) add(id string, now time.Duration) *speaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table.Load()
	if sp := t.byID[id]; sp != nil || len(t.list) >= maxSpeakers {
		return sp
	}
	sp := &speaker{id: id, last: now, filled: now, loud: now}
	s.publish(append(slices.Clone(t.list), sp))
	return sp
}

// publish makes list the table; the caller holds mu and gives list away.
func (s *speakers) publish(list []*speaker) {
	byID := make(map[string]*speaker, len(list))
	for _, sp := range list {
		byID[sp.id] = sp
	}
	s.table.Store(&speakerTable{byID: byID, list: list})
}

// Remove forgets an endpoint. No level of it should follow.
func (s *speakers) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(func(sp *speaker) bool { return sp.id == id })
}

func (s *speakers) remove(gone func(*speaker) bool) {
	t := s.table.Load()
	if !slices.ContainsFunc(t.list, gone) {
		return
	}
	s.publish(slices.DeleteFunc(slices.Clone(t.list), gone))
	if i := slices.IndexFunc(s.spoken, gone); i >= 0 && i <= s.recent {
		s.changed = true
	}
	s.spoken = slices.DeleteFunc(s.spoken, gone)
	if s.dominant != nil && gone(s.dominant) {
		s.dominant = nil
	}
}

// Tick decides anew when a decision is due and reports whether the dominant
// speaker, the recent speakers or silence changed since the last call. It may
// be called as often as convenient; every 300 ms is enough.
func (s *speakers) Tick(now time.Duration) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now-s.decided >= decisionInterval {
		s.decided = now
		s.decide(now)
	}
	changed, s.changed = s.changed, false
	return changed
}

func (s *speakers) decide(now time.Duration) {
	list := s.table.Load().list
	if len(list) == 0 {
		return
	}
	heard, loud, idle := time.Duration(math.MinInt64), time.Duration(math.MinInt64), false
	for _, sp := range list {
		sp.evaluate(s, now)
		heard, loud = max(heard, sp.seen), max(loud, sp.heardLoud)
		idle = idle || now-sp.seen >= speakerTimeout
	}
	if silent := s.silence > 0 && now-loud >= s.silence; silent != s.silent {
		s.silent, s.changed = silent, true
	}
	if now-heard >= decisionTimeout {
		return
	}
	if idle {
		// The dominant speaker stays until another one takes over.
		s.remove(func(sp *speaker) bool { return now-sp.seen >= speakerTimeout && sp != s.dominant })
		list = s.table.Load().list
	}
	if next := s.choose(list); next != nil {
		s.dominant, s.changed = next, true
		s.spoken = slices.DeleteFunc(s.spoken, func(sp *speaker) bool { return sp == next })
		s.spoken = slices.Insert(s.spoken, 0, next)
	}
}

// choose returns the speaker who takes over, or nil. At the start, and after
// the dominant speaker left, that is the loudest.
func (s *speakers) choose(list []*speaker) *speaker {
	var next *speaker
	if s.dominant == nil {
		loudest := 0
		for _, sp := range list {
			if sp.sum > loudest {
				next, loudest = sp, sp.sum
			}
		}
		return next
	}
	d := s.dominant.scores
	for _, sp := range list {
		c := sp.scores
		if sp == s.dominant || c[0]-d[0] <= immediateLead || c[1]-d[1] <= mediumLead || c[2]-d[2] <= longLead {
			continue
		}
		if next == nil || c[1] > next.scores[1] || c[1] == next.scores[1] && c[2] > next.scores[2] {
			next = sp
		}
	}
	return next
}

// Dominant returns the dominant speaker, or "".
func (s *speakers) Dominant() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dominant == nil {
		return ""
	}
	return s.dominant.id
}

// Silent says that nobody has spoken for the configured time.
func (s *speakers) Silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

// Recent returns the speakers before the dominant one, the latest first.
func (s *speakers) Recent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, min(s.recent, len(s.spoken)))
	for _, sp := range s.spoken {
		if sp != s.dominant && len(ids) < s.recent {
			ids = append(ids, sp.id)
		}
	}
	return ids
}

// Order returns all endpoints that were heard: those who were dominant first,
// the latest before the others, then the rest in the order they were first heard.
func (s *speakers) Order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.table.Load().list
	ids := make([]string, 0, len(list))
	done := make(map[*speaker]bool, len(s.spoken))
	for _, sp := range s.spoken {
		ids = append(ids, sp.id)
		done[sp] = true
	}
	for _, sp := range list {
		if !done[sp] {
			ids = append(ids, sp.id)
		}
	}
	return ids
}
