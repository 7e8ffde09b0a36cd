package egress

import (
	"encoding/binary"
	"time"

	"steg/bridge/packet"
)

// Sizes of probes.
const (
	maxPadding    = 255 // bytes of padding that one packet can say it has
	smallestAgain = 400 // below this, padding hits the size better than media
	probeReach    = 512 // how many packets back media is looked for
)

// Prober writes packets that tell the receiver nothing new, to find out
// whether there is room for more. It belongs to one receiver and is guarded
// like its Egress. Best is media that was just sent, in its RTX stream: should
// the original be lost, that repairs it. Else it is padding alone, in an RTX
// stream or, before there is any, in a stream of the bridge's own.
type Prober struct {
	eg   *Egress
	ssrc uint32 // of the own stream, 0: none
	seq  uint16
	back uint16 // how far behind the newest packet the latest one was taken
	n    int    // written into dst by resend
	dst  []byte
}

// NewProber returns the prober of a receiver. ssrc is a video stream of the
// bridge's own that the receiver knows, or 0.
func NewProber(eg *Egress, ssrc uint32) *Prober { return &Prober{eg: eg, ssrc: ssrc} }

// Probe writes one plain packet of about size bytes into dst and returns its
// length, 0 if there is nothing to probe with: a receiver without
// transport-wide feedback, or without video.
func (pb *Prober) Probe(dst []byte, size int, now time.Duration) int {
	if pb.eg.ext.TCC == 0 {
		return 0
	}
	pr := pb.busiest()
	if pr != nil && size >= smallestAgain {
		if n := pb.again(dst, pr, now); n > 0 {
			return n
		}
	}
	if pr != nil && pr.pts.generation == pb.eg.generation && pr.pts.rtx != 0 {
		h := packet.Header{PayloadType: pr.pts.rtx, SSRC: pr.out.RTX, SequenceNumber: pr.rtxSeq, Timestamp: videoTime(now)}
		n := pb.padding(dst, h, pr.mid, size, now)
		if n > 0 {
			pr.rtxSeq++
			pr.retransmitted.Add(1) // the stream's numbers are used
		}
		return n
	}
	for _, pt := range pb.eg.pts {
		if pb.ssrc == 0 || !isVideo(pt.Codec) {
			continue
		}
		h := packet.Header{PayloadType: pt.ID, SSRC: pb.ssrc, SequenceNumber: pb.seq, Timestamp: videoTime(now)}
		n := pb.padding(dst, h, nil, size, now)
		if n > 0 {
			pb.seq++
		}
		return n
	}
	return 0
}

// busiest is the video projection that forwards most, of those with an RTX
// stream; nil if there is none.
func (pb *Prober) busiest() *Projection {
	var best *Projection
	for _, pr := range pb.eg.bySSRC {
		if pr.out.RTX == 0 || !pr.flow.live || pr.source.Kind != packet.Video || pr.packets.Load() == 0 {
			continue
		}
		if best == nil || pr.bytes.Load() > best.bytes.Load() {
			best = pr
		}
	}
	return best
}

// again writes a packet that was sent a while ago as a retransmission. Those
// younger than a round trip are passed over, as for a NACK.
func (pb *Prober) again(dst []byte, pr *Projection, now time.Duration) int {
	pb.dst, pb.n = dst, 0
	defer func() { pb.dst = nil }()
	newest := uint16(pr.numbers.next - 1)
	for reach := uint16(1); reach <= probeReach; reach *= 2 {
		pb.back++
		repairs := pb.eg.repairs
		pb.eg.repairs = max(repairs, 1)
		pb.eg.resend(pr, newest-reach-pb.back%reach, now, pb)
		pb.eg.repairs = repairs // answers to NACKs are not to suffer
		if pb.n > 0 {
			return pb.n
		}
	}
	return 0
}

// padding writes a packet without payload (RFC 3550 section 5.1).
func (pb *Prober) padding(dst []byte, h packet.Header, mid []byte, size int, now time.Duration) int {
	var elements [2]packet.Element
	var number [2]byte
	binary.BigEndian.PutUint16(number[:], pb.eg.tcc)
	elements[0] = packet.Element{ID: pb.eg.ext.TCC, Data: number[:]}
	used := 1
	if len(mid) > 0 && pb.eg.ext.MID != 0 {
		elements[1], used = packet.Element{ID: pb.eg.ext.MID, Data: mid}, 2
	}
	n := packet.WriteHeader(dst, h, elements[:used])
	if n == 0 {
		return 0
	}
	room := min(max(size-n, 1), maxPadding, len(dst)-n)
	if room < 1 {
		return 0
	}
	dst[0] |= 0x20
	clear(dst[n : n+room])
	n += room
	dst[n-1] = uint8(room)
	pb.eg.count(n, now)
	return n
}

// videoTime is a moment on the clock of video streams.
func videoTime(now time.Duration) uint32 { return uint32(now.Microseconds() * 90 / 1000) }

func isVideo(c packet.Codec) bool {
	switch c {
	case packet.CodecVP8, packet.CodecVP9, packet.CodecAV1, packet.CodecH264:
		return true
	default:
		return false
	}
}

// Reserve implements Sink.
func (pb *Prober) Reserve() []byte { return pb.dst }

// Emit implements Sink.
func (pb *Prober) Emit(n int) { pb.n = n }

// Keyframe implements Sink; a retransmission never asks for one.
func (pb *Prober) Keyframe(*Projection) {}
