package endpoint

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// How libwebrtc sends VP8: 30 frames a second in three temporal layers, each
// frame cut into packets of nearly equal size, and a pacer that lets out 2.5
// times the bit rate in steps of 5 ms.
const (
	frameInterval   = time.Second / 30
	maxPayload      = 1150 // with headers and SRTP a little under 1200
	pacingFactor    = 2.5
	keyframeFactor  = 4
	keyframeSpacing = 300 * time.Millisecond
	descriptorSize  = 6
)

// videoSource is one camera. Guarded by Endpoint.mu.
type videoSource struct {
	on        bool
	encodings []*encoder
	next      time.Duration
	count     int // frames so far
	timestamp uint32
	queue     []videoPacket
	debt      float64 // bytes sent ahead of the pacing rate
	released  time.Duration
}

// encoder makes the frames of one encoding.
type encoder struct {
	height        int
	bitsPerSecond int
	ssrc, rtx     uint32
	on            bool
	wantKey       bool
	lastKey       time.Duration
	sequence      uint16
	pictureID     uint16 // 15 bits
	tl0           uint8
	keyIndex      uint8
	counted       sentCount
	keyframes     int
}

// videoPacket is a packet that waits for the pacer.
type videoPacket struct {
	enc         *encoder
	timestamp   uint32
	pictureID   uint16
	tl0, tid    uint8
	keyIndex    uint8
	key         bool
	first, last bool
	size        int // payload with descriptor
}

func newVideoSource(o Options, r *rand.Rand) videoSource {
	v := videoSource{on: o.Video, timestamp: r.Uint32()}
	for _, enc := range o.Encodings {
		v.encodings = append(v.encodings, &encoder{
			height: enc.Height, bitsPerSecond: enc.BitsPerSecond, ssrc: newSSRC(r), rtx: newSSRC(r), on: true, wantKey: true,
			lastKey: -keyframeSpacing, sequence: uint16(r.Uint32()), pictureID: uint16(r.Uint32()) & 0x7fff, tl0: uint8(r.Uint32()),
		})
	}
	return v
}

// frames encodes what the camera has taken until now.
func (v *videoSource) frames(now time.Duration, r *rand.Rand) {
	for ; v.on && now >= v.next; v.next += frameInterval {
		for _, enc := range v.encodings {
			if enc.on {
				v.queue = enc.frame(v.queue, now, v.count, v.timestamp, r)
			}
		}
		v.count++
		v.timestamp += 3000
	}
}

// frame appends the packets of one frame. The layers follow each other as
// 0 2 1 2, with the shares of libwebrtc.
func (enc *encoder) frame(queue []videoPacket, now time.Duration, count int, ts uint32, r *rand.Rand) []videoPacket {
	p := videoPacket{enc: enc, timestamp: ts, tid: [4]uint8{0, 2, 1, 2}[count%4]}
	factor := [3]float64{1.6, 0.8, 0.8}[p.tid]
	if enc.wantKey && now-enc.lastKey >= keyframeSpacing {
		p.key, p.tid, factor = true, 0, keyframeFactor
		enc.wantKey, enc.lastKey = false, now
		enc.keyIndex = (enc.keyIndex + 1) & 0x1f
		enc.keyframes++
	}
	enc.pictureID = (enc.pictureID + 1) & 0x7fff
	if p.tid == 0 {
		enc.tl0++
	}
	p.pictureID, p.tl0, p.keyIndex = enc.pictureID, enc.tl0, enc.keyIndex
	size := int(float64(enc.bitsPerSecond)/8*frameInterval.Seconds()*factor*(0.85+0.3*r.Float64())) + 40
	packets := (size + maxPayload - 1) / maxPayload
	for i := range packets {
		p.first, p.last = i == 0, i == packets-1
		p.size = size/packets + descriptorSize
		queue = append(queue, p)
	}
	return queue
}

// release lets out what the pacer allows.
func (v *videoSource) release(now time.Duration, send func(videoPacket)) {
	rate := 0.0
	for _, enc := range v.encodings {
		if enc.on {
			rate += float64(enc.bitsPerSecond) / 8 * pacingFactor
		}
	}
	v.debt = max(0, v.debt-rate*(now-v.released).Seconds())
	v.released = now
	sent := 0
	for ; sent < len(v.queue) && v.debt < rate*(tick*pacingTicks).Seconds(); sent++ {
		send(v.queue[sent])
		v.debt += float64(v.queue[sent].size)
	}
	v.queue = v.queue[:copy(v.queue, v.queue[sent:])]
}

// videoPacket writes a packet with the descriptor of RFC 7741 section 4.2:
//
//	 0 1 2 3 4 5 6 7
//	|X|R|N|S|R| PID |
//	|I|L|T|K| RSV   |
//	|M| PictureID   |
//	|   PictureID   |
//	|   TL0PICIDX   |
//	|TID|Y| KEYIDX  |
func (s *sender) videoPacket(buf []byte, p videoPacket) int {
	n := putHeader(buf, p.last, vp8Type, p.enc.sequence, p.timestamp, p.enc.ssrc)
	s.transport++
	n += copy(buf[n:], []byte{0xbe, 0xde, 0, 1, transportID<<4 | 1, byte(s.transport >> 8), byte(s.transport), 0})
	payload := buf[n : n+p.size]
	payload[0] = 0x80
	if p.tid == 2 {
		payload[0] |= 0x20 // nothing refers to the frame
	}
	if p.first {
		payload[0] |= 0x10
	}
	payload[1] = 0xf0
	binary.BigEndian.PutUint16(payload[2:], 0x8000|p.pictureID)
	payload[4] = p.tl0
	payload[5] = p.tid<<6 | p.keyIndex
	if p.tid > 0 {
		payload[5] |= 0x20 // layer sync
	}
	if p.first {
		putFrameTag(payload[descriptorSize:], p)
	}
	putMark(payload)
	p.enc.sequence++
	p.enc.counted.add(p.size)
	return n + p.size
}

// putFrameTag writes the start of a VP8 frame (RFC 6386 section 9.1).
func putFrameTag(b []byte, p videoPacket) {
	b[0] = 0x10 // shown
	if !p.key {
		b[0] |= 1
		return
	}
	copy(b[3:], []byte{0x9d, 0x01, 0x2a})
	binary.LittleEndian.PutUint16(b[6:], uint16(p.enc.height*16/9))
	binary.LittleEndian.PutUint16(b[8:], uint16(p.enc.height))
}
