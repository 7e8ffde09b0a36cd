package packet

import "time"

// Kind tells audio from video.
type Kind uint8

// The kinds of media.
const (
	Audio Kind = iota
	Video
)

// Codec is what a payload type stands for.
type Codec uint8

// The codecs that the bridge tells apart; others are forwarded opaquely.
const (
	CodecUnknown Codec = iota
	CodecOpus
	CodecRED
	CodecTelephoneEvent
	CodecVP8
	CodecVP9
	CodecAV1
	CodecH264
	CodecRTX
)

// Frame holds what was learnt about the video frame of a packet, once, at
// ingress. Fields that the codec or the packet does not carry are -1.
type Frame struct {
	Start      bool  // first packet of the frame
	End        bool  // last packet of the frame
	Keyframe   bool  // the packet belongs to a keyframe (for VP8: it is its first packet)
	Layered    bool  // temporal identifiers could be read
	Described  bool  // the facts are those of the dependency descriptor
	TID, SID   int8  // temporal and spatial layer
	PictureID  int32 // VP8/VP9 picture id, or frame number of the dependency descriptor
	LongID     bool  // the picture id has 15 bits
	TL0        int16 // TL0PICIDX
	Descriptor int   // bytes of payload descriptor before the codec's payload
	Height     uint16
	Width      uint16
	Targets    uint32     // operating points that contain the frame: decode targets; for VP9 those of VP9Point
	Structure  *Structure // in force, nil if unknown or without dependency descriptor
	Depends    *Depends   // valid as long as the packet is handed on; nil in what a ring returns
}

// Packet is one RTP packet as ingress leaves it: decrypted, restored from
// RTX, without padding, its facts worked out once. Raw belongs to whoever
// handed the packet over and is read-only for everybody behind ingress.
type Packet struct {
	Header
	Raw      []byte // header, extensions and payload
	Kind     Kind
	Codec    Codec
	Encoding int           // index of the encoding in its source, lowest quality first
	Seq      uint64        // sequence number, 64 bit, gaps of packets dropped on purpose closed
	TS       uint64        // RTP timestamp, 64 bit
	Arrival  time.Duration // on the bridge's monotonic clock
	Frame    Frame         // video only
	Level    uint8         // audio: -dBov, 127 is silence; 127 without the extension
	HasLevel bool
	Voice    bool
}

// Payload is the part of Raw behind header and extensions.
func (p *Packet) Payload() []byte { return p.Raw[p.HeaderLen:] }

// Source describes one logical audio or video signal of an endpoint as it
// was signalled.
type Source struct {
	Name      string
	Kind      Kind
	Encodings []Encoding // lowest quality first
}

// Encoding is one RTP stream of a source.
type Encoding struct {
	SSRC uint32
	RTX  uint32 // 0: none
}

// PayloadType is one signalled RTP payload type.
type PayloadType struct {
	ID        uint8
	Codec     Codec
	ClockRate uint32
	APT       uint8 // CodecRTX: the payload type that is repaired
	NACK      bool
	PLI       bool
	FIR       bool
	REMB      bool
	TCC       bool
}

// Extensions holds the signalled header extension ids of one endpoint; 0
// means not negotiated.
type Extensions struct {
	AudioLevel       uint8
	AbsSendTime      uint8
	TCC              uint8
	MID              uint8
	RID              uint8
	VideoOrientation uint8
	DependencyDesc   uint8
	VLA              uint8
}
