package ingress_test

import (
	"encoding/binary"
	"testing"
	"time"

	"steg/bridge/ingress"
	"steg/bridge/packet"
)

// The numbers that the synthetic endpoint is signalled with.
const (
	opusPT, vp8PT, h264PT, av1PT        = 111, 100, 107, 41
	vp8RTX, h264RTX, oddPT              = 96, 99, 77
	levelID, tccID, ddID                = 1, 5, 11
	audioSSRC, desktopSSRC              = 1000, 3000
	lowSSRC, midSSRC, highSSRC          = 2000, 2001, 2002
	lowRTX, midRTX, highRTX             = 2100, 2101, 2102
	ms                                  = time.Millisecond
	start                               = time.Hour
	feedbackSSRC                 uint32 = 42
)

func described() []packet.Source {
	return []packet.Source{
		{Name: "a0", Kind: packet.Audio, Encodings: []packet.Encoding{{SSRC: audioSSRC}}},
		{Name: "v0", Kind: packet.Video, Encodings: []packet.Encoding{
			{SSRC: lowSSRC, RTX: lowRTX}, {SSRC: midSSRC, RTX: midRTX}, {SSRC: highSSRC, RTX: highRTX}}},
		{Name: "v1", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: desktopSSRC}}},
	}
}

func newIngress() *ingress.Ingress {
	in := ingress.New(ingress.Config{
		DiscardSilence: true, ForwardedSilence: 3, RingAge: time.Second, RingBytes: 1 << 20, CNAME: "bridge",
	})
	in.SetFeedbackSSRC(feedbackSSRC)
	in.SetPayloadTypes([]packet.PayloadType{
		{ID: opusPT, Codec: packet.CodecOpus, ClockRate: 48000, TCC: true},
		{ID: vp8PT, Codec: packet.CodecVP8, ClockRate: 90000, NACK: true, TCC: true},
		{ID: h264PT, Codec: packet.CodecH264, ClockRate: 90000, NACK: true},
		{ID: av1PT, Codec: packet.CodecAV1, ClockRate: 90000, NACK: true},
		{ID: vp8RTX, Codec: packet.CodecRTX, ClockRate: 90000, APT: vp8PT},
		{ID: h264RTX, Codec: packet.CodecRTX, ClockRate: 90000, APT: h264PT},
	})
	in.SetExtensions(packet.Extensions{AudioLevel: levelID, TCC: tccID, DependencyDesc: ddID})
	in.SetSources(described())
	return in
}

// out describes one packet to write.
type out struct {
	pt, padding uint8
	marker      bool
	seq         uint16
	ts, ssrc    uint32
	elements    []packet.Element
	payload     []byte
}

func (o out) bytes() []byte {
	b := make([]byte, packet.MaxDatagram)
	n := packet.WriteHeader(b, packet.Header{
		Marker: o.marker, PayloadType: o.pt, SequenceNumber: o.seq, Timestamp: o.ts, SSRC: o.ssrc,
	}, o.elements)
	n += copy(b[n:], o.payload)
	if o.padding > 0 {
		b[0] |= 0x20
		n += int(o.padding)
		b[n-1] = o.padding
	}
	return b[:n]
}

// rtx wraps the packet as its repetition.
func (o out) rtx(pt uint8, ssrc uint32, seq uint16) out {
	o.payload = append(binary.BigEndian.AppendUint16(nil, o.seq), o.payload...)
	o.pt, o.ssrc, o.seq = pt, ssrc, seq
	return o
}

// vp8 makes a payload with the usual descriptor; height is for keyframes.
func vp8(first, key bool, picture uint16, tl0, tid uint8, height, size int) []byte {
	b := []byte{0x80, 0xe0, 0x80 | byte(picture>>8), byte(picture), tl0, tid<<6 | 0x20}
	if first {
		b[0] |= 0x10
	}
	body := make([]byte, max(size, 10))
	body[0] = 1
	if key {
		copy(body, []byte{0x50, 0, 0, 0x9d, 1, 0x2a})
		binary.LittleEndian.PutUint16(body[6:], uint16(height*16/9))
		binary.LittleEndian.PutUint16(body[8:], uint16(height))
	}
	return append(b, body...)
}

func audio(seq uint16, level int) out {
	o := out{pt: opusPT, ssrc: audioSSRC, seq: seq, ts: uint32(seq) * 960, payload: []byte{1, 2, 3}}
	if level >= 0 {
		o.elements = []packet.Element{{ID: levelID, Data: []byte{byte(level)}}}
	}
	return o
}

func video(seq uint16) out {
	return out{pt: vp8PT, ssrc: lowSSRC, seq: seq, ts: uint32(seq) * 3000, marker: true,
		payload: vp8(true, false, seq, 0, 0, 0, 100)}
}

// send passes the packet in and returns a copy of what comes out.
func send(in *ingress.Ingress, o out, now time.Duration) *packet.Packet {
	p, s := in.RTP(o.bytes(), now)
	if p == nil || s == nil {
		return nil
	}
	c := *p
	return &c
}

func mustSend(t *testing.T, in *ingress.Ingress, o out, now time.Duration) packet.Packet {
	t.Helper()
	p := send(in, o, now)
	if p == nil {
		t.Fatalf("packet %d of %d was dropped: %+v", o.seq, o.ssrc, in.Stats())
	}
	return *p
}

// collect gathers the datagrams that Feedback or Reports emit.
func collect(call func(time.Duration, func([]byte)), now time.Duration) [][]byte {
	var list [][]byte
	call(now, func(b []byte) { list = append(list, append([]byte(nil), b...)) })
	return list
}
