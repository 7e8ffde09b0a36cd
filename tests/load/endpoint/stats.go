package endpoint

import (
	"fmt"
	"math/bits"
	"time"
)

// Stats counts what one endpoint sent and got, or the sum of many.
type Stats struct {
	Sent        uint64 // datagrams
	Received    uint64 // RTP packets that authenticated, without RTX
	Bytes       uint64 // of these, with headers
	Audio       uint64
	Video       uint64
	RTX         uint64 // packets of retransmission streams, probing included
	Probing     uint64 // packets with nothing but padding
	Lost        uint64 // holes in the sequence numbers
	Duplicates  uint64
	Late        uint64 // packets that came after their successor
	Frames      uint64 // video frames whose last packet came
	Keyframes   uint64
	PictureGaps uint64 // picture ids that do not follow
	BadVideo    uint64 // packets whose VP8 descriptor does not parse
	Unmarked    uint64 // packets without time of sending
	Rejected    uint64 // packets that do not authenticate
	Feedback    uint64 // RTCP packets
	KeyRequests uint64 // PLI and FIR for own encodings
	NACKs       uint64 // sequence numbers asked for
	TCC         uint64 // transport-wide feedback
	Messages    uint64 // of the bridge channel
	BadMessages uint64
	Latency     Latency `json:"-"` // audio and video, from sending to arrival
}

// Add adds the counts of another endpoint.
func (s *Stats) Add(o *Stats) {
	for _, p := range [][2]*uint64{
		{&s.Sent, &o.Sent}, {&s.Received, &o.Received}, {&s.Bytes, &o.Bytes}, {&s.Audio, &o.Audio}, {&s.Video, &o.Video},
		{&s.RTX, &o.RTX}, {&s.Probing, &o.Probing}, {&s.Lost, &o.Lost}, {&s.Duplicates, &o.Duplicates}, {&s.Late, &o.Late},
		{&s.Frames, &o.Frames}, {&s.Keyframes, &o.Keyframes}, {&s.PictureGaps, &o.PictureGaps}, {&s.BadVideo, &o.BadVideo},
		{&s.Unmarked, &o.Unmarked}, {&s.Rejected, &o.Rejected}, {&s.Feedback, &o.Feedback}, {&s.KeyRequests, &o.KeyRequests},
		{&s.NACKs, &o.NACKs}, {&s.TCC, &o.TCC}, {&s.Messages, &o.Messages}, {&s.BadMessages, &o.BadMessages},
	} {
		*p[0] += *p[1]
	}
	for i, n := range o.Latency {
		s.Latency[i] += n
	}
}

// Latency is a histogram with 16 steps to each doubling, in microseconds.
type Latency [16 * 24]uint32

func (l *Latency) add(d time.Duration) {
	us := uint64(max(d.Microseconds(), 0))
	i := int(us)
	if us >= 32 {
		shift := bits.Len64(us) - 5
		i = shift*16 + int(us>>shift)
	}
	l[min(i, len(l)-1)]++
}

// String prints the middle and the end.
func (l Latency) String() string {
	return fmt.Sprintf("p50=%v p99=%v", l.Quantile(0.5), l.Quantile(0.99))
}

// Quantile returns the latency below which the given share of packets lies.
func (l *Latency) Quantile(q float64) time.Duration {
	total := uint64(0)
	for _, n := range l {
		total += uint64(n)
	}
	below := uint64(q * float64(total))
	seen := uint64(0)
	for i, n := range l {
		seen += uint64(n)
		if seen > below {
			return bucket(i)
		}
	}
	return 0
}

// bucket is the lower bound of a step.
func bucket(i int) time.Duration {
	us := i
	if i >= 32 {
		shift := i/16 - 1
		us = (i%16 + 16) << shift
	}
	return time.Duration(us) * time.Microsecond
}

// Stats returns the counts since the last Reset.
func (e *Endpoint) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Reset sets the counts to zero. Streams go on: what follows is compared
// with what came before.
func (e *Endpoint) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats = Stats{}
	for _, s := range e.streams {
		s.packets = 0
	}
}

// Stream is one RTP stream that an endpoint receives.
type Stream struct {
	SSRC        uint32
	PayloadType uint8
	Packets     uint64 // since the last Reset
	Height      int    // of the last VP8 keyframe, 0 before
}

// Streams lists what the endpoint has received since the last Reset.
func (e *Endpoint) Streams() []Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Stream
	for ssrc, s := range e.streams {
		if s.packets > 0 {
			out = append(out, Stream{SSRC: ssrc, PayloadType: s.payloadType, Packets: s.packets, Height: s.height})
		}
	}
	return out
}

// SentPackets counts the media that the endpoint has made since it was made.
func (e *Endpoint) SentPackets() (audio, video uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, enc := range e.sender.video.encodings {
		video += uint64(enc.counted.packets)
	}
	return uint64(e.sender.audio.counted.packets), video
}
