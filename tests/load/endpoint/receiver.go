package endpoint

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
)

// window is how far back a stream tells a late packet from a repeated one.
const window = 1024

// stream is what is known of one received SSRC. Guarded by Endpoint.mu.
type stream struct {
	payloadType uint8
	packets     uint64
	highest     uint16
	cycles      uint32
	seen        [window / 64]uint64 // sequence numbers up to highest
	// For receiver reports.
	first        uint32
	total        uint32
	reportedLoss uint32
	reportedBase uint32
	lastSR       uint32
	lastSRAt     time.Duration
	// Video.
	needKey   bool
	asked     time.Duration // last keyframe request
	height    int
	pictureID int32 // of the last frame begun; -1: none
}

// media takes one SRTP or SRTCP packet (RFC 5761).
func (e *Endpoint) media(d datagram) {
	if e.secure.decrypt == nil {
		return
	}
	if pt := d.data[1]; pt >= 192 && pt <= 223 {
		e.rtcp(d)
		return
	}
	plain, err := e.secure.decrypt.DecryptRTP(d.data[:0], d.data, &e.header)
	if err != nil {
		e.stats.Rejected++
		return
	}
	h := &e.header
	if ext := h.GetExtension(transportID); len(ext) == 2 {
		e.recorder.Record(h.SSRC, binary.BigEndian.Uint16(ext), d.at/1000)
	}
	headerSize := h.MarshalSize()
	payload := plain[headerSize:]
	if h.Padding && len(payload) > 0 {
		payload = payload[:len(payload)-min(int(payload[len(payload)-1]), len(payload))]
	}
	if h.PayloadType == vp8RTXType {
		e.stats.RTX++
		return
	}
	s := e.stream(h.SSRC, h.PayloadType)
	if !s.count(&e.stats, h.SequenceNumber) {
		return
	}
	e.stats.Received++
	e.stats.Bytes += uint64(len(plain))
	s.packets++
	if len(payload) == 0 {
		e.stats.Probing++
		return
	}
	if sent, ok := markOf(payload); ok {
		e.stats.Latency.add(time.Duration(d.at - sent))
	} else {
		e.stats.Unmarked++
	}
	if h.PayloadType == vp8Type {
		e.stats.Video++
		e.video(s, h.SSRC, payload, h.Marker)
	} else {
		e.stats.Audio++
	}
}

func (e *Endpoint) stream(ssrc uint32, pt uint8) *stream {
	s := e.streams[ssrc]
	if s == nil {
		s = &stream{payloadType: pt, pictureID: -1, needKey: pt == vp8Type, asked: -time.Second}
		e.streams[ssrc] = s
	}
	return s
}

// count notes a sequence number; false for one that came before.
func (s *stream) count(st *Stats, seq uint16) bool {
	if s.total == 0 {
		s.highest, s.first, s.reportedBase = seq, uint32(seq), uint32(seq)
		s.seen[seq%window/64] = 1 << (seq % 64)
		s.total++
		return true
	}
	ahead := int16(seq - s.highest)
	if ahead > 0 {
		for n := s.highest + 1; n != seq; n++ {
			s.seen[n%window/64] &^= 1 << (n % 64)
		}
		if seq < s.highest {
			s.cycles++
		}
		st.Lost += uint64(ahead - 1)
		s.highest = seq
		s.seen[seq%window/64] |= 1 << (seq % 64)
		s.total++
		return true
	}
	if -int(ahead) >= window || s.seen[seq%window/64]&(1<<(seq%64)) != 0 {
		st.Duplicates++
		return false
	}
	s.seen[seq%window/64] |= 1 << (seq % 64)
	s.total++
	st.Late++
	if st.Lost > 0 {
		st.Lost--
	}
	return true
}

// video follows the VP8 descriptors as a decoder would.
func (e *Endpoint) video(s *stream, ssrc uint32, payload []byte, marker bool) {
	var p codecs.VP8Packet
	frame, err := p.Unmarshal(payload)
	if err != nil || p.I == 0 || p.T == 0 {
		e.stats.BadVideo++
		return
	}
	if p.S == 1 && p.PID == 0 {
		if s.pictureID >= 0 && p.PictureID != uint16(s.pictureID+1)&0x7fff {
			e.stats.PictureGaps++
		}
		s.pictureID = int32(p.PictureID)
		if len(frame) >= 10 && frame[0]&1 == 0 {
			e.stats.Keyframes++
			s.needKey = false
			s.height = int(binary.LittleEndian.Uint16(frame[8:]) & 0x3fff)
		}
	}
	if marker {
		e.stats.Frames++
	}
	if s.needKey {
		e.pending.askKeyframe(s, ssrc, time.Since(e.net.start))
	}
}

// rtcp takes feedback and sender reports.
func (e *Endpoint) rtcp(d datagram) {
	plain, err := e.secure.decrypt.DecryptRTCP(nil, d.data, nil)
	if err != nil {
		e.stats.Rejected++
		return
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		e.stats.Rejected++
		return
	}
	for _, p := range packets {
		e.stats.Feedback++
		switch p := p.(type) {
		case *rtcp.PictureLossIndication:
			if e.sender.keyframe(p.MediaSSRC) {
				e.stats.KeyRequests++
			}
		case *rtcp.FullIntraRequest:
			for _, f := range p.FIR {
				if e.sender.keyframe(f.SSRC) {
					e.stats.KeyRequests++
				}
			}
		case *rtcp.TransportLayerNack:
			for _, n := range p.Nacks {
				e.stats.NACKs += uint64(len(n.PacketList()))
			}
		case *rtcp.TransportLayerCC:
			e.stats.TCC++
		case *rtcp.SenderReport:
			if s := e.streams[p.SSRC]; s != nil {
				s.lastSR, s.lastSRAt = uint32(p.NTPTime>>16), time.Since(e.net.start)
			}
		}
	}
}
