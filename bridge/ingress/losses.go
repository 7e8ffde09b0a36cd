package ingress

import "time"

// When and how often a missing packet is asked for.
const (
	reorderGrace   = 20 * time.Millisecond
	reorderPackets = 3 // this many later ones end the grace early
	maxTries       = 10
	maxMissing     = 1000
	minGapLimit    = 100
	minRepeat      = 50 * time.Millisecond
	defaultRepeat  = 150 * time.Millisecond
	maxRepeat      = time.Second
)

// losses knows the missing packets of one stream and when each is to be asked
// for. Every number has its own timer, so that a new loss does not use up the
// tries of older ones.
type losses struct {
	list    []missing // ascending
	newest  uint64
	started bool
	next    time.Duration // no request is due before this; 0: none at all
}

type missing struct {
	seq   uint64
	due   time.Duration
	tries uint8
}

// arrived notes packet seq. A gap in front of it of more than limit numbers
// is given up at once, with all older ones: it is not a loss but a pause.
func (l *losses) arrived(seq uint64, now time.Duration, limit int) {
	switch {
	case !l.started:
		l.started, l.newest = true, seq
	case seq <= l.newest:
		l.remove(seq)
	case seq-l.newest-1 > uint64(limit):
		l.list, l.newest, l.next = l.list[:0], seq, 0
	default:
		l.addGap(l.newest+1, seq, now+reorderGrace)
		l.newest = seq
		l.endGrace(now)
	}
}

// addGap notes the numbers from first up to but not including end.
func (l *losses) addGap(first, end uint64, due time.Duration) {
	if first == end {
		return
	}
	if over := len(l.list) + int(end-first) - maxMissing; over > 0 {
		l.list = l.list[:copy(l.list, l.list[min(over, len(l.list)):])]
	}
	for s := first; s < end; s++ {
		l.list = append(l.list, missing{seq: s, due: due})
	}
	l.hasten(due)
}

// endGrace makes those due that were overtaken by enough packets.
func (l *losses) endGrace(now time.Duration) {
	for i := len(l.list) - 1; i >= 0 && l.list[i].tries == 0; i-- {
		m := &l.list[i]
		if m.seq+reorderPackets > l.newest {
			continue
		}
		if m.due <= now {
			return
		}
		m.due = now
		l.hasten(now)
	}
}

func (l *losses) hasten(due time.Duration) {
	due = max(due, 1)
	if l.next == 0 || due < l.next {
		l.next = due
	}
}

func (l *losses) remove(seq uint64) {
	lo, hi := 0, len(l.list)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); l.list[mid].seq < seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(l.list) && l.list[lo].seq == seq {
		l.list = append(l.list[:lo], l.list[lo+1:]...)
	}
	if len(l.list) == 0 {
		l.next = 0
	}
}

// forgetBefore gives up everything older than a keyframe that begins at seq:
// nobody needs it any more.
func (l *losses) forgetBefore(seq uint64) {
	n := 0
	for n < len(l.list) && l.list[n].seq < seq {
		n++
	}
	if n == 0 {
		return
	}
	l.list = l.list[:copy(l.list, l.list[n:])]
	if len(l.list) == 0 {
		l.next = 0
	}
}

// reset forgets everything, so that the next packet starts anew.
func (l *losses) reset() { *l = losses{list: l.list[:0]} }

// due appends the numbers that are to be asked for now, ascending, to dst and
// starts their next timer. Numbers that were asked for often enough are
// forgotten.
func (l *losses) due(dst []uint16, now, repeat time.Duration) []uint16 {
	if l.next == 0 || now < l.next {
		return dst
	}
	n := 0
	l.next = 0
	for _, m := range l.list {
		if m.due <= now {
			if m.tries == maxTries {
				continue
			}
			dst = append(dst, uint16(m.seq))
			m.tries++
			m.due = now + repeat
		}
		l.hasten(m.due)
		l.list[n] = m
		n++
	}
	l.list = l.list[:n]
	return dst
}

// repeatInterval is how long to wait for the answer to a NACK before the next:
// a round trip with some slack. rtt 0 means unknown.
func repeatInterval(rtt time.Duration) time.Duration {
	if rtt <= 0 {
		return defaultRepeat
	}
	return max(minRepeat, min(rtt+rtt/4+10*time.Millisecond, maxRepeat))
}
