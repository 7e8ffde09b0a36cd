package ingress

import (
	"encoding/binary"
	"time"

	"steg/bridge/packet"
)

// maxSSRCs bounds what one endpoint can make the bridge remember: its primary
// SSRCs. Sources beyond are not taken.
const maxSSRCs = 64

// Config is set once for an endpoint.
type Config struct {
	DiscardSilence   bool
	ForwardedSilence int           // silence is discarded after one more packet than this
	RingAge          time.Duration // how long video packets are kept
	RingBytes        int           // and how much of them per encoding
	CNAME            string        // of the bridge, in reports
}

// Ingress is the receiving state for one endpoint. All methods are called
// under the endpoint's ingress mutex.
type Ingress struct {
	config     Config
	payloads   [128]payload
	extensions packet.Extensions
	sources    []*Source
	streams    map[uint32]association // by primary and by RTX SSRC
	muted      [2]bool                // by kind

	feedbackSSRC uint32
	arrivals     arrivals
	rtt          time.Duration
	nackDue      time.Duration // earliest deadline among the streams' losses, 0: none
	changed      bool
	stats        Stats

	packet packet.Packet // what RTP returns
	lost   []uint16      // scratch of Feedback
	blocks []packet.ReportBlock
	buf    []byte // scratch of Feedback and Reports
}

// payload is what a payload type number stands for.
type payload struct {
	codec     packet.Codec
	clockRate uint32
	apt       uint8
	known     bool
	nack      bool
}

type association struct {
	stream *stream
	rtx    bool
}

// New returns the state of an endpoint that has signalled nothing yet.
func New(c Config) *Ingress {
	return &Ingress{config: c, buf: make([]byte, 0, packet.MaxRTCP)}
}

// SetPayloadTypes replaces the table of payload types.
func (in *Ingress) SetPayloadTypes(types []packet.PayloadType) {
	in.payloads = [128]payload{}
	for _, t := range types {
		if t.ID < 128 {
			in.payloads[t.ID] = payload{codec: t.Codec, clockRate: t.ClockRate, apt: t.APT & 0x7f, known: true, nack: t.NACK}
		}
	}
}

// SetExtensions replaces the table of header extensions.
func (in *Ingress) SetExtensions(e packet.Extensions) { in.extensions = e }

// SetFeedbackSSRC sets the SSRC that feedback and reports are sent from.
func (in *Ingress) SetFeedbackSSRC(ssrc uint32) { in.feedbackSSRC = ssrc }

// SetRTT tells the round-trip time to the endpoint, which paces repeated
// requests; 0 means unknown.
func (in *Ingress) SetRTT(rtt time.Duration) { in.rtt = rtt }

// SetSources replaces the signalled sources. An SSRC that stays keeps its
// numbers, statistics and ring; a source that stays unchanged keeps its
// pointer. A source that names an SSRC of an earlier one is refused.
func (in *Ingress) SetSources(described []packet.Source) {
	previous := in.streams
	old := in.sources
	in.sources = nil
	in.streams = make(map[uint32]association)
	count := 0
	for _, d := range described {
		if len(d.Encodings) == 0 || count+len(d.Encodings) > maxSSRCs || in.taken(d) {
			in.stats.Refused++
			continue
		}
		count += len(d.Encodings)
		streams := make([]*stream, len(d.Encodings))
		for i, e := range d.Encodings {
			st := previous[e.SSRC].stream
			if st == nil || previous[e.SSRC].rtx || st.kind != d.Kind {
				st = newStream(d.Kind, in.config)
			}
			streams[i] = st
			in.streams[e.SSRC] = association{stream: st}
		}
		in.sources = append(in.sources, keepSource(old, d, streams))
	}
	in.addRTX()
}

// taken tells whether a primary SSRC of the source is in use already, by
// another source or twice by its own.
func (in *Ingress) taken(d packet.Source) bool {
	for i, e := range d.Encodings {
		if _, ok := in.streams[e.SSRC]; ok {
			return true
		}
		for _, other := range d.Encodings[:i] {
			if other.SSRC == e.SSRC {
				return true
			}
		}
	}
	return false
}

// keepSource finds the source that is already as described, or makes it.
func keepSource(old []*Source, d packet.Source, streams []*stream) *Source {
	for _, s := range old {
		if s.describes(d) && s.streams[0] == streams[0] {
			return s
		}
	}
	return newSource(d, streams)
}

// addRTX enters the RTX SSRCs, after the primary ones, which go first where
// one number is used for both.
func (in *Ingress) addRTX() {
	for _, s := range in.sources {
		for i, e := range s.Encodings {
			if _, taken := in.streams[e.RTX]; e.RTX != 0 && !taken {
				in.streams[e.RTX] = association{stream: s.streams[i], rtx: true}
			}
		}
	}
}

// Mute sets which kinds are muted by force. Packets of a muted kind are
// dropped whatever they contain; their numbers are closed.
func (in *Ingress) Mute(audio, video bool) {
	in.muted[packet.Audio], in.muted[packet.Video] = audio, video
}

// RTP takes one decrypted and authenticated RTP packet that arrived at now.
// It returns the packet to forward, valid until the next call, and its
// source; or nil when there is nothing to forward. plain is changed in place
// and the packet's Raw aliases it.
//
//  1. parse, payload type, transport-wide arrival, SSRC -> stream
//  2. RTX -> the packet as it was; padding stripped
//  3. 64-bit numbers, statistics, duplicates, losses
//  4. drop on purpose: padding alone, mute, silence; close the numbers
//  5. facts: frame or level; rates, activity, ring
func (in *Ingress) RTP(plain []byte, now time.Duration) (*packet.Packet, *Source) {
	p := &in.packet
	*p = packet.Packet{Arrival: now, Level: 127}
	st, pt, retransmitted := in.identify(p, plain)
	if st == nil {
		return nil, nil
	}
	switch st.number(p, pt, retransmitted) {
	case duplicate:
		in.stats.Duplicate++
		return nil, nil
	case tooOld:
		in.stats.TooOld++
		return nil, nil
	}
	seq := p.Seq
	if st.kind == packet.Video && pt.nack && !in.muted[packet.Video] {
		st.repair(p)
		in.hastenNACK(st)
	}
	if in.discard(p, st) {
		st.closing.discard(seq, seq)
		return nil, nil
	}
	p.Seq = st.closing.keep(seq)
	in.learn(p, st, seq)
	return p, st.source
}

