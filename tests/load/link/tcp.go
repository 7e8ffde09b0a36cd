package link

import "time"

// Sizes of the competing flow.
const (
	segment      = 1460
	maxWindow    = 1000 // segments
	retransmitIn = time.Second
)

// TCP is a greedy flow with Reno's window: slow start, one segment more per
// round trip, half on loss. It resends nothing, as only its load matters.
type TCP struct {
	link   *Link
	flow   int
	back   time.Duration // way of the acknowledgements
	window float64
	limit  float64 // end of slow start

	next     uint64 // segment to send
	received uint64 // one above the newest that arrived
	inFlight int
	acks     []ack
	lastAck  time.Duration
	recover  uint64 // losses below were answered already
	bytes    int64
}

// ack is what reaches the sender again.
type ack struct {
	at   time.Duration
	seq  uint64
	lost int // segments missing before it
}

// NewTCP returns a flow over l whose acknowledgements need back.
func NewTCP(l *Link, flow int, back time.Duration) *TCP {
	return &TCP{link: l, flow: flow, back: back, window: 10, limit: maxWindow}
}

// Bytes is what arrived of the flow.
func (t *TCP) Bytes() int64 { return t.bytes }

// Deliver tells the flow that a packet of its came through.
func (t *TCP) Deliver(d Delivery) {
	t.bytes += int64(d.Size)
	lost := 0
	if d.Seq > t.received {
		lost = int(d.Seq - t.received)
	}
	t.received = max(t.received, d.Seq+1)
	t.acks = append(t.acks, ack{at: d.At + t.back, seq: d.Seq, lost: lost})
}

// Advance takes the acknowledgements that arrived by now and sends.
func (t *TCP) Advance(now time.Duration) {
	for len(t.acks) > 0 && t.acks[0].at <= now {
		t.acknowledged(t.acks[0])
		t.acks = t.acks[1:]
	}
	if t.inFlight > 0 && now-t.lastAck > retransmitIn {
		t.limit, t.window, t.inFlight = max(t.window/2, 2), 1, 0
		t.lastAck, t.recover = now, t.next
	}
	for t.inFlight < int(t.window) {
		if t.inFlight == 0 {
			t.lastAck = now
		}
		t.link.Send(now, Packet{Flow: t.flow, Seq: t.next, Size: segment})
		t.next++
		t.inFlight++
	}
}

func (t *TCP) acknowledged(a ack) {
	t.lastAck = a.at
	t.inFlight = max(0, t.inFlight-1-a.lost)
	switch {
	case a.lost > 0 && a.seq >= t.recover:
		t.window = max(t.window/2, 2)
		t.limit, t.recover = t.window, t.next
	case t.window < t.limit:
		t.window++
	default:
		t.window += 1 / t.window
	}
	t.window = min(t.window, maxWindow)
}
