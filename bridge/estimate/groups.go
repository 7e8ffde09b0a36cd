package estimate

import "time"

// Rules of packet groups.
const (
	groupSpan    = 5 * time.Millisecond   // sent within this: one group
	burstSpan    = 5 * time.Millisecond   // arrived so close and with shrinking delay: one group
	burstMax     = 100 * time.Millisecond // but no longer than this
	groupReorder = 3                      // groups in the wrong order until all is forgotten
	arrivalJump  = 3 * time.Second        // the receiver's clock was set
)

// arrival is a packet that the receiver got, by both clocks.
type arrival struct {
	sent, at time.Duration // at is on the receiver's clock, of unknown origin
	size     int
	cluster  uint8
}

// group is a burst of packets that is looked at as one.
type group struct {
	firstSent, lastSent       time.Duration
	firstArrival, lastArrival time.Duration
	used                      bool
}

// groups cuts the packets into groups and compares each with the one before.
type groups struct {
	current, previous group
	disorder          int
}

// add takes the next packet in order of arrival. When that completes a group,
// it returns by how much that group left and arrived after the one before.
func (g *groups) add(a arrival) (send, arrive time.Duration, ok bool) {
	switch {
	case !g.current.used:
		g.current = newGroup(a)
		return 0, 0, false
	case a.sent < g.current.firstSent:
		return 0, 0, false // overtaken
	case !g.current.ends(a):
		g.current.lastSent = max(g.current.lastSent, a.sent)
		g.current.lastArrival = a.at
		return 0, 0, false
	}
	if g.previous.used {
		send = g.current.lastSent - g.previous.lastSent
		arrive = g.current.lastArrival - g.previous.lastArrival
		switch {
		case arrive-send > arrivalJump:
			g.reset()
		case arrive < 0:
			g.disorder++
			if g.disorder >= groupReorder {
				g.reset()
			}
			return 0, 0, false
		default:
			g.disorder = 0
			ok = true
		}
	}
	g.previous, g.current = g.current, newGroup(a)
	return send, arrive, ok
}

func (g *groups) reset() { *g = groups{} }

func newGroup(a arrival) group {
	return group{firstSent: a.sent, lastSent: a.sent, firstArrival: a.at, lastArrival: a.at, used: true}
}

// ends tells whether a packet begins the next group.
func (g *group) ends(a arrival) bool {
	gap := a.at - g.lastArrival
	if gap <= burstSpan && gap-(a.sent-g.lastSent) < 0 && a.at-g.firstArrival < burstMax {
		return false
	}
	return a.sent-g.firstSent > groupSpan
}
