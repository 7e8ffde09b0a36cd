package egress

import (
	"sync/atomic"

	"steg/bridge/allocation"
	"steg/bridge/packet"
)

// Target is the layer of a source that is wanted or being forwarded.
type Target = allocation.Target

// Output is how a projection appears to the receiver.
type Output struct {
	SSRC uint32
	RTX  uint32 // 0: lost packets are not sent again
	MID  string // stamped on every packet if not empty and negotiated
}

// ProjectionOptions describes one source and its place at the receiver.
type ProjectionOptions struct {
	Source             packet.Source
	SenderPayloadTypes []packet.PayloadType
	SenderExtensions   packet.Extensions
	Rings              []*packet.Ring // one per encoding; nil or missing ones answer no NACK
	Out                Output
}

// ProjectionStats are counters of one projection since it was made.
type ProjectionStats struct {
	Packets, Bytes     uint64 // RTP as sent, without retransmissions
	Retransmissions    uint64
	Switches           uint64 // of the encoding
	WaitingForKeyframe bool   // the target encoding cannot be reached yet
}

// Projection is one source as one receiver sees it.
type Projection struct {
	// atomic, from any goroutine
	target, current         atomic.Uint32
	packets, bytes          atomic.Uint64
	retransmitted, switches atomic.Uint64
	waiting                 atomic.Bool
}
