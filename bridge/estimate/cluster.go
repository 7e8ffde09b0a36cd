package estimate

import "time"

// Bounds of a cluster.
const (
	clusterPackets = 5
	clusterSpan    = 15 * time.Millisecond
	clusterLongest = 120 * time.Millisecond
	clusterNoise   = 6                     // times the path's noise is spanned
	clusterSlice   = 10 * time.Millisecond // what one call of the clock sends ahead
	clusterStale   = 150 * time.Millisecond
	clusterWait    = time.Second // for feedback, besides the round trip
	receivedShare  = 0.8         // of its packets must arrive
	saturated      = 0.9         // arriving slower than this share: the path is full
	saturatedShare = 0.95        // of the arrival rate is believed then
)

// Phases of a cluster.
const (
	clusterNone uint8 = iota
	clusterSending
	clusterWaiting
)

// cluster is a burst of packets at a rate above the estimate: what arrives of
// it, and how fast, shows whether the path carries that rate. Media that is
// sent meanwhile belongs to it.
type cluster struct {
	phase uint8
	id    uint8
	rate  int64 // bit/s to send at
	span  time.Duration
	began time.Duration

	// While sending.
	packets, bytes int
	first, last    time.Duration
	lastBytes      int // of packets sent at last, which open no interval

	// While waiting.
	lost, received         int
	receivedBytes          int
	firstBytes             int // of the packet that arrived first
	firstArrival, lastSeen time.Duration
}

// start begins a cluster under the next id. Where delay varies, it must be
// longer than that: jitter pushes short clusters together, and what arrives
// at once seems to have come over a fast path.
func (c *cluster) start(rate int64, noise, now time.Duration) {
	id := c.id + 1
	if id == 0 {
		id = 1
	}
	span := min(max(clusterNoise*noise, clusterSpan), clusterLongest)
	*c = cluster{phase: clusterSending, id: id, rate: rate, span: span, began: now}
}

// due is how many bytes to send now.
func (c *cluster) due(now time.Duration) int {
	ahead := now - c.began + clusterSlice
	return int(c.rate*int64(ahead)/8/int64(time.Second)) - c.bytes
}

// size is what the cluster has in all, at least.
func (c *cluster) size() int { return int(c.rate * int64(c.span) / 8 / int64(time.Second)) }

// sent counts a packet and returns the id to mark it with.
func (c *cluster) sent(size int, now time.Duration) uint8 {
	if c.phase != clusterSending {
		return 0
	}
	if c.packets == 0 {
		c.first = now
	}
	if c.packets == 0 || now-c.last > time.Millisecond {
		c.lastBytes = 0
	}
	c.last = now
	c.lastBytes += size
	c.packets++
	c.bytes += size
	if c.packets >= clusterPackets && c.bytes >= c.size() && c.last-c.first >= c.span-clusterSlice {
		c.phase = clusterWaiting
	}
	return c.id
}

// fate takes what is reported about a packet of the cluster.
func (c *cluster) fate(a arrival, received bool) {
	if a.cluster != c.id || c.phase == clusterNone {
		return
	}
	if !received {
		c.lost++
		return
	}
	if c.received == 0 || a.at < c.firstArrival {
		c.firstArrival, c.firstBytes = a.at, a.size
	}
	if c.received == 0 || a.at > c.lastSeen {
		c.lastSeen = a.at
	}
	c.received++
	c.receivedBytes += a.size
}

// complete tells whether there is nothing more to wait for.
func (c *cluster) complete() bool {
	return c.phase == clusterWaiting && c.received+c.lost >= c.packets
}

// result is the rate that the path was seen to carry, in bit/s, 0 if the
// cluster says nothing. full reports that it carries no more.
func (c *cluster) result() (rate int64, full bool) {
	if float64(c.received) < receivedShare*float64(c.packets) || c.received < 2 {
		return 0, false
	}
	left := bitsPerSecond(c.bytes-c.lastBytes, c.last-c.first)
	came := bitsPerSecond(c.receivedBytes-c.firstBytes, c.lastSeen-c.firstArrival)
	if float64(came) < saturated*float64(left) {
		return int64(saturatedShare * float64(came)), true
	}
	return min(left, came), false
}
