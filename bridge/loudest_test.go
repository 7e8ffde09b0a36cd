package bridge

import (
	"fmt"
	"testing"
	"time"

	"steg/configs"
)

func loudestMedia() configs.Media {
	return configs.Media{
		LoudestOnly: true, NumLoudest: 3, AlwaysRouteDominant: true,
		EnergyExpire: 150 * time.Millisecond, EnergyAlpha: 50,
	}
}

// rounds lets all endpoints send n packets each, 20 ms apart, and returns who
// passed with the last one.
func rounds(l *loudest, now *time.Duration, n int, levels map[string]uint8) string {
	var passed string
	for range n {
		*now += 20 * time.Millisecond
		passed = ""
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			if level, sends := levels[id]; sends && l.Ranked(id, level, *now) {
				passed += id
			}
		}
	}
	return passed
}

// loudestCase is a conference before, a change, and who passes after it.
type loudestCase struct {
	name   string
	media  func(*configs.Media)
	before map[string]uint8
	change func(*loudest)
	levels map[string]uint8
	rounds int
	want   string
}

func loudestCases() []loudestCase {
	dominant := func(id string) func(*loudest) { return func(l *loudest) { l.SetDominant(id) } }
	return []loudestCase{
		{
			name:   "off",
			media:  func(m *configs.Media) { m.LoudestOnly = false },
			levels: map[string]uint8{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, rounds: 1, want: "abcde",
		},
		{
			name:   "few endpoints all pass",
			levels: map[string]uint8{"a": 0, "b": 0, "c": 0}, rounds: 5, want: "abc",
		},
		{
			name:   "the three loudest pass",
			levels: map[string]uint8{"a": 10, "b": 100, "c": 50, "d": 90, "e": 20}, rounds: 5, want: "bcd",
		},
		{
			name:   "equally loud ones do not push others out",
			levels: map[string]uint8{"a": 50, "b": 50, "c": 50, "d": 50, "e": 50}, rounds: 5, want: "abc",
		},
		{
			name:   "one packet of noise is smoothed",
			before: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 0},
			levels: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 127}, rounds: 1, want: "abc",
		},
		{
			name:   "a new voice gets its place",
			before: map[string]uint8{"a": 100, "b": 80, "c": 100, "d": 0},
			levels: map[string]uint8{"a": 100, "b": 80, "c": 100, "d": 110}, rounds: 5, want: "acd",
		},
		{
			name:   "who stops sending expires",
			before: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 20},
			levels: map[string]uint8{"a": 100, "b": 100, "d": 20}, rounds: 8, want: "abd",
		},
		{
			name:   "but not at once",
			before: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 20},
			levels: map[string]uint8{"a": 100, "b": 100, "d": 20}, rounds: 7, want: "ab",
		},
		{
			name:   "the dominant speaker passes in addition",
			before: map[string]uint8{"a": 100, "b": 100, "c": 100}, change: dominant("e"),
			levels: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 20, "e": 5}, rounds: 3, want: "abce",
		},
		{
			name:   "unless configured otherwise",
			media:  func(m *configs.Media) { m.AlwaysRouteDominant = false },
			before: map[string]uint8{"a": 100, "b": 100, "c": 100}, change: dominant("e"),
			levels: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 20, "e": 5}, rounds: 3, want: "abc",
		},
		{
			name:   "who leaves makes room at once",
			before: map[string]uint8{"a": 100, "b": 100, "c": 100, "d": 20},
			change: func(l *loudest) { l.Remove("c") },
			levels: map[string]uint8{"a": 100, "b": 100, "d": 20}, rounds: 1, want: "abd",
		},
		{
			name:   "none but the dominant speaker",
			media:  func(m *configs.Media) { m.NumLoudest = 0 },
			change: dominant("b"),
			levels: map[string]uint8{"a": 100, "b": 100}, rounds: 1, want: "b",
		},
	}
}

func TestLoudest(t *testing.T) {
	for _, tt := range loudestCases() {
		t.Run(tt.name, func(t *testing.T) {
			m := loudestMedia()
			if tt.media != nil {
				tt.media(&m)
			}
			l, now := newLoudest(m), time.Minute
			rounds(l, &now, 10, tt.before)
			if tt.change != nil {
				tt.change(l)
			}
			got := rounds(l, &now, tt.rounds, tt.levels)
			if got != tt.want {
				t.Errorf("%q passed, want %q", got, tt.want)
			}
			for id := range tt.levels {
				if m.LoudestOnly && l.Passes(id, now) && !l.Ranked(id, tt.levels[id], now) {
					t.Errorf("Passes and Ranked differ for %s", id)
				}
			}
		})
	}
}

func TestLoudestIsBounded(t *testing.T) {
	l := newLoudest(loudestMedia())
	for i := range 3 * loudestMemory {
		l.Ranked(fmt.Sprint(i), 50, time.Second+time.Duration(i)*time.Microsecond)
	}
	if n := len(l.energies); n > loudestMemory {
		t.Errorf("%d endpoints remembered", n)
	}
	if !l.Ranked("late", 100, time.Minute) {
		t.Error("no place for a new endpoint after the others expired")
	}
	if n := len(l.energies); n > 1 {
		t.Errorf("%d endpoints remembered after they expired", n)
	}
}

func TestLoudestDoesNotAllocate(t *testing.T) {
	l, now := newLoudest(loudestMedia()), time.Second
	ids := []string{"a", "b", "c", "d", "e"}
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		now += 7 * time.Millisecond
		i++
		l.Ranked(ids[i%len(ids)], uint8(i), now)
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

func BenchmarkLoudest(b *testing.B) {
	l, now, ids := newLoudest(loudestMedia()), time.Second, make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
		l.Ranked(ids[i], 0, now)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		now += 200 * time.Microsecond
		i++
		l.Ranked(ids[i%len(ids)], uint8(i%50), now)
	}
}
