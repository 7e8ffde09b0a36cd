package egress

import (
	"encoding/binary"
	"time"

	"steg/bridge/packet"
)

// Sink takes what RTCP from the receiver leads to.
type Sink interface {
	Reserve() []byte         // room for one packet
	Emit(n int)              // a plain RTX packet of n bytes stands in the reserved room
	Keyframe(pr *Projection) // the receiver wants a keyframe
}

// RTCP takes one decrypted compound from the receiver.
func (eg *Egress) RTCP(plain []byte, now time.Duration, s Sink) {
	r, read := packet.ReadRTCP(plain), 0
	var loss lossSum
	for {
		p, ok := r.Next()
		if !ok {
			break
		}
		read += 4 + 4*int(binary.BigEndian.Uint16(p.Raw[2:]))
		switch p.Type {
		case packet.RTCPSenderReport, packet.RTCPReceiverReport:
			eg.blocks(p, now, &loss)
		case packet.RTCPTransportFB:
			eg.transportFeedback(p, now, s)
		case packet.RTCPPayloadFB:
			eg.payloadFeedback(p, s)
		}
	}
	if read != len(plain) {
		eg.stats.RTCPErrors++
	}
	if loss.blocks > 0 {
		eg.stats.Loss = loss.fraction()
	}
}

// lossSum adds up the report blocks of one compound, weighted by packets.
type lossSum struct {
	blocks         int
	lost, expected float64
}

func (l *lossSum) fraction() float64 {
	if l.expected == 0 {
		return 0
	}
	return l.lost / l.expected
}

func (eg *Egress) blocks(p packet.RTCP, now time.Duration, loss *lossSum) {
	for i := range int(p.Count) {
		b, ok := p.ReportBlock(i)
		if !ok {
			eg.stats.RTCPErrors++
			return
		}
		pr := eg.bySSRC[b.SSRC]
		if pr == nil {
			continue // RTX streams, and what was just removed
		}
		if rtt, ok := pr.roundTrip(b, now); ok {
			if eg.stats.RTT == 0 {
				eg.stats.RTT = rtt
			} else {
				eg.stats.RTT += (rtt - eg.stats.RTT) / 8
			}
		}
		weight := float64(0)
		if expected := int32(b.HighestSeq - pr.highest); pr.highest != 0 && expected > 0 {
			weight = float64(expected)
		}
		pr.highest = b.HighestSeq
		loss.blocks++
		loss.lost += weight * float64(b.FractionLost) / 256
		loss.expected += weight
	}
}

func (eg *Egress) transportFeedback(p packet.RTCP, now time.Duration, s Sink) {
	switch p.Count {
	case packet.FeedbackTCC:
		if eg.config.Estimator != nil {
			eg.config.Estimator.TCC(p.Raw, now)
		}
	case packet.FeedbackNACK:
		nack, ok := packet.ParseNACK(p)
		if !ok {
			eg.stats.RTCPErrors++
			return
		}
		pr := eg.bySSRC[nack.Media]
		for seq, ok := nack.Next(); ok; seq, ok = nack.Next() {
			eg.stats.NACKs++
			if pr == nil || !eg.resend(pr, seq, now, s) {
				eg.stats.Unanswered++
			}
		}
	}
}

func (eg *Egress) payloadFeedback(p packet.RTCP, s Sink) {
	switch p.Count {
	case packet.FeedbackPLI:
		if ssrc, ok := p.MediaSSRC(); ok {
			eg.keyframe(ssrc, s)
			return
		}
		eg.stats.RTCPErrors++
	case packet.FeedbackFIR:
		for i := 0; ; i++ {
			ssrc, _, ok := p.FIR(i)
			if !ok {
				break
			}
			eg.keyframe(ssrc, s)
		}
	case packet.FeedbackREMB:
		if rate, ok := packet.ParseREMB(p); ok {
			eg.stats.REMB = rate
			return
		}
		eg.stats.RTCPErrors++
	}
}

// keyframe passes a request on, for the encoding that the receiver sees or,
// if it sees none, should see.
func (eg *Egress) keyframe(ssrc uint32, s Sink) {
	pr := eg.bySSRC[ssrc]
	if pr == nil || pr.source.Kind != packet.Video {
		return
	}
	pr.flow.ask = pr.flow.enc
	if !pr.flow.live {
		pr.flow.ask = pr.Target().Encoding
	}
	if pr.flow.ask >= 0 {
		s.Keyframe(pr)
	}
}
