package endpoint

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"steg/colibri"
)

// Payload types and header extension numbers, as Jicofo assigns them.
const (
	opusType      = 111
	vp8Type       = 100
	vp8RTXType    = 96
	levelID       = 1
	transportID   = 5
	uriLevel      = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriTransport  = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	audioInterval = 20 * time.Millisecond
	opusBytes     = 90 // 36 kbit/s
)

// The mark is the end of every payload: a magic number, then the time of
// sending in nanoseconds of the real-time clock.
const (
	markMagic = 0x53746567
	markSize  = 12
)

func putMark(b []byte) {
	b = b[len(b)-markSize:]
	binary.BigEndian.PutUint32(b, markMagic)
	binary.BigEndian.PutUint64(b[4:], uint64(time.Now().UnixNano()))
}

// markOf returns the time of sending that a payload carries.
func markOf(b []byte) (int64, bool) {
	if len(b) < markSize {
		return 0, false
	}
	b = b[len(b)-markSize:]
	return int64(binary.BigEndian.Uint64(b[4:])), binary.BigEndian.Uint32(b) == markMagic
}

// sender is what an endpoint sends. Guarded by Endpoint.mu.
type sender struct {
	audio     audioSource
	video     videoSource
	transport uint16 // transport-wide sequence number
	random    *rand.Rand
	loose     bool // SenderSourceConstraints are ignored
}

// audioSource is an Opus stream of 20 ms packets.
type audioSource struct {
	on        bool
	level     uint8
	ssrc      uint32
	sequence  uint16
	timestamp uint32
	next      time.Duration
	counted   sentCount
}

// sentCount is what sender reports tell.
type sentCount struct{ packets, octets uint32 }

func newSender(o Options) sender {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	s := sender{random: random, transport: uint16(random.Uint32())}
	s.audio = audioSource{on: o.Audio, level: o.Level, ssrc: newSSRC(random), sequence: uint16(random.Uint32()), timestamp: random.Uint32()}
	s.video = newVideoSource(o, random)
	return s
}

func newSSRC(r *rand.Rand) uint32 { return r.Uint32()>>1 + 1 }

// restart sets the clocks to now, with a random phase, so that the
// endpoints of a crowd do not send in step.
func (s *sender) restart(now time.Duration) {
	s.audio.next = now + time.Duration(s.random.Int64N(int64(audioInterval)))
	s.video.next = now + time.Duration(s.random.Int64N(int64(frameInterval)))
	s.video.queue = s.video.queue[:0]
}

// tick makes the packets that are due. Each is built by a function that
// writes the plain packet.
func (s *sender) tick(now time.Duration, send func(build func(buf []byte) int)) {
	for a := &s.audio; a.on && now >= a.next; a.next += audioInterval {
		send(s.audioPacket)
	}
	s.video.frames(now, s.random)
	s.video.release(now, func(p videoPacket) {
		send(func(buf []byte) int { return s.videoPacket(buf, p) })
	})
}

func (s *sender) audioPacket(buf []byte) int {
	a := &s.audio
	n := putHeader(buf, a.counted.packets == 0, opusType, a.sequence, a.timestamp, a.ssrc)
	level := a.level
	if level < 100 {
		level += uint8(s.random.IntN(5))
	}
	s.transport++
	n += copy(buf[n:], []byte{0xbe, 0xde, 0, 2,
		levelID << 4, 0x80 | level, transportID<<4 | 1, byte(s.transport >> 8), byte(s.transport), 0, 0, 0})
	payload := buf[n : n+opusBytes]
	payload[0] = 0x78 // TOC: CELT fullband, 20 ms, mono (RFC 6716)
	putMark(payload)
	a.sequence++
	a.timestamp += 960
	a.counted.add(opusBytes)
	return n + opusBytes
}

func (c *sentCount) add(payload int) {
	c.packets++
	c.octets += uint32(payload)
}

// putHeader writes a fixed RTP header with the extension bit set.
func putHeader(b []byte, marker bool, pt uint8, seq uint16, ts, ssrc uint32) int {
	b[0] = 0x90
	b[1] = pt
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return 12
}

// limit is a SenderSourceConstraints: encodings above the height rest.
func (s *sender) limit(height int) {
	if s.loose {
		return
	}
	for _, enc := range s.video.encodings {
		on := height < 0 || enc.height <= height
		if on && !enc.on {
			enc.wantKey = true
		}
		enc.on = on
	}
}

// keyframe is a PLI or FIR for one of the encodings.
func (s *sender) keyframe(ssrc uint32) bool {
	for _, enc := range s.video.encodings {
		if enc.ssrc == ssrc {
			enc.wantKey = true
			return true
		}
	}
	return false
}

// Sources describes what the endpoint sends.
func (e *Endpoint) Sources() *colibri.Sources {
	s := &colibri.Sources{}
	if e.o.Audio {
		name := e.o.ID + "-a0"
		s.MediaSources = append(s.MediaSources, colibri.MediaSource{
			Type: colibri.Audio, ID: name, SSRCs: []colibri.SSRC{{SSRC: e.sender.audio.ssrc, Name: name}},
		})
	}
	if !e.o.Video {
		return s
	}
	name := e.o.ID + "-v0"
	ms := colibri.MediaSource{Type: colibri.Video, ID: name}
	sim := colibri.SSRCGroup{Semantics: colibri.SemanticsSIM}
	for _, enc := range e.sender.video.encodings {
		for _, ssrc := range []uint32{enc.ssrc, enc.rtx} {
			ms.SSRCs = append(ms.SSRCs, colibri.SSRC{SSRC: ssrc, Name: name, VideoType: "camera"})
		}
		sim.SSRCs = append(sim.SSRCs, enc.ssrc)
		ms.Groups = append(ms.Groups, colibri.SSRCGroup{Semantics: colibri.SemanticsFID, SSRCs: []uint32{enc.ssrc, enc.rtx}})
	}
	if len(sim.SSRCs) > 1 {
		ms.Groups = append(ms.Groups, sim)
	}
	s.MediaSources = append(s.MediaSources, ms)
	return s
}

// Media is what every synthetic endpoint can send and receive.
func Media() []colibri.Media {
	tcc := colibri.RTCPFeedback{Type: "transport-cc"}
	return []colibri.Media{{
		Type:         colibri.Audio,
		PayloadTypes: []colibri.PayloadType{{ID: opusType, Name: "opus", ClockRate: 48000, Channels: 2, Feedback: []colibri.RTCPFeedback{tcc}}},
		HdrExts:      []colibri.HdrExt{{ID: levelID, URI: uriLevel}, {ID: transportID, URI: uriTransport}},
	}, {
		Type: colibri.Video,
		PayloadTypes: []colibri.PayloadType{{ID: vp8Type, Name: "VP8", ClockRate: 90000, Channels: 1, Feedback: []colibri.RTCPFeedback{
			{Type: "ccm", Subtype: "fir"}, {Type: "nack"}, {Type: "nack", Subtype: "pli"}, tcc,
		}}, {ID: vp8RTXType, Name: "rtx", ClockRate: 90000, Channels: 1, Parameters: []colibri.Parameter{{Name: "apt", Value: "100"}}}},
		HdrExts: []colibri.HdrExt{{ID: transportID, URI: uriTransport}},
	}}
}
