package estimate

import "time"

// Window of the acknowledged throughput.
const (
	throughputMin    = 20 // packets kept however old
	throughputMax    = 500
	throughputNeeds  = 10
	throughputWindow = time.Second
	throughputOldest = 5 * time.Second
	recentWindow     = 500 * time.Millisecond
)

// throughput measures what arrives, robust against a gap in arrivals and
// against bursts: it is the lesser of the rates at which the same packets
// left and arrived.
type throughput struct {
	ring  []arrival // circular, power of two long
	first int
	n     int
}

// add takes the next packet in order of arrival.
func (t *throughput) add(a arrival) {
	if t.n > 0 && t.back(0).at > a.at+throughputOldest {
		t.n = 0 // the receiver's clock was set
	}
	if t.n == len(t.ring) {
		t.grow()
	}
	t.ring[(t.first+t.n)&(len(t.ring)-1)] = a
	t.n++
	for i := t.n - 1; i > 0 && t.at(i).at < t.at(i-1).at; i-- {
		*t.at(i), *t.at(i - 1) = *t.at(i - 1), *t.at(i)
	}
	for t.n > 0 && t.outside() {
		t.first = (t.first + 1) & (len(t.ring) - 1)
		t.n--
	}
}

func (t *throughput) grow() {
	ring := make([]arrival, max(64, 2*len(t.ring)))
	for i := range t.n {
		ring[i] = *t.at(i)
	}
	t.ring, t.first = ring, 0
}

// at is the packet i places behind the oldest, back the one before the newest.
func (t *throughput) at(i int) *arrival   { return &t.ring[(t.first+i)&(len(t.ring)-1)] }
func (t *throughput) back(i int) *arrival { return t.at(t.n - 1 - i) }

// outside tells whether the oldest packet leaves the window.
func (t *throughput) outside() bool {
	age := t.back(0).at - t.at(0).at
	return t.n > throughputMax || age > throughputOldest || t.n > throughputMin && age > throughputWindow
}

// rate is the acknowledged throughput in bit/s, 0 while unknown.
func (t *throughput) rate() int64 { return t.over(throughputOldest) }

// recent is the throughput of the last moments alone. Where the queue is
// known to be full, that is the capacity, at once.
func (t *throughput) recent() int64 { return t.over(recentWindow) }

// over measures the part of the window that is no older than span.
func (t *throughput) over(span time.Duration) int64 {
	if t.n < throughputNeeds {
		return 0
	}
	newest := t.back(0)
	last := *newest // sent last
	var first arrival
	var widest, second time.Duration
	size, n := 0, 0
	for i := range t.n {
		a := t.back(i)
		if newest.at-a.at > span && n >= throughputNeeds {
			break
		}
		if n > 0 {
			if gap := first.at - a.at; gap > widest {
				widest, second = gap, widest
			} else {
				second = max(second, gap)
			}
		}
		if a.sent > last.sent {
			last = *a
		}
		first = *a
		size += a.size
		n++
	}
	earliest := first.sent
	for i := range n {
		earliest = min(earliest, t.back(i).sent)
	}
	// The packets that opened an interval were sent, or came, before it.
	received := newest.at - first.at - widest + second
	left := last.sent - earliest
	return min(bitsPerSecond(size-first.size, received), bitsPerSecond(size-last.size, left))
}

func bitsPerSecond(bytes int, d time.Duration) int64 {
	d = max(d, time.Millisecond)
	return int64(bytes) * 8 * int64(time.Second) / int64(d)
}
