package endpoint

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/packetio"

	"steg/bridge/message"
	"steg/colibri"
)

// Options say what an endpoint is like.
type Options struct {
	ID        string
	Audio     bool  // send audio
	Level     uint8 // audio level in -dBov, 0: 30
	Video     bool  // send video
	Encodings []Encoding
	Profiles  []dtls.SRTPProtectionProfile // offered; nil: GCM, then CM

	// OnMessage gets every message of the bridge channel, on a goroutine of
	// the endpoint's; nil: none.
	OnMessage func(message.Message)
}

// Encoding is one simulcast encoding that an endpoint sends.
type Encoding struct {
	Height        int
	BitsPerSecond int
}

// DefaultEncodings are those of a Jitsi client's camera with VP8.
func DefaultEncodings() []Encoding {
	return []Encoding{{180, 200_000}, {360, 500_000}, {720, 1_500_000}}
}

// Endpoint is one synthetic endpoint.
type Endpoint struct {
	// Set once.
	o       Options
	net     *Network
	number  int
	addr    netip.Addr
	running sync.WaitGroup

	// Guarded by mu. The reading and the sending goroutine take it for each
	// datagram and tick, for microseconds.
	mu       sync.Mutex
	ice      iceState
	secure   secureState
	sending  bool
	closed   bool
	sender   sender
	streams  map[uint32]*stream
	recorder *twcc.Recorder
	pending  feedbackState
	stats    Stats
	header   rtp.Header // reused by pion
}

// New makes an endpoint that does nothing yet.
func (n *Network) New(o Options) (*Endpoint, error) {
	if o.Encodings == nil {
		o.Encodings = DefaultEncodings()
	}
	if o.Level == 0 {
		o.Level = 30
	}
	e := &Endpoint{o: o, net: n, ice: newICEState(), streams: make(map[uint32]*stream)}
	e.secure.in = packetio.NewBuffer()
	e.recorder = twcc.NewRecorder(rand.Uint32())
	e.sender = newSender(o)
	if err := n.add(e); err != nil {
		return nil, err
	}
	return e, nil
}

// ID returns the endpoint's id.
func (e *Endpoint) ID() string { return e.o.ID }

// ICE is the endpoint's side of the transport, for the bridge.
func (e *Endpoint) ICE() *colibri.IceUDP {
	return &colibri.IceUDP{
		Ufrag: e.ice.ufrag, Pwd: e.ice.pwd, RTCPMux: true,
		Fingerprints: []colibri.Fingerprint{{Hash: "sha-256", Setup: "active", Value: e.net.hash}},
	}
}

// SetSending starts and stops the media.
func (e *Endpoint) SetSending(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sending = on
	e.sender.restart(time.Since(e.net.start))
}

// SetLevel sets the audio level, in -dBov.
func (e *Endpoint) SetLevel(level uint8) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sender.audio.level = level
}

// Send writes to the bridge channel.
func (e *Endpoint) Send(m message.Message) error {
	e.mu.Lock()
	channel := e.secure.channel
	e.mu.Unlock()
	if channel == nil {
		return errors.New("no bridge channel")
	}
	_, err := channel.WriteDataChannel(message.Marshal(m), true)
	return err
}

// message takes one message of the bridge channel.
func (e *Endpoint) message(text []byte) {
	m, err := message.Parse(text)
	e.mu.Lock()
	e.stats.Messages++
	if err != nil {
		e.stats.BadMessages++
	}
	if c, ok := m.(*message.SenderSourceConstraints); ok && strings.HasSuffix(c.SourceName, "-v0") {
		e.sender.limit(c.MaxHeight)
	}
	e.mu.Unlock()
	if err == nil && e.o.OnMessage != nil {
		e.o.OnMessage(m)
	}
}

// Close ends the endpoint without telling the bridge's signalling.
func (e *Endpoint) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed, e.sending = true, false
	s := e.secure
	e.mu.Unlock()
	if s.channel != nil {
		_ = s.channel.Close()
	}
	if s.assoc != nil {
		s.assoc.Abort("")
	}
	if s.dtls != nil {
		_ = s.dtls.Close()
	}
	_ = e.secure.in.Close()
	e.net.remove(e)
	e.running.Wait()
}

// receive takes one datagram on the reading goroutine (RFC 7983).
func (e *Endpoint) receive(d datagram) {
	if len(d.data) < 12 {
		return
	}
	switch first := d.data[0]; {
	case first < 4:
		e.mu.Lock()
		answer := e.ice.receive(d)
		e.mu.Unlock()
		if answer != nil {
			_ = e.net.socket.sendOne(e.addr, d.from, answer.Raw)
		}
	case first >= 20 && first < 64:
		_, _ = e.secure.in.Write(d.data, nil) // full: lost, as on any network
	case first >= 128 && first < 192:
		e.mu.Lock()
		e.media(d)
		e.mu.Unlock()
	}
}

// tick does what is due, on the sending goroutine.
func (e *Endpoint) tick(w *writer, now time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.ice.checks(now, func(to netip.AddrPort, m *stun.Message) {
		_ = e.net.socket.sendOne(e.addr, to, m.Raw)
	})
	if e.secure.encrypt == nil {
		return
	}
	if e.sending {
		e.sender.tick(now, func(build func(buf []byte) int) { e.sendRTP(w, build) })
	}
	e.feedback(now, w)
	e.flush(w)
}

func (e *Endpoint) flush(w *writer) {
	e.stats.Sent += uint64(w.flush(e.addr, e.ice.selected))
}

// sendRTP encrypts one packet in place and files it.
func (e *Endpoint) sendRTP(w *writer, build func(buf []byte) int) {
	buf := w.next()
	n := build(buf)
	out, err := e.secure.encrypt.EncryptRTP(buf[:0], buf[:n], &e.header)
	if err != nil {
		return
	}
	if &out[0] != &buf[0] {
		copy(buf, out)
	}
	w.commit(len(out))
	if w.full() {
		e.flush(w)
	}
}

func (e *Endpoint) sendRTCP(w *writer, compound []byte) {
	out, err := e.secure.encrypt.EncryptRTCP(nil, compound, nil)
	if err != nil || len(out) > bufferSize {
		return
	}
	w.commit(copy(w.next(), out))
	if w.full() {
		e.flush(w)
	}
}
