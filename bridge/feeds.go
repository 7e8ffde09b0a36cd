package bridge

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/message"
	"steg/bridge/packet"
)

// A feed is a source as one receiver gets it: the projection, and the SSRCs
// under which it appears there. A receiver without SSRC rewriting knows the
// source from the focus, so it gets the source's own SSRC. A receiver with
// SSRC rewriting gets SSRCs of ours, told over its channel before the first
// packet; when a source goes, its SSRCs are used again for the next one.
//
// An SSRC that was used once keeps its projection for as long as the receiver
// lives: its numbers go on where they stopped, so that no SRTP index is ever
// used twice.
type feed struct {
	projection *egress.Projection
	out        egress.Output
	kind       packet.Kind
	wanted     bool // video: the receiver's constraints allow it
}

// maxRetired bounds the projections kept for SSRCs of sources that are gone.
const maxRetired = 512

// hear makes an audio source audible for a receiver; it reports whether it was
// not before.
func (e *Endpoint) hear(s *source) bool {
	if s.owner == e && !s.synthetic || !e.acceptsAudio.Load() || e.feeds[s] != nil {
		return false
	}
	return e.openAudio(s) != nil
}

// audioFrom opens the audio sources of another endpoint.
func (e *Endpoint) audioFrom(other *Endpoint) {
	for _, s := range other.sources {
		if s.Kind == packet.Audio {
			e.hear(s)
		}
	}
}

// open gives a source its place at this receiver; nil when there is none.
func (e *Endpoint) open(s *source) *feed {
	f := e.placeFor(s)
	if f == nil {
		e.conference.bridge.counters.noSlot.Add(1)
		return nil
	}
	e.bind(s, f)
	if e.rewriting {
		e.announce(s, f)
	}
	return f
}

// bind puts a source into a place at this receiver.
func (e *Endpoint) bind(s *source, f *feed) {
	options := egress.ProjectionOptions{
		Source:             s.Source,
		SenderPayloadTypes: s.owner.payloadTypes,
		SenderExtensions:   s.owner.extensions,
		Out:                f.out,
	}
	for eid := range s.Encodings {
		options.Rings = append(options.Rings, s.in.Ring(eid))
	}
	e.outMu.Lock()
	if f.projection == nil {
		f.projection = e.out.AddProjection(options)
	} else {
		e.out.RebindProjection(f.projection, options)
	}
	e.origin[f.projection] = &origin{source: s}
	e.outMu.Unlock()
	e.feeds[s] = f
}

// placeFor finds the outgoing SSRCs for a source.
func (e *Endpoint) placeFor(s *source) *feed {
	if !e.rewriting {
		return e.ownPlace(s)
	}
	for ssrc, f := range e.retired {
		if f.kind == s.Kind {
			delete(e.retired, ssrc)
			return f
		}
	}
	limit, used := e.conference.bridge.cfg.Media.SSRCLimitVideo, 0
	if s.Kind == packet.Audio {
		limit = e.conference.bridge.cfg.Media.SSRCLimitAudio
	}
	for other := range e.feeds {
		if other.Kind == s.Kind {
			used++
		}
	}
	if used >= limit {
		return nil
	}
	return e.newSlot(s.Kind)
}

// ownPlace is where a receiver without SSRC rewriting expects a source. Two
// projections must never write to one SSRC, whatever participants announce:
// the receiver would take their packets for one stream, and so would SRTP. A
// source whose SSRC is in use has no place, one whose RTX SSRC is in use does
// without.
func (e *Endpoint) ownPlace(s *source) *feed {
	out := egress.Output{SSRC: s.Encodings[0].SSRC, RTX: s.Encodings[0].RTX}
	old := e.retired[out.SSRC]
	if old != nil && old.kind == s.Kind && old.out.RTX == out.RTX {
		delete(e.retired, out.SSRC)
		return old
	}
	if old != nil {
		delete(e.retired, out.SSRC)
		e.drop(old) // the numbers of the SSRC go on with the projection that follows
	}
	if e.occupied[out.SSRC] {
		return nil
	}
	if out.RTX == out.SSRC || e.occupied[out.RTX] {
		out.RTX = 0
	}
	e.occupied[out.SSRC] = true
	if out.RTX != 0 {
		e.occupied[out.RTX] = true
	}
	return &feed{out: out, kind: s.Kind}
}

// drop forgets a projection for good.
func (e *Endpoint) drop(f *feed) {
	delete(e.occupied, f.out.SSRC)
	delete(e.occupied, f.out.RTX)
	e.outMu.Lock()
	e.out.RemoveProjection(f.projection)
	e.outMu.Unlock()
}

// newSlot makes SSRCs that no source has, and the media id of the slot.
func (e *Endpoint) newSlot(kind packet.Kind) *feed {
	f := &feed{out: egress.Output{SSRC: randomSSRC(), RTX: randomSSRC()}, kind: kind}
	if e.midDemux {
		prefix, n := "a", &e.audioSlots
		if kind == packet.Video {
			prefix, n = "v", &e.videoSlots
		}
		f.out.MID = prefix + strconv.Itoa(*n)
		*n++
	}
	return f
}

func randomSSRC() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return max(1, binary.BigEndian.Uint32(b[:]))
}

// announce tells a receiver with SSRC rewriting what stands behind a slot.
func (e *Endpoint) announce(s *source, f *feed) {
	if s.Kind == packet.Video {
		e.outbox.VideoMappings(message.VideoSource{
			Source: s.Name, Owner: s.owner.id, SSRC: f.out.SSRC, RTX: int64(f.out.RTX), VideoType: s.video, MID: f.out.MID,
		})
		return
	}
	e.outbox.AudioMappings(message.AudioSource{
		Source: s.Name, Owner: s.owner.id, SSRC: f.out.SSRC, MID: f.out.MID,
	})
}

// closeFeed ends what this receiver gets of a source; its SSRCs wait for the next.
func (e *Endpoint) closeFeed(s *source) {
	f := e.feeds[s]
	if f == nil {
		return
	}
	delete(e.feeds, s)
	f.projection.SetTarget(allocation.Suspended)
	e.outMu.Lock()
	delete(e.origin, f.projection)
	e.out.ReleaseProjection(f.projection)
	e.outMu.Unlock()
	if e.rewriting {
		e.outbox.Unmap(f.out.SSRC)
	}
	if len(e.retired) < maxRetired {
		e.retired[f.out.SSRC] = f
		return
	}
	e.drop(f)
}

// retire ends a source for everybody.
func (c *Conference) retire(s *source) {
	for _, to := range c.order {
		to.closeFeed(s)
	}
	s.owner.outbox.SenderConstraints(s.Name, nil)
}

// rebind makes receivers learn the numbers of payload types and extensions
// that a sender has added, and lets it hear what it can take by now.
func (c *Conference) rebind(owner *Endpoint) {
	for _, s := range owner.sources {
		for _, to := range c.order {
			if f := to.feeds[s]; f != nil {
				to.bind(s, f)
			}
		}
	}
	for _, other := range c.order {
		if other != owner {
			owner.audioFrom(other)
		}
	}
	c.publish()
}
