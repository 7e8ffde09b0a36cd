package bridge

import (
	"slices"
	"sync"
	"time"

	"steg/configs"
)

// loudestMemory bounds how many endpoints the rule remembers.
const loudestMemory = 4096

// loudest is the rule that only the audio of the loudest endpoints is
// forwarded. It is off unless configured, and then lets everything pass.
//
// Ranked is called on the packet path for each audio packet of any endpoint:
// it takes a leaf mutex for about 100 ns, its cost does not grow
// with the conference, and it allocates only for the first packet of an
// endpoint.
type loudest struct {
	// Set once.
	on             bool
	alwaysDominant bool
	alpha          int // percent of the new level in the energy
	expire         time.Duration

	// Guarded by mu.
	mu       sync.Mutex
	dominant string
	energies map[string]energy
	top      []string // the loudest, in no order; its capacity is their number
}

// energy is the smoothed level of an endpoint.
type energy struct {
	value int
	at    time.Duration
}

func newLoudest(m configs.Media) *loudest {
	return &loudest{
		on:             m.LoudestOnly,
		alwaysDominant: m.AlwaysRouteDominant,
		alpha:          min(max(m.EnergyAlpha, 0), 100),
		expire:         m.EnergyExpire,
		energies:       map[string]energy{},
		top:            make([]string, 0, max(m.NumLoudest, 0)),
	}
}

// Ranked takes the level (127 the loudest) of a packet of an endpoint and says
// whether that packet may pass.
func (l *loudest) Ranked(id string, level uint8, now time.Duration) bool {
	if !l.on {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.energies[id]
	if !known && len(l.energies) >= loudestMemory {
		l.sweep(now)
	}
	if now-e.at >= l.expire {
		e.value = 0
	}
	e.value = (l.alpha*int(level) + (100-l.alpha)*e.value + 50) / 100
	e.at = max(e.at, now)
	if known || len(l.energies) < loudestMemory {
		l.energies[id] = e
	}
	return l.rank(id, e.value, now) || l.alwaysDominant && id == l.dominant
}

// rank puts the endpoint among the loudest if it belongs there. An equally
// loud one does not push another one out.
func (l *loudest) rank(id string, value int, now time.Duration) bool {
	weakest, least := -1, value
	for i := 0; i < len(l.top); i++ {
		if l.top[i] == id {
			return true
		}
		e := l.energies[l.top[i]]
		if now-e.at >= l.expire {
			last := len(l.top) - 1
			l.top[i] = l.top[last]
			l.top = l.top[:last]
			i--
			continue
		}
		if e.value < least {
			weakest, least = i, e.value
		}
	}
	switch {
	case len(l.top) < cap(l.top):
		l.top = append(l.top, id)
	case weakest >= 0:
		l.top[weakest] = id
	default:
		return false
	}
	return true
}

// sweep drops endpoints that have expired.
func (l *loudest) sweep(now time.Duration) {
	for id, e := range l.energies {
		if now-e.at >= l.expire {
			delete(l.energies, id)
		}
	}
}

// SetDominant tells the rule the dominant speaker, who always passes if so
// configured; "" is nobody.
func (l *loudest) SetDominant(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dominant = id
}

// Remove forgets an endpoint.
func (l *loudest) Remove(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.energies, id) // its place among the loudest expires at once with that
	if l.dominant == id {
		l.dominant = ""
	}
}

// Passes says, without a packet, whether the endpoint is among those who pass.
func (l *loudest) Passes(id string, now time.Duration) bool {
	if !l.on {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.alwaysDominant && id == l.dominant {
		return true
	}
	return slices.Contains(l.top, id) && now-l.energies[id].at < l.expire
}
