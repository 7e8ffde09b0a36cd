package egress

import (
	"encoding/binary"
	"time"

	"steg/bridge/packet"
)

// Forward writes the plain RTP packet that this receiver gets for p into dst
// and returns its length, 0 if it gets none. wantKeyframe reports that a
// keyframe of encoding KeyframeEncoding is needed; it is repeated with every
// packet until one comes, rate limits are the caller's. p is only read.
//
//  1. payload type: what the receiver cannot decode is not sent
//  2. select and number (select.go)
//  3. header with the receiver's extensions
//  4. payload with rewritten descriptor
func (eg *Egress) Forward(dst []byte, pr *Projection, p *packet.Packet, now time.Duration) (n int, wantKeyframe bool) {
	if uint(p.Encoding) >= uint(len(pr.seen)) || p.SSRC != pr.source.Encodings[p.Encoding].SSRC {
		return 0, false // of a source that was here before
	}
	pt := eg.translate(pr, p)
	if !pt.ok {
		eg.stats.NoPayloadType++
		return 0, false
	}
	dst = dst[:min(len(dst), packet.MaxDatagram)]
	s, out := pr.pick(p)
	if pr.numbers.overrun() {
		pr.leave()
		pr.numbers.rewind()
		s = nil
	}
	wantKeyframe = pr.wants(p)
	if s == nil || !pr.numbers.use(out) {
		return 0, wantKeyframe
	}
	h := packet.Header{
		Marker: pr.codec.last(p, s), PayloadType: pt.to, SSRC: pr.out.SSRC,
		SequenceNumber: uint16(out), Timestamp: uint32(p.TS + s.ts),
	}
	n = eg.header(dst, pr, p, s, h, now)
	if n == 0 {
		return 0, wantKeyframe
	}
	size := eg.payload(dst[n:], pr, p, s)
	if size == 0 {
		return 0, wantKeyframe
	}
	n += size
	pr.numbers.latest = max(pr.numbers.latest, out)
	pr.octets += uint32(size)
	pr.packets.Add(1)
	pr.bytes.Add(uint64(n))
	eg.count(n, now)
	if p.Kind == packet.Video {
		eg.repairs = min(eg.repairs+1, maxRepairs)
	}
	return n, wantKeyframe
}

// payload writes what stands behind the header.
func (eg *Egress) payload(dst []byte, pr *Projection, p *packet.Packet, s *span) int {
	if p.Kind == packet.Audio && (p.Codec == packet.CodecRED || pr.pts.codec == packet.CodecRED) {
		return eg.red(dst, pr, p)
	}
	return pr.codec.payload(dst, p, s.offsets)
}

// count ends every packet that leaves.
func (eg *Egress) count(n int, now time.Duration) {
	eg.stats.Packets++
	eg.stats.Bytes += uint64(n)
	if eg.ext.TCC != 0 {
		if eg.config.Estimator != nil {
			eg.config.Estimator.Sent(eg.tcc, n, now)
		}
		eg.tcc++
	}
}

// header writes the RTP header with the extensions of the receiver: of the
// sender's only audio level, video orientation and dependency descriptor,
// then the bridge's own. It uses, but does not take, the next transport-wide
// number. 0 means that dst is too short.
func (eg *Egress) header(dst []byte, pr *Projection, p *packet.Packet, s *span, h packet.Header, now time.Duration) int {
	var elements [6]packet.Element
	var room [6]byte // TCC, absolute send time, audio level
	n := 0
	add := func(id uint8, data []byte) {
		elements[n] = packet.Element{ID: id, Data: data}
		n++
	}
	if p.Kind == packet.Audio && p.HasLevel && eg.ext.AudioLevel != 0 {
		room[5] = p.Level & 0x7f
		if p.Voice {
			room[5] |= 0x80
		}
		add(eg.ext.AudioLevel, room[5:])
	}
	if p.Kind == packet.Video && p.ExtProfile != 0 {
		if v, ok := packet.Extension(p.Raw, p.Header, pr.senderExt.VideoOrientation); ok && eg.ext.VideoOrientation != 0 {
			add(eg.ext.VideoOrientation, v)
		}
		if eg.ext.DependencyDesc != 0 {
			if v, ok := packet.Extension(p.Raw, p.Header, pr.senderExt.DependencyDesc); ok {
				if v = pr.codec.descriptor(eg.descriptor[:], v, p, s); v != nil {
					add(eg.ext.DependencyDesc, v)
				}
			}
		}
	}
	switch {
	case eg.ext.TCC != 0:
		binary.BigEndian.PutUint16(room[:], eg.tcc)
		add(eg.ext.TCC, room[:2])
	case eg.ext.AbsSendTime != 0:
		t := uint32(now.Microseconds() << 18 / 1_000_000) // 6.18 fixed point
		room[2], room[3], room[4] = uint8(t>>16), uint8(t>>8), uint8(t)
		add(eg.ext.AbsSendTime, room[2:5])
	}
	if len(pr.mid) > 0 && eg.ext.MID != 0 {
		add(eg.ext.MID, pr.mid)
	}
	return packet.WriteHeader(dst, h, elements[:n])
}