// identify does phases 1 and 2. It returns a nil stream for packets that are
// to be dropped without any effect on their stream.
func (in *Ingress) identify(p *packet.Packet, plain []byte) (*stream, *payload, bool) {
	h, err := packet.ParseHeader(plain)
	if err != nil {
		in.stats.Malformed++
		return nil, nil, false
	}
	in.stats.Packets++
	in.stats.Bytes += uint64(len(plain))
	if id, ok := packet.Extension(plain, h, in.extensions.TCC); ok && len(id) >= 2 {
		in.arrivals.record(binary.BigEndian.Uint16(id), h.SSRC, h.Marker, p.Arrival)
	}
	pt := &in.payloads[h.PayloadType]
	if !pt.known {
		in.stats.UnknownPayload++
		return nil, nil, false
	}
	a, ok := in.streams[h.SSRC]
	if !ok {
		in.stats.UnknownSSRC++
		return nil, nil, false
	}
	p.Raw = packet.StripPadding(plain, &h)
	p.Header = h
	if a.rtx || pt.codec == packet.CodecRTX {
		if pt = in.restore(p, a, pt); pt == nil {
			return nil, nil, false
		}
	}
	if !suits(pt.codec, a.stream.kind) {
		in.stats.UnknownPayload++
		return nil, nil, false
	}
	p.Kind, p.Codec, p.Encoding = a.stream.kind, pt.codec, a.stream.encoding
	return a.stream, pt, a.rtx
}

// restore turns an RTX packet into the one it repeats, in place (RFC 4588
// section 4): the header moves right over the original sequence number. It
// returns the payload type of that packet; nil for a probe without payload
// and for unknown associations.
func (in *Ingress) restore(p *packet.Packet, a association, pt *payload) *payload {
	original := &in.payloads[pt.apt]
	if !a.rtx || pt.codec != packet.CodecRTX || !original.known {
		in.stats.UnknownPayload++
		return nil
	}
	if len(p.Payload()) < 2 {
		in.stats.PaddingOnly++
		return nil
	}
	in.stats.Retransmitted++
	p.SequenceNumber = binary.BigEndian.Uint16(p.Payload())
	p.PayloadType, p.SSRC = pt.apt, a.stream.ssrc
	copy(p.Raw[2:], p.Raw[:p.HeaderLen])
	p.Raw = p.Raw[2:]
	p.Raw[1] = p.Raw[1]&0x80 | pt.apt
	binary.BigEndian.PutUint16(p.Raw[2:], p.SequenceNumber)
	binary.BigEndian.PutUint32(p.Raw[8:], p.SSRC)
	return original
}

// suits tells whether a codec may be sent on a source of that kind. Otherwise
// a muted kind could travel on a source of the other.
func suits(c packet.Codec, k packet.Kind) bool {
	switch c {
	case packet.CodecOpus, packet.CodecRED, packet.CodecTelephoneEvent:
		return k == packet.Audio
	case packet.CodecVP8, packet.CodecVP9, packet.CodecAV1, packet.CodecH264:
		return k == packet.Video
	case packet.CodecRTX:
		return false
	}
	return true
}

// discard does phase 4: it tells whether p is dropped on purpose.
func (in *Ingress) discard(p *packet.Packet, st *stream) bool {
	switch {
	case len(p.Payload()) == 0:
		in.stats.PaddingOnly++
	case in.muted[p.Kind]:
		in.stats.Muted++
		st.losses.reset()
	case p.Kind == packet.Audio && in.silent(p, st):
		in.stats.Silence++
	default:
		return false
	}
	return true
}

// silent reads the audio level (RFC 6464) and tells whether p is one silent
// packet too many. A packet without a level changes nothing.
func (in *Ingress) silent(p *packet.Packet, st *stream) bool {
	v, ok := packet.Extension(p.Raw, p.Header, in.extensions.AudioLevel)
	if !ok || len(v) == 0 {
		return false
	}
	p.HasLevel, p.Voice, p.Level = true, v[0]&0x80 != 0, v[0]&0x7f
	if p.Level != 127 {
		st.silence = 0
		return false
	}
	if in.config.DiscardSilence && st.silence > in.config.ForwardedSilence {
		return true
	}
	st.silence++
	return false
}

// learn does phase 5. seq is the sender's own number of p.
func (in *Ingress) learn(p *packet.Packet, st *stream, seq uint64) {
	changed := !st.active
	st.active, st.lastMedia = true, p.Arrival
	if st.kind == packet.Video {
		dd, _ := packet.Extension(p.Raw, p.Header, in.extensions.DependencyDesc)
		changed = st.frame(p, dd, seq) || changed
		if p.Frame.Keyframe && p.Frame.Start && p.Frame.SID <= 0 {
			st.losses.forgetBefore(seq)
		}
		st.ring.Put(p)
	}
	st.meter.add(p.Arrival, len(p.Raw), p.Frame.TID, p.Frame.Start && p.Frame.SID <= 0, st.points.measured(&p.Frame))
	if changed {
		in.changed = true
		st.source.change(st)
	}
}
