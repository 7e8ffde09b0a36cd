package egress

import (
	"time"

	"steg/bridge/packet"
)

// REDPolicy says what happens to redundant audio.
type REDPolicy uint8

// The policies.
const (
	REDPass    REDPolicy = iota // as the sender made it, if the receiver takes RED
	REDStrip                    // primary block only
	REDProtect                  // add redundancy for receivers that take RED
)

// Estimator learns of what a bandwidth estimate is made of. It is called with
// the receiver's mutex held and must not call back.
type Estimator interface {
	// Sent reports a packet that was given transport-wide number seq; size is
	// that of the plain RTP packet.
	Sent(seq uint16, size int, now time.Duration)
	// TCC reports one transport-wide feedback packet, with its RTCP header.
	TCC(rtcp []byte, now time.Duration)
}

// Config holds what is fixed for one receiver.
type Config struct {
	RED         REDPolicy
	REDDistance int       // 1 or 2 redundant blocks with REDProtect; 0: 2
	REDVADOnly  bool      // protect only packets with voice
	CNAME       string    // for SDES; "" leaves SDES out
	Estimator   Estimator // nil: none
}

// Stats are counters of one receiver.
type Stats struct {
	RTT             time.Duration // 0: unknown
	Loss            float64       // fraction, latest report of the receiver, over all its SSRCs
	Packets, Bytes  uint64        // RTP, retransmissions included
	Retransmissions uint64
	RTCPErrors      uint64 // malformed compounds or packets
	NACKs           uint64 // sequence numbers asked for
	Unanswered      uint64 // of these: not sent, too old, repeated too soon, or no RTX
	REMB            int64  // bit/s, latest; 0: none
}

// Sink takes what RTCP from the receiver leads to.
type Sink interface {
	Reserve() []byte         // room for one packet
	Emit(n int)              // a plain RTX packet of n bytes stands in the reserved room
	Keyframe(pr *Projection) // the receiver wants a keyframe
}

// SenderReport is a sender report as it came from the source's sender.
type SenderReport struct {
	SSRC uint32
	NTP  uint64 // RFC 3550 section 4, 32.32 bits
	RTP  uint32 // timestamp
}

// Egress is the outward media side of one receiver.
type Egress struct{}

// New returns the egress of a receiver without payload types or extensions.
func New(c Config) *Egress { return &Egress{} }

// SetPayloadTypes sets what the receiver can take.
func (eg *Egress) SetPayloadTypes(pts []packet.PayloadType) {}

// SetExtensions sets the receiver's header extension ids.
func (eg *Egress) SetExtensions(x packet.Extensions) {}

// AddProjection makes a source known to the receiver. Video is suspended
// until the first SetTarget, audio flows at once.
func (eg *Egress) AddProjection(o ProjectionOptions) *Projection { return &Projection{} }

// RebindProjection puts another source behind the same outgoing SSRC; o.Out
// is ignored. Numbers continue; video waits for a keyframe.
func (eg *Egress) RebindProjection(pr *Projection, o ProjectionOptions) {}

// RemoveProjection forgets a projection.
func (eg *Egress) RemoveProjection(pr *Projection) {}

// SetTarget sets the layer to forward, allocation.Suspended for none. Any
// goroutine may call it.
func (pr *Projection) SetTarget(t Target) {}

// Current is the layer being forwarded. Any goroutine may call it.
func (pr *Projection) Current() Target { return Target{} }

// Stats returns the counters. Any goroutine may call it.
func (pr *Projection) Stats() ProjectionStats { return ProjectionStats{} }

// KeyframeEncoding is the encoding whose keyframe would help most; valid
// right after Forward returned wantKeyframe or Sink.Keyframe was called.
func (pr *Projection) KeyframeEncoding() int { return 0 }

// Forward writes the plain RTP packet that this receiver gets for p into dst
// and returns its length, 0 if it gets none. wantKeyframe reports that a
// keyframe of encoding KeyframeEncoding is needed.
func (eg *Egress) Forward(dst []byte, pr *Projection, p *packet.Packet, now time.Duration) (n int, wantKeyframe bool) {
	return 0, false
}

// SenderReport writes the compound that the receiver gets for a sender report
// of the source's sender, and returns its length, 0 if it gets none.
func (eg *Egress) SenderReport(dst []byte, pr *Projection, sr SenderReport, now time.Duration) int {
	return 0
}

// RTCP takes one decrypted compound from the receiver.
func (eg *Egress) RTCP(plain []byte, now time.Duration, s Sink) {}

// Stats returns the receiver's counters.
func (eg *Egress) Stats() Stats { return Stats{} }
