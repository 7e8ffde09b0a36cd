package ingress

import (
	"time"

	"steg/bridge/packet"
)

// Stats counts what came from one endpoint.
type Stats struct {
	Packets, Bytes uint64
	Retransmitted  uint64 // RTX packets with a payload
	NACKed         uint64 // packets asked for, repeats included
	Lost           int64  // of the SSRCs signalled now, before repair
	Jitter         time.Duration

	// Dropped, by reason.
	Malformed, UnknownPayload, UnknownSSRC uint64
	Duplicate, TooOld                      uint64 // TooOld: or too far ahead
	PaddingOnly, Muted, Silence            uint64

	Refused uint64 // sources signalled in vain: too many, or an SSRC in use
}

// Stats returns the counters so far. Lost and Jitter (the greatest) concern
// the sources that are signalled now.
func (in *Ingress) Stats() Stats {
	s := in.stats
	for _, src := range in.sources {
		for _, st := range src.streams {
			s.Lost += st.reception.lost()
			rate := time.Duration(clockRate(st.kind))
			s.Jitter = max(s.Jitter, time.Duration(st.reception.jitter>>4)*time.Second/rate)
		}
	}
	return s
}

// clockRate is the RTP clock of each kind in all codecs that WebRTC uses.
func clockRate(k packet.Kind) uint32 {
	if k == packet.Audio {
		return 48000
	}
	return 90000
}

// Sources returns the signalled sources; the slice is read-only.
func (in *Ingress) Sources() []*Source { return in.sources }

// Source finds the source and encoding of a primary or RTX SSRC.
func (in *Ingress) Source(ssrc uint32) (s *Source, encoding int) {
	a, ok := in.streams[ssrc]
	if !ok {
		return nil, 0
	}
	return a.stream.source, a.stream.encoding
}

// LayersChanged tells, once, whether an encoding became active or inactive,
// changed its height, showed a new temporal layer or changed its operating
// points.
func (in *Ingress) LayersChanged() bool {
	changed := in.changed
	in.changed = false
	return changed
}

// Tick judges activity, publishes the rates for Source.Layers and lets rings
// shrink. Housekeeping calls it a few times a second.
func (in *Ingress) Tick(now time.Duration) {
	for _, s := range in.sources {
		last := time.Duration(0)
		for _, st := range s.streams {
			last = max(last, st.lastMedia)
		}
		layers := make([]Layer, len(s.streams))
		for i, st := range s.streams {
			if st.active && st.paused(last, now) {
				st.active, in.changed = false, true
			}
			if st.points.expire(st.lastMedia) {
				in.changed = true
			}
			st.meter.latest = st.meter.read(now)
			layers[i] = st.layer(st.meter.latest)
			if st.ring != nil {
				st.ring.Trim(now)
			}
		}
		s.layers.Store(&layers)
	}
}

// minReportInterval is the least time between two reports of one encoding that
// are passed on. Senders make one a second or so; each costs a datagram to
// every receiver.
const minReportInterval = 100 * time.Millisecond

// SenderReport notes an SR of the endpoint, for the next report about its
// SSRC. It tells whether receivers should get it: it is about an encoding of
// the endpoint and not one too many.
func (in *Ingress) SenderReport(sr packet.SenderReport, now time.Duration) (pass bool) {
	a, ok := in.streams[sr.SSRC]
	if !ok || a.rtx {
		return false
	}
	st := a.stream
	st.reception.lsr, st.reception.lsrAt = sr.NTPMiddle(), now
	if st.reported && now-st.reportedAt < minReportInterval {
		return false
	}
	st.reported, st.reportedAt = true, now
	return true
}

func (in *Ingress) hastenNACK(st *stream) {
	if due := st.losses.next; due != 0 && (in.nackDue == 0 || due < in.nackDue) {
		in.nackDue = due
	}
}

// NextDeadline returns when Feedback has to be called at the latest; 0 if
// nothing is waiting. A deadline may turn out to be void.
func (in *Ingress) NextDeadline() time.Duration {
	tcc := in.arrivals.deadline()
	if tcc == 0 || in.nackDue != 0 && in.nackDue < tcc {
		return in.nackDue
	}
	return tcc
}

// Feedback emits the transport-wide feedback and the NACKs that are due. An
// emitted slice is one RTCP datagram (reduced size, RFC 5506), valid during
// the call.
func (in *Ingress) Feedback(now time.Duration, emit func(rtcp []byte)) {
	if due := in.arrivals.deadline(); due != 0 && due <= now {
		in.arrivals.feedback(in.buf, in.feedbackSSRC, now, emit)
	}
	if in.nackDue == 0 || now < in.nackDue {
		return
	}
	in.nackDue = 0
	repeat := repeatInterval(in.rtt)
	for _, s := range in.sources {
		for _, st := range s.streams {
			in.lost = st.losses.due(in.lost[:0], now, repeat)
			in.nack(st.ssrc, in.lost, emit)
			in.hastenNACK(st)
		}
	}
}

// nackBatch numbers fit one datagram even if each takes an entry of its own.
const nackBatch = (packet.MaxRTCP - 12) / 4

func (in *Ingress) nack(ssrc uint32, lost []uint16, emit func([]byte)) {
	in.stats.NACKed += uint64(len(lost))
	for len(lost) > 0 {
		n := min(len(lost), nackBatch)
		emit(packet.AppendNACK(in.buf[:0], in.feedbackSSRC, ssrc, lost[:n]))
		lost = lost[n:]
	}
}

// Reports emits receiver reports, each with the bridge's CNAME, about all
// SSRCs that sent something since the last call; nothing if none did.
func (in *Ingress) Reports(now time.Duration, emit func(rtcp []byte)) {
	in.blocks = in.blocks[:0]
	for _, s := range in.sources {
		for _, st := range s.streams {
			if st.reception.sinceReport {
				in.blocks = append(in.blocks, st.reception.report(st.ssrc, now))
			}
		}
	}
	for blocks := in.blocks; len(blocks) > 0; {
		n := min(len(blocks), packet.MaxReportBlocks)
		out := packet.AppendReceiverReport(in.buf[:0], in.feedbackSSRC, blocks[:n])
		emit(packet.AppendCNAME(out, in.feedbackSSRC, in.config.CNAME))
		blocks = blocks[n:]
	}
}
