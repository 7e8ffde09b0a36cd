package endpoint

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	reportInterval    = time.Second
	transportInterval = 100 * time.Millisecond
	keyframeInterval  = 500 * time.Millisecond
	ntpOffset         = 2208988800 // seconds from 1900 to 1970
	maxBlocks         = 31
)

// feedbackState is RTCP that waits for the next tick. Guarded by
// Endpoint.mu.
type feedbackState struct {
	keyframes     []uint32 // media SSRCs
	nextReport    time.Duration
	nextTransport time.Duration
}

// askKeyframe sends a PLI now and then until a keyframe comes.
func (f *feedbackState) askKeyframe(s *stream, ssrc uint32, now time.Duration) {
	if now-s.asked >= keyframeInterval {
		s.asked = now
		f.keyframes = append(f.keyframes, ssrc)
	}
}

// feedback sends what is due.
func (e *Endpoint) feedback(now time.Duration, w *writer) {
	f := &e.pending
	if now >= f.nextReport {
		f.nextReport = now + reportInterval
		e.reports(now, w)
	}
	own := e.sender.audio.ssrc
	for _, ssrc := range f.keyframes {
		e.compound(w, &rtcp.PictureLossIndication{SenderSSRC: own, MediaSSRC: ssrc})
	}
	f.keyframes = f.keyframes[:0]
	if now >= f.nextTransport {
		f.nextTransport = now + transportInterval
		for _, p := range e.recorder.BuildFeedbackPacket() {
			e.compound(w, p)
		}
	}
}

// compound sends a packet behind an empty receiver report (RFC 3550 section
// 6.1).
func (e *Endpoint) compound(w *writer, packets ...rtcp.Packet) {
	all := append([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: e.sender.audio.ssrc}}, packets...)
	if b, err := rtcp.Marshal(all); err == nil {
		e.sendRTCP(w, b)
	}
}

// reports sends a sender report for each own stream and receiver reports
// for the others.
func (e *Endpoint) reports(now time.Duration, w *writer) {
	var blocks []rtcp.ReceptionReport
	for ssrc, s := range e.streams {
		if len(blocks) < maxBlocks {
			blocks = append(blocks, s.report(ssrc, now))
		}
	}
	wall := time.Now()
	ntp := uint64(wall.Unix()+ntpOffset)<<32 | uint64(wall.Nanosecond())<<32/1e9
	a := &e.sender.audio
	e.sendCompound(w, &rtcp.SenderReport{
		SSRC: a.ssrc, NTPTime: ntp, RTPTime: a.timestamp, PacketCount: a.counted.packets, OctetCount: a.counted.octets,
		Reports: blocks,
	}, a.ssrc)
	for _, enc := range e.sender.video.encodings {
		if e.sender.video.on && enc.on {
			e.sendCompound(w, &rtcp.SenderReport{
				SSRC: enc.ssrc, NTPTime: ntp, RTPTime: e.sender.video.timestamp,
				PacketCount: enc.counted.packets, OctetCount: enc.counted.octets,
			}, enc.ssrc)
		}
	}
}

func (e *Endpoint) sendCompound(w *writer, report rtcp.Packet, ssrc uint32) {
	b, err := rtcp.Marshal([]rtcp.Packet{report, rtcp.NewCNAMESourceDescription(ssrc, "synthetic")})
	if err == nil {
		e.sendRTCP(w, b)
	}
}

// report is one reception report block (RFC 3550 section 6.4.1).
func (s *stream) report(ssrc uint32, now time.Duration) rtcp.ReceptionReport {
	highest := s.cycles<<16 | uint32(s.highest)
	lost := max(int64(highest)-int64(s.first)+1-int64(s.total), 0)
	fraction := uint8(0)
	if expected := highest - s.reportedBase; expected > 0 {
		fraction = uint8(min(max(lost-int64(s.reportedLoss), 0)*256/int64(expected), 255))
	}
	s.reportedBase, s.reportedLoss = highest, uint32(lost)
	r := rtcp.ReceptionReport{
		SSRC: ssrc, FractionLost: fraction, TotalLost: uint32(lost) & 0x7fffff, LastSequenceNumber: highest, LastSenderReport: s.lastSR,
	}
	if s.lastSR != 0 {
		r.Delay = uint32((now - s.lastSRAt).Seconds() * 65536)
	}
	return r
}
