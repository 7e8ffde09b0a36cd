package ingress

import (
	"slices"
	"sync/atomic"

	"steg/bridge/packet"
)

// Source is one signalled source of the endpoint. The same pointer stays valid
// as long as the source is signalled without change.
type Source struct {
	// Set once.
	packet.Source
	rings []*packet.Ring

	// Guarded by the ingress mutex.
	streams []*stream

	// Replaced as a whole by the ingress; read by anybody.
	layers atomic.Pointer[[]Layer]
}

// Layer is what is known of one encoding.
type Layer struct {
	Active    bool
	Height    int      // smaller side of the picture; nominal until a keyframe told
	Bitrate   int64    // bit/s over about the last second, all temporal layers
	Temporal  [4]int64 // bit/s of the temporal layers up to each
	FrameRate float64
	TIDs      uint8 // bit i: temporal layer i was seen; those above 3 count as 3

	// Operating points, lowest quality first, if packets tell their spatial
	// layer (VP9) or decode targets (dependency descriptor).
	Points []Point
}

// Ring returns the recent packets of an encoding; nil for audio.
func (s *Source) Ring(encoding int) *packet.Ring {
	if encoding < 0 || encoding >= len(s.rings) {
		return nil
	}
	return s.rings[encoding]
}

// Layers returns what is known of each encoding, as of the last change or
// Tick. It may be called from any goroutine; the slice is read-only.
func (s *Source) Layers() []Layer { return *s.layers.Load() }

func newSource(described packet.Source, streams []*stream) *Source {
	described.Encodings = slices.Clone(described.Encodings)
	s := &Source{Source: described, streams: streams, rings: make([]*packet.Ring, len(streams))}
	for i, st := range streams {
		st.source, st.encoding = s, i
		st.ssrc, st.rtx = described.Encodings[i].SSRC, described.Encodings[i].RTX
		s.rings[i] = st.ring
	}
	layers := make([]Layer, len(streams))
	for i, st := range streams {
		layers[i] = st.layer(rates{})
	}
	s.layers.Store(&layers)
	return s
}

// describes tells whether the source is exactly as described.
func (s *Source) describes(d packet.Source) bool {
	return s.Name == d.Name && s.Kind == d.Kind && slices.Equal(s.Encodings, d.Encodings)
}

// change publishes new facts of one encoding and keeps the rates.
func (s *Source) change(st *stream) {
	layers := slices.Clone(s.Layers())
	layers[st.encoding] = st.layer(st.meter.latest)
	s.layers.Store(&layers)
}
