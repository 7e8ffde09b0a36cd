package bridge

import (
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
	"steg/bridge/transport"
	"steg/configs"
)

// minKeyframeInterval bounds keyframe requests towards one source when the
// sender's round trip is short.
const minKeyframeInterval = 100 * time.Millisecond

// rtcp takes one SRTCP datagram of this endpoint: its sender reports go on to
// those who receive it, the rest ends here.
func (e *Endpoint) rtcp(b *transport.Batch, datagram []byte, now time.Duration) {
	plain := e.openRTCP(b, datagram, now)
	if plain == nil {
		return
	}
	for _, r := range e.receiverFeedback(b, plain, now) {
		r.source.owner.requestKeyframe(b, r.source, r.encoding, now)
	}
}

// openRTCP decrypts a compound and forwards its sender reports.
func (e *Endpoint) openRTCP(b *transport.Batch, datagram []byte, now time.Duration) []byte {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	plain, err := e.transport.DecryptRTCP(datagram)
	if err != nil {
		return nil // counted by the transport
	}
	e.lastMedia.Store(int64(now))
	if !e.visitor {
		e.senderReports(b, plain, now)
	}
	return plain
}

// senderReports notes each SR and forwards those that are due through the
// projections of their sources. The caller holds inMu.
func (e *Endpoint) senderReports(b *transport.Batch, plain []byte, now time.Duration) {
	reader := packet.ReadRTCP(plain)
	for {
		p, ok := reader.Next()
		if !ok {
			return
		}
		sr, ok := packet.ParseSenderReport(p)
		if !ok {
			continue
		}
		if !e.in.SenderReport(sr, now) {
			continue
		}
		s, _ := e.in.Source(sr.SSRC)
		route := e.conference.routes.Load().of[s]
		if route == nil {
			continue
		}
		for i := range route.takes {
			route.takes[i].report(b, sr, now)
		}
	}
}

// report sends a sender report to one receiver.
func (t *take) report(b *transport.Batch, sr egress.SenderReport, now time.Duration) {
	if !t.to.transport.Ready() {
		return
	}
	dst := b.Reserve()
	if n := t.writeReport(dst, sr, now); n > 0 {
		b.Commit(t.to.transport, n)
	}
}

func (t *take) writeReport(dst []byte, sr egress.SenderReport, now time.Duration) int {
	t.to.outMu.Lock()
	defer t.to.outMu.Unlock()
	n := t.to.out.SenderReport(dst, t.projection, sr, now)
	if n == 0 {
		return 0
	}
	n, err := t.to.transport.EncryptRTCP(dst, n)
	if err != nil {
		return 0
	}
	return n
}

// receiverFeedback takes what the endpoint says about what it receives: lost
// packets are sent again; the keyframes it wants are returned.
func (e *Endpoint) receiverFeedback(b *transport.Batch, plain []byte, now time.Duration) []request {
	e.outMu.Lock()
	defer e.outMu.Unlock()
	e.sink.batch, e.sink.requests, e.sink.now = b, nil, now
	e.out.RTCP(plain, now, &e.sink)
	e.sink.batch, e.sink.buf = nil, nil
	return e.sink.requests
}

// origin is what stands behind a projection, guarded by the receiver's outMu.
type origin struct {
	source    *source
	budget    keyframeBudget
	switching switchBudget
}

// switchBudget bounds the keyframes that one receiver needs of one source
// because its target changed: a few in a row, then one every other second. A
// receiver decides about its target, and might change it all the time.
type switchBudget struct {
	spent float64
	last  time.Duration
}

const (
	switchBurst     = 10
	switchesASecond = 0.5
)

func (k *switchBudget) allow(now time.Duration) bool {
	passed := now - k.last
	if k.last != 0 && passed < minKeyframeInterval {
		return false // it is asked for with every packet until it comes
	}
	spent := max(0, k.spent-passed.Seconds()*switchesASecond)
	if spent+1 > switchBurst {
		return false
	}
	k.spent, k.last = spent+1, now
	return true
}

// keyframeBudget bounds how often one receiver may ask for keyframes of one
// source, so that it cannot spoil the picture of all others. What projections
// need for a switch is counted apart.
type keyframeBudget struct {
	times [8]time.Duration // of the latest requests that were let through
	n     int
}

func (k *keyframeBudget) allow(now time.Duration, m configs.Media) bool {
	limit := min(max(m.KeyframeMax, 1), len(k.times))
	last := k.times[(k.n+len(k.times)-1)%len(k.times)]
	oldest := k.times[(k.n+len(k.times)-limit)%len(k.times)]
	if last != 0 && now-last < m.KeyframeInterval || oldest != 0 && now-oldest < m.KeyframeWindow {
		return false
	}
	k.times[k.n] = now
	k.n = (k.n + 1) % len(k.times)
	return true
}

// maxRequests bounds the keyframe requests of one compound.
const maxRequests = 32

// request is a keyframe that a receiver asked for.
type request struct {
	source   *source
	encoding int
}

// sink takes what egress makes of RTCP. Its owner's outMu is held.
type sink struct {
	e        *Endpoint
	batch    *transport.Batch
	now      time.Duration
	buf      []byte
	requests []request
}

// Reserve implements egress.Sink.
func (s *sink) Reserve() []byte {
	s.buf = s.batch.Reserve()
	return s.buf
}

// Emit implements egress.Sink.
func (s *sink) Emit(n int) {
	if n = s.e.protect(s.buf, n); n > 0 {
		s.batch.Commit(s.e.transport, n)
		s.e.conference.bridge.counters.retransmitted.Add(1)
	}
}

// Keyframe implements egress.Sink.
func (s *sink) Keyframe(pr *egress.Projection) {
	o := s.e.origin[pr]
	if o != nil && len(s.requests) < maxRequests && o.budget.allow(s.now, s.e.conference.bridge.cfg.Media) {
		s.requests = append(s.requests, request{o.source, pr.KeyframeEncoding()})
	}
}

// requestKeyframe asks this endpoint for a keyframe of one of its sources,
// unless it was asked a moment ago; then it is asked again when the interval
// is over and none has come.
func (e *Endpoint) requestKeyframe(b *transport.Batch, s *source, encoding int, now time.Duration) {
	if e.expired.Load() || s.Kind != packet.Video {
		return
	}
	if s.keyframes.allow(encoding, now, e.keyframeInterval()) {
		e.sendKeyframeRequest(b, s, encoding)
	}
}

func (e *Endpoint) keyframeInterval() time.Duration {
	configured := e.conference.bridge.cfg.Media.SourceKeyframeInterval
	if rtt := e.transport.RTT(); rtt > 0 {
		return max(minKeyframeInterval, min(configured, rtt+10*time.Millisecond))
	}
	return configured
}

func (e *Endpoint) sendKeyframeRequest(b *transport.Batch, s *source, encoding int) {
	if encoding < 0 || encoding >= len(s.Encodings) {
		encoding = 0
	}
	var buf [32]byte
	media, sender := s.Encodings[encoding].SSRC, e.conference.videoSSRC
	e.conference.bridge.counters.keyframeRequests.Add(1)
	if e.takesPLI.Load() {
		e.sendRTCP(b, packet.AppendPLI(buf[:0], sender, media))
		return
	}
	e.sendRTCP(b, packet.AppendFIR(buf[:0], sender, media, s.keyframes.nextFIR()))
}
