package egress_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

// Payload types of the tests, at sender and receiver.
var testPTs = []packet.PayloadType{
	{ID: 100, Codec: packet.CodecVP8, ClockRate: 90000},
	{ID: 96, Codec: packet.CodecRTX, ClockRate: 90000, APT: 100},
	{ID: 107, Codec: packet.CodecH264, ClockRate: 90000},
	{ID: 99, Codec: packet.CodecRTX, ClockRate: 90000, APT: 107},
	{ID: 41, Codec: packet.CodecAV1, ClockRate: 90000},
	{ID: 111, Codec: packet.CodecOpus, ClockRate: 48000},
	{ID: 112, Codec: packet.CodecRED, ClockRate: 48000},
}

// mark is where a synthetic packet came from; it stands in its payload, behind
// what the bridge may change.
type mark struct {
	enc, index, count int
	frame             int
}

const markLen = 8

func (m mark) append(b []byte) []byte {
	b = append(b, byte(m.enc), byte(m.index), byte(m.count))
	b = binary.BigEndian.AppendUint32(b, uint32(m.frame))
	return append(b, 0xAA)
}

func readMark(b []byte) mark {
	b = b[len(b)-markLen:]
	return mark{int(b[0]), int(b[1]), int(b[2]), int(binary.BigEndian.Uint32(b[3:]))}
}

// simulcast makes the packets of a VP8 source with several encodings and
// three temporal layers, all captured at the same moments.
type simulcast struct {
	source  packet.Source
	streams []stream
	short   bool // picture ids of 7 bits
}

type stream struct {
	seq, ts uint64
	pid     uint16
	tl0     uint8
	frames  []frameFacts
	wantKey bool
	phase   int
}

type frameFacts struct {
	tid   int
	key   bool
	count int
}

func newSimulcast(r *rand.Rand, encodings int) *simulcast {
	s := &simulcast{source: packet.Source{Name: "a-v0", Kind: packet.Video}}
	for i := range encodings {
		s.source.Encodings = append(s.source.Encodings, packet.Encoding{SSRC: uint32(1000 + i), RTX: uint32(2000 + i)})
		s.streams = append(s.streams, stream{
			seq: 1<<16 + uint64(r.IntN(1<<16)), ts: 1<<32 + uint64(r.Uint32()), pid: uint16(r.IntN(1 << 15)),
			tl0: uint8(r.IntN(256)), wantKey: true,
		})
	}
	return s
}

// frame makes the packets of the next frame of one encoding.
func (s *simulcast) frame(enc, count int) []*packet.Packet {
	st := &s.streams[enc]
	st.phase++
	tid := [4]int{0, 2, 1, 2}[st.phase%4]
	f := frameFacts{tid: tid, key: st.wantKey, count: count}
	if f.key {
		st.phase, f.tid, st.wantKey = 0, 0, false
	}
	st.ts += 3000
	st.pid++
	if f.tid == 0 {
		st.tl0++
	}
	var out []*packet.Packet
	for i := range count {
		st.seq++
		out = append(out, s.packet(enc, i, f))
	}
	st.frames = append(st.frames, f)
	return out
}

func (s *simulcast) packet(enc, index int, f frameFacts) *packet.Packet {
	st := &s.streams[enc]
	b := make([]byte, 12, 64)
	b[0], b[1] = 0x80, 100
	if index == f.count-1 {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(st.seq))
	binary.BigEndian.PutUint32(b[4:], uint32(st.ts))
	binary.BigEndian.PutUint32(b[8:], s.source.Encodings[enc].SSRC)
	first := byte(0x80)
	if index == 0 {
		first |= 0x10
	}
	b = append(b, first, 0xE0)
	if s.short {
		b = append(b, byte(st.pid&0x7f))
	} else {
		b = append(b, 0x80|byte(st.pid>>8&0x7f), byte(st.pid))
	}
	b = append(b, st.tl0, byte(f.tid)<<6)
	if f.key && index == 0 {
		b = append(b, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0)
	} else {
		b = append(b, 0x11)
	}
	b = mark{enc: enc, index: index, count: f.count, frame: len(st.frames)}.append(b)
	return parsed(b, packet.CodecVP8, enc, st.seq, st.ts)
}

// parsed makes a packet as ingress would.
func parsed(raw []byte, codec packet.Codec, enc int, seq, ts uint64) *packet.Packet {
	h, err := packet.ParseHeader(raw)
	if err != nil {
		panic(err)
	}
	p := &packet.Packet{Header: h, Raw: raw, Kind: packet.Video, Codec: codec, Encoding: enc, Seq: seq, TS: ts}
	if codec == packet.CodecOpus || codec == packet.CodecRED {
		p.Kind, p.Level = packet.Audio, 127
	} else {
		p.Frame = packet.ParseFrame(codec, p.Payload(), nil, h.Marker)
	}
	return p
}

func (s *simulcast) rings() []*packet.Ring {
	var rings []*packet.Ring
	for range s.streams {
		rings = append(rings, packet.NewRing(time.Minute, 1<<20))
	}
	return rings
}

// sink collects retransmissions and keyframe requests.
type sink struct {
	buf       [packet.MaxDatagram]byte
	packets   [][]byte
	keyframes int
}

func (s *sink) Reserve() []byte { return s.buf[:] }
func (s *sink) Emit(n int)      { s.packets = append(s.packets, append([]byte(nil), s.buf[:n]...)) }

func mustHeader(t testing.TB, b []byte) packet.Header {
	t.Helper()
	h, err := packet.ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Keyframe takes a request of the receiver.
func (s *sink) Keyframe(*egress.Projection) { s.keyframes++ }
