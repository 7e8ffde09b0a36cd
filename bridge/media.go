package bridge

import (
	"time"

	"steg/bridge/ingress"
	"steg/bridge/packet"
	"steg/bridge/transport"
)

// The packet line. A reader goroutine of the transport calls Media for each
// datagram of an endpoint and flushes the batch when it has no more to read.
//
//	Media    decrypt and authenticate, under the sender's inMu
//	ingress  restore, count, learn layers, keep for repair
//	fanOut   audio rules; who wants it, from the routing table
//	take     select, rewrite, encrypt, under the receiver's outMu
//	Batch    everything leaves at once
//
// RTCP takes the same way in (rtcp.go).

// Media takes one encrypted datagram of this endpoint.
func (e *Endpoint) Media(b *transport.Batch, datagram []byte, now time.Duration) {
	defer e.conference.bridge.recovered()
	if packet.IsRTCP(datagram) {
		e.rtcp(b, datagram, now)
		return
	}
	e.inMu.Lock()
	defer e.inMu.Unlock()
	plain, err := e.transport.DecryptRTP(datagram)
	if err != nil {
		return // counted by the transport
	}
	e.lastMedia.Store(int64(now))
	if p, s := e.in.RTP(plain, now); p != nil && !e.visitor {
		e.fanOut(b, p, s, now)
	}
	if e.in.LayersChanged() {
		e.conference.allocateSoon()
	}
	e.feedback(b, now)
}

// fanOut hands a packet to everybody who may want it.
func (e *Endpoint) fanOut(b *transport.Batch, p *packet.Packet, s *ingress.Source, now time.Duration) {
	route := e.conference.routes.Load().of[s]
	if route == nil {
		return
	}
	namedOnly := p.Kind == packet.Audio && !e.audible(p, route, now)
	if p.Frame.Keyframe && p.Kind == packet.Video {
		route.source.keyframes.satisfied()
	}
	wanted, sent := -1, uint64(0)
	for i := range route.takes {
		t := &route.takes[i]
		if namedOnly && !t.named || !t.to.transport.Ready() {
			continue
		}
		dst := b.Reserve()
		n, need := t.write(dst, p, now)
		if n > 0 {
			b.Commit(t.to.transport, n)
			sent++
		}
		wanted = max(wanted, need)
	}
	e.conference.bridge.counters.packetsIn.Add(1)
	e.conference.bridge.counters.packetsOut.Add(sent)
	if wanted >= 0 {
		e.requestKeyframe(b, route.source, wanted, now)
	}
}

// audible feeds speaker detection and applies the loudest-only rule.
func (e *Endpoint) audible(p *packet.Packet, route *route, now time.Duration) bool {
	if route.source.synthetic || !p.HasLevel {
		return true
	}
	level := 127 - p.Level
	e.conference.speakers.Level(e.id, level, now)
	return e.conference.loudest.Ranked(e.id, level, now)
}

// write makes the datagram that one receiver gets for a packet; n is 0 if it
// gets none. need is the encoding whose keyframe the receiver waits for, or -1.
func (t *take) write(dst []byte, p *packet.Packet, now time.Duration) (n, need int) {
	t.to.outMu.Lock()
	defer t.to.outMu.Unlock()
	n, wantKeyframe := t.to.out.Forward(dst, t.projection, p, now)
	need = -1
	if wantKeyframe {
		if o := t.to.origin[t.projection]; o != nil && o.switching.allow(now) {
			need = t.projection.KeyframeEncoding()
		}
	}
	if n > 0 {
		n = t.to.protect(dst, n)
	}
	return n, need
}

// protect encrypts a packet in place and returns its length, 0 if that failed.
// The caller holds outMu.
func (e *Endpoint) protect(buf []byte, n int) int {
	n, err := e.transport.EncryptRTP(buf, n)
	if err != nil {
		e.conference.bridge.counters.unprotected.Add(1)
		return 0
	}
	return n
}

// feedback sends what ingress has to tell the sender now: lost packets and
// arrival times. The caller holds inMu.
func (e *Endpoint) feedback(b *transport.Batch, now time.Duration) {
	due := e.in.NextDeadline()
	if due != 0 && due <= now {
		e.in.Feedback(now, func(rtcp []byte) { e.sendRTCP(b, rtcp) })
		due = e.in.NextDeadline()
	}
	e.nextFeedback.Store(int64(due))
}

// sendRTCP encrypts and files a compound for this endpoint.
func (e *Endpoint) sendRTCP(b *transport.Batch, rtcp []byte) {
	if !e.transport.Ready() {
		return
	}
	dst := b.Reserve()
	n := copy(dst, rtcp)
	if n = e.protectRTCP(dst, n); n > 0 {
		b.Commit(e.transport, n)
	}
}

func (e *Endpoint) protectRTCP(buf []byte, n int) int {
	e.outMu.Lock()
	defer e.outMu.Unlock()
	n, err := e.transport.EncryptRTCP(buf, n)
	if err != nil {
		return 0
	}
	return n
}
