package bridge

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/ingress"
	"steg/bridge/message"
	"steg/bridge/packet"
	"steg/bridge/transport"
	"steg/colibri"
	"steg/configs"
)

// Endpoint is one participant's presence on the bridge.
type Endpoint struct {
	// Set once.
	id         string
	number     uint64 // stands for it in the log
	conference *Conference
	transport  *transport.Transport
	visitor    bool // receives only
	rewriting  bool // learns sources over the channel, with SSRCs of ours
	midDemux   bool
	password   string     // of its websocket URL
	bandwidth  *bandwidth // towards it; nil: estimates are not trusted
	created    time.Duration
	limit      *rate // of its channel messages; owned by the queue
	copies     *rate // of those that are passed on; owned by the queue

	// The inward half, guarded by inMu.
	inMu sync.Mutex
	in   *ingress.Ingress

	// The outward half, guarded by outMu.
	outMu  sync.Mutex
	out    *egress.Egress
	origin map[*egress.Projection]*origin
	sink   sink // scratch of RTCP handling

	// Atomic. A reader may act on a value that control is just replacing.
	lastMedia    atomic.Int64 // time of the latest authenticated packet, 0: none yet
	nextFeedback atomic.Int64 // when ingress has feedback due at latest, 0: never
	acceptsAudio atomic.Bool
	acceptsVideo atomic.Bool
	takesPLI     atomic.Bool
	expired      atomic.Bool
	failed       atomic.Bool  // ICE or DTLS; it may still be expired
	told         atomic.Bool  // others were told that it is inactive
	waiting      atomic.Int32 // its messages in the conference's queue
	sockets      sockets

	// Control state, owned by the conference's queue.
	payloadTypes []packet.PayloadType
	extensions   packet.Extensions
	sources      []*source
	muted        colibri.ForceMute
	feeds        map[*source]*feed // what it may receive
	retired      map[uint32]*feed  // by outgoing SSRC, of sources that are gone
	occupied     map[uint32]bool   // SSRCs of both, RTX included; unused when rewriting
	audioSlots   int               // media ids given
	videoSlots   int
	settings     allocation.Settings
	asked        bool  // it sent constraints
	assumed      int64 // bandwidth that it wants assumed, bit/s; below 0: none
	subscription *subscription
	outbox       *outbox
	inactive     bool                         // told to others as disconnected
	announced    map[string]message.VideoType // types of sources not known yet
}

func newEndpoint(c *Conference, r *colibri.Endpoint) (*Endpoint, error) {
	b := c.bridge
	e := &Endpoint{
		id:         r.ID,
		number:     b.nextNumber.Add(1),
		conference: c,
		visitor:    r.MUCRole == colibri.RoleVisitor,
		rewriting:  r.HasCapability(colibri.CapSSRCRewriting),
		password:   rand.Text()[:24],
		created:    b.mux.Now(),
		limit:      newRate(messagesPerSecond, messageBytesPerSecond, messageBurst),
		copies:     newRate(copiesPerSecond, copyBytesPerSecond, messageBurst),
		in:         ingress.New(ingressConfig(b.cfg.Media)),
		origin:     make(map[*egress.Projection]*origin),
		feeds:      make(map[*source]*feed),
		retired:    make(map[uint32]*feed),
		occupied:   make(map[uint32]bool),
		announced:  make(map[string]message.VideoType),
		assumed:    -1,
		settings:   initialSettings(b.cfg.CC),
		outbox:     newOutbox(),
	}
	e.bandwidth, e.out = newBandwidth(b.cfg.CC, egressConfig(b.cfg.Media), c.videoSSRC)
	e.midDemux = e.rewriting && r.HasCapability(colibri.CapRTPMIDDemux)
	e.in.SetFeedbackSSRC(c.videoSSRC)
	e.sink.e = e
	var err error
	e.transport, err = b.mux.NewTransport(transport.Options{
		Controlling:       r.Transport.ICEControlling,
		SCTP:              r.Transport.SCTP != nil,
		PrivateCandidates: r.HasCapability(colibri.CapPrivateAddress),
	}, e)
	return e, err
}

func ingressConfig(m configs.Media) ingress.Config {
	return ingress.Config{
		DiscardSilence:   m.DiscardSilence,
		ForwardedSilence: m.ForwardedSilence,
		RingAge:          ringAge,
		RingBytes:        ringBytes,
		CNAME:            cname,
	}
}

// A ring keeps what a receiver may still ask for: several round trips of a
// slow link, and at most the bytes of that time at a high rate.
const (
	ringAge   = 500 * time.Millisecond
	ringBytes = 384 << 10
)

// cname is the same in all reports of all bridges: it identifies nobody.
const cname = "steg"

func egressConfig(m configs.Media) egress.Config {
	c := egress.Config{REDDistance: m.REDDistance, REDVADOnly: m.REDVADOnly, CNAME: cname}
	switch m.RED {
	case configs.REDStrip:
		c.RED = egress.REDStrip
	case configs.REDProtectAll:
		c.RED = egress.REDProtect
	case configs.REDNoop:
		c.RED = egress.REDPass
	}
	return c
}

// initialSettings hold until the first ReceiverVideoConstraints.
func initialSettings(cc configs.CC) allocation.Settings {
	return allocation.Settings{
		LastN:   cc.InitialLastN,
		Default: allocation.UpTo(cc.InitialMaxHeight),
	}
}

// setMedia hands payload types and extensions to both halves.
func (e *Endpoint) setMedia() {
	e.inMu.Lock()
	e.in.SetPayloadTypes(e.payloadTypes)
	e.in.SetExtensions(e.extensions)
	e.inMu.Unlock()

	e.outMu.Lock()
	e.out.SetPayloadTypes(e.payloadTypes)
	e.out.SetExtensions(e.extensions)
	e.outMu.Unlock()
	e.bandwidth.negotiated(e.payloadTypes, e.extensions)

	var audio, video, pli bool
	for _, pt := range e.payloadTypes {
		switch pt.Codec {
		case packet.CodecOpus, packet.CodecRED, packet.CodecTelephoneEvent:
			audio = true
		case packet.CodecVP8, packet.CodecVP9, packet.CodecAV1, packet.CodecH264:
			video = true
			pli = pli || pt.PLI
		case packet.CodecUnknown, packet.CodecRTX:
		}
	}
	e.acceptsAudio.Store(audio)
	e.acceptsVideo.Store(video)
	e.takesPLI.Store(pli)
}

// close frees everything that packets of others could still reach.
func (e *Endpoint) close() {
	e.expired.Store(true)
	e.transport.Close()
	e.sockets.close()
	e.outbox.close()
}

// lastActivity is when the endpoint was last heard of.
func (e *Endpoint) lastActivity() time.Duration {
	return max(time.Duration(e.lastMedia.Load()), e.transport.LastActivity())
}
