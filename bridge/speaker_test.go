package bridge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// talk is a conversation in 20 ms steps. Microphones that are on but silent
// send a low, noisy level.
type talk struct {
	t        *testing.T
	s        *speakers
	now      time.Duration
	rng      *rand.Rand
	noise    map[string]uint8 // microphones that are on
	changes  int
	switched []string // dominant speakers in turn
}

func newTalk(t *testing.T, recent int) *talk {
	return &talk{t: t, s: newSpeakers(recent), now: time.Hour, rng: rand.New(rand.NewPCG(1, 2)), noise: map[string]uint8{}}
}

// run lets speakers talk at level for d; ids are separated by spaces.
func (c *talk) run(ids string, level uint8, d time.Duration) {
	talking := strings.Fields(ids)
	for end := c.now + d; c.now < end; c.now += 20 * time.Millisecond {
		for _, id := range talking {
			c.s.Level(id, level+uint8(c.rng.IntN(8)), c.now)
		}
		for id, level := range c.noise {
			if !slices.Contains(talking, id) {
				c.s.Level(id, level+uint8(c.rng.IntN(4)), c.now)
			}
		}
		if c.s.Tick(c.now) {
			c.changes++
			if d := c.s.Dominant(); len(c.switched) == 0 || c.switched[len(c.switched)-1] != d {
				c.switched = append(c.switched, d)
			}
		}
	}
}

func (c *talk) expect(dominant, recent, order string) {
	c.t.Helper()
	got := fmt.Sprintf("%s|%s|%s", c.s.Dominant(), strings.Join(c.s.Recent(), " "), strings.Join(c.s.Order(), " "))
	if want := dominant + "|" + recent + "|" + order; got != want {
		c.t.Errorf("after %v: got %s, want %s", c.now-time.Hour, got, want)
	}
}

func TestSpeakersTakeTurns(t *testing.T) {
	c := newTalk(t, 2)
	c.expect("", "", "")
	c.run("a", 100, 2*time.Second)
	c.expect("a", "", "a")
	c.run("b", 100, 3*time.Second)
	c.expect("b", "a", "b a")
	c.run("c", 100, 3*time.Second)
	c.expect("c", "b a", "c b a")
	c.run("d", 100, 3*time.Second)
	c.expect("d", "c b", "d c b a")
	c.run("b", 100, 3*time.Second)
	c.expect("b", "d c", "b d c a")
	if c.changes != 5 {
		t.Errorf("%d changes, want 5", c.changes)
	}
}

func TestSpeakersStartWithTheLoudest(t *testing.T) {
	c := newTalk(t, 10)
	c.s.Tick(c.now)
	for id, level := range map[string]uint8{"low": 60, "loud": 110, "middle": 90} {
		for i := range 10 {
			c.s.Level(id, level, c.now+time.Duration(i)*20*time.Millisecond)
		}
	}
	if !c.s.Tick(c.now + decisionInterval) {
		t.Error("no change")
	}
	if got := c.s.Dominant(); got != "loud" {
		t.Errorf("dominant is %q", got)
	}
}

func TestSpeakersNobodySpeaks(t *testing.T) {
	c := newTalk(t, 10)
	c.run("a b", 0, 100*time.Millisecond)
	for range 100 {
		c.now += 20 * time.Millisecond
		c.s.Level("a", 0, c.now)
		c.s.Level("b", 3, c.now)
		c.s.Tick(c.now)
	}
	if got := c.s.Dominant(); got != "" {
		t.Errorf("dominant is %q", got)
	}
}

func TestSpeakersShortNoises(t *testing.T) {
	c := newTalk(t, 10)
	c.noise = map[string]uint8{"a": 30, "b": 30, "c": 50}
	c.run("a", 100, 5*time.Second)
	for range 20 { // b coughs or says "mhm" while a speaks
		c.run("a b", 105, 60*time.Millisecond)
		c.run("a", 100, 700*time.Millisecond)
	}
	for range 20 { // b knocks on the table in a's short pauses
		c.run("b", 120, 40*time.Millisecond)
		c.run("", 0, 80*time.Millisecond)
		c.run("a", 100, 900*time.Millisecond)
	}
	if !slices.Equal(c.switched, []string{"a"}) {
		t.Errorf("dominant speakers in turn: %q", c.switched)
	}
}

func TestSpeakersSteadyNoiseSinks(t *testing.T) {
	// A vacuum cleaner is as loud as speech, but steady: after a window the
	// floor rises to it.
	c := newTalk(t, 10)
	c.noise = map[string]uint8{"vacuum": 85}
	c.run("", 0, 31*time.Second)
	c.expect("vacuum", "", "vacuum")
	c.run("a", 100, 2*time.Second)
	c.expect("a", "vacuum", "a vacuum")
	c.run("", 0, 10*time.Second)
	c.expect("a", "vacuum", "a vacuum")
}

