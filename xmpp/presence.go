package xmpp

import (
	"time"

	"steg/colibri"
)

const (
	defaultInterval = 5 * time.Second
	// lostAfter is how long a room may fail to reflect our presence before
	// we join again; at least four presences.
	lostAfter = time.Minute
)

// interval is the time between two presences. The focus takes them for a
// heartbeat.
func (a *account) interval() time.Duration {
	if d := a.client.cfg.PresenceInterval; d > 0 {
		return d
	}
	return defaultInterval
}

// statistics returns the presence extension, filtered.
func (c *Client) statistics() string {
	var list colibri.Stats
	for _, st := range c.status.Statistics() {
		if c.publish == nil || c.publish[st.Name] {
			list = append(list, st)
		}
	}
	return string(colibri.Marshal(list))
}

// sendPresence publishes the statistics in all rooms that the bridge is in,
// and joins again where it does not hear its own presence any more.
func (s *session) sendPresence() {
	var in []string
	var silent []*room
	s.mu.Lock()
	for _, r := range s.rooms {
		switch {
		case r.state != roomIn:
		case time.Since(r.echo) > max(lostAfter, 4*s.account.interval()):
			silent = append(silent, r)
		default:
			in = append(in, r.occupant)
		}
	}
	s.mu.Unlock()
	for _, r := range silent {
		s.account.warn.say("the brewery does not show this bridge any more, joining again", "")
		s.join(r)
	}
	if len(in) == 0 {
		return
	}
	statistics := s.account.client.statistics()
	for _, occupant := range in {
		var t text
		t.open("presence", "to", occupant)
		t.WriteString(statistics)
		t.close("presence")
		s.send(t.String())
	}
}