func TestSpeakersJitterIsNotSilence(t *testing.T) {
	c := newTalk(t, 10)
	c.run("a", 100, 3*time.Second)
	// b's packets come in threes, every 60 ms.
	for range 50 {
		c.now += 60 * time.Millisecond
		for range 3 {
			c.s.Level("b", 100, c.now)
		}
		c.s.Tick(c.now)
	}
	c.expect("b", "a", "b a")
}

func TestSpeakersLeave(t *testing.T) {
	c := newTalk(t, 10)
	c.run("a", 100, time.Second)
	c.run("b", 100, 3*time.Second)
	c.run("c", 100, 3*time.Second)
	c.s.Remove("b")
	if !c.s.Tick(c.now) {
		t.Error("leaving of a recent speaker is not a change")
	}
	c.expect("c", "a", "c a")
	c.s.Remove("nobody")
	c.s.Remove("c")
	c.expect("", "a", "a")
	if !c.s.Tick(c.now) {
		t.Error("leaving of the dominant speaker is not a change")
	}
	c.run("d", 100, time.Second)
	c.expect("d", "a", "d a")
}

func TestSpeakersIdle(t *testing.T) {
	c := newTalk(t, 10)
	c.run("a", 100, time.Second)
	c.run("b", 100, 3*time.Second)
	c.s.Level("c", 10, c.now)
	c.now += speakerTimeout
	if c.s.Tick(c.now) {
		t.Error("change although nobody sent a level for 15 s")
	}
	c.expect("b", "a", "b a c")
	c.s.Level("d", 100, c.now)
	c.now += decisionInterval
	c.s.Tick(c.now)
	c.expect("b", "", "b d")
}

func TestSpeakersSilence(t *testing.T) {
	c := newTalk(t, 10)
	c.s.silence = 3 * time.Second
	c.noise = map[string]uint8{"a": 20, "b": 40}
	c.run("a", 100, 2*time.Second)
	c.run("", 0, 2800*time.Millisecond)
	if c.s.Silent() {
		t.Error("silent too early")
	}
	before := c.changes
	c.run("", 0, 600*time.Millisecond)
	if !c.s.Silent() || c.changes != before+1 {
		t.Errorf("silent: %v, %d changes", c.s.Silent(), c.changes-before)
	}
	c.run("a", 100, 400*time.Millisecond)
	if c.s.Silent() || c.changes != before+2 {
		t.Errorf("silent: %v, %d changes", c.s.Silent(), c.changes-before)
	}
}

func TestSpeakersAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("copies the table often")
	}
	s := newSpeakers(10)
	for i := range maxSpeakers + 10 {
		s.Level(fmt.Sprint(i), 100, time.Second)
	}
	if got := len(s.Order()); got != maxSpeakers {
		t.Errorf("%d speakers", got)
	}
}

func TestSpeakerScores(t *testing.T) {
	s := newSpeakers(0)
	for name, scores := range map[string][]float64{"immediate": s.immediate[:], "medium": s.medium[:], "long": s.long[:]} {
		if quietest := slices.Min(scores[1:]); quietest < scores[0] {
			t.Errorf("%s score of activity is below that of silence: %v", name, scores)
		}
		if got, want := fmt.Sprintf("%.3f", scores[0]), "-23.026"; got != want {
			t.Errorf("%s score of silence is %s, want %s", name, got, want)
		}
	}
	// ln(5*ln(0.5) - ln(24) + 5*24 + ln(C(5,5)))
	if got, want := fmt.Sprintf("%.4f", s.medium[5]), "4.7305"; got != want {
		t.Errorf("score of a full medium is %s, want %s", got, want)
	}
}

func TestSpeakersConcurrent(t *testing.T) {
	s := newSpeakers(3)
	var readers sync.WaitGroup
	for r := range 4 {
		readers.Go(func() {
			for i := range 2000 {
				s.Level(fmt.Sprint((i+r)%10), uint8(i), time.Duration(i)*time.Millisecond)
			}
		})
	}
	for i := range 200 {
		s.Tick(time.Duration(i) * 10 * time.Millisecond)
		s.Remove(fmt.Sprint(i % 10))
		_, _, _, _ = s.Dominant(), s.Recent(), s.Order(), s.Silent()
	}
	readers.Wait()
}

func TestSpeakersLevelDoesNotAllocate(t *testing.T) {
	s := newSpeakers(10)
	now := time.Second
	s.Level("a", 100, now)
	if n := testing.AllocsPerRun(1000, func() {
		now += 20 * time.Millisecond
		s.Level("a", 100, now)
	}); n != 0 {
		t.Errorf("%v allocations per level", n)
	}
}

func BenchmarkSpeakersLevel(b *testing.B) {
	s := newSpeakers(10)
	for i := range 100 {
		s.Level(fmt.Sprint(i), 50, 0)
	}
	var now time.Duration
	b.ReportAllocs()
	for b.Loop() {
		now += 20 * time.Millisecond
		s.Level("50", 80, now)
	}
}

func BenchmarkSpeakersTick500(b *testing.B) {
	s := newSpeakers(10)
	var now time.Duration
	for i := range 500 {
		s.Level(fmt.Sprint(i), 50, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		now += decisionInterval
		s.Level("50", 80, now)
		s.Tick(now)
	}
}
