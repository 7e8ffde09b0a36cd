package bridge

import (
	"slices"

	"steg/bridge/message"
	"steg/bridge/packet"
	"steg/colibri"
)

// maxSources bounds the sources of one endpoint.
const maxSources = 32

// applySources makes signalled the complete set of an endpoint's sources.
// Sources that stay keep their state.
func (c *Conference) applySources(e *Endpoint, signalled *colibri.Sources) {
	wanted := signalledSources(signalled)
	var kept, added []*source
	for _, w := range wanted {
		if s := e.sourceLike(w.Source); s != nil {
			kept = append(kept, s)
			if w.video != message.VideoCamera { // camera is also what is meant by nothing
				s.video = w.video
			}
			continue
		}
		w.owner = e
		if t, ok := e.announced[w.Name]; ok {
			w.video = t
			delete(e.announced, w.Name)
		}
		added = append(added, w)
	}
	for _, s := range e.sources {
		if !slices.Contains(kept, s) {
			c.retire(s)
		}
	}
	e.sources = append(kept, added...)
	e.bindSources()
	for _, s := range added {
		if s.Kind == packet.Audio && s.in != nil {
			for _, to := range c.order {
				to.hear(s)
			}
		}
	}
	c.publish()
	c.allocateSoon()
}

// bindSources tells ingress of the sources and learns its view of them.
func (e *Endpoint) bindSources() {
	list := make([]packet.Source, 0, len(e.sources))
	for _, s := range e.sources {
		list = append(list, s.Source)
	}
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.in.SetSources(list)
	for _, s := range e.sources {
		if s.in == nil {
			s.in, _ = e.in.Source(s.Encodings[0].SSRC)
		}
	}
	e.sources = slices.DeleteFunc(e.sources, func(s *source) bool { return s.in == nil })
}

func (e *Endpoint) sourceLike(p packet.Source) *source {
	for _, s := range e.sources {
		if s.Name == p.Name && s.Kind == p.Kind && slices.Equal(s.Encodings, p.Encodings) {
			return s
		}
	}
	return nil
}

func (e *Endpoint) sourceNamed(name string) *source {
	for _, s := range e.sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// signalledSources reads the sources of a request. Those without an SSRC, and
// SSRCs that an earlier source has, are left out. So are those with a name so
// long that the messages with it would not fit a bridge channel.
func signalledSources(signalled *colibri.Sources) []*source {
	var list []*source
	seen := make(map[uint32]bool)
	for i := range signalled.MediaSources {
		m := &signalled.MediaSources[i]
		s := &source{
			Source:    packet.Source{Name: m.ID, Kind: packet.Audio},
			synthetic: m.Synthetic,
			video:     message.VideoCamera,
		}
		if m.Type == colibri.Video {
			s.Kind = packet.Video
		}
		for _, enc := range encodings(m) {
			if !seen[enc.SSRC] {
				seen[enc.SSRC] = true
				s.Encodings = append(s.Encodings, enc)
			}
		}
		for _, ssrc := range m.SSRCs {
			if t, ok := parseVideoType(ssrc.VideoType); ok {
				s.video = t
			}
		}
		if len(s.Encodings) > 0 && len(list) < maxSources && len(s.Name) <= maxName {
			list = append(list, s)
		}
	}
	return list
}

// encodings reads the streams of a source: the members of its SIM group in
// order, or the one primary stream, each with its RTX stream.
func encodings(m *colibri.MediaSource) []packet.Encoding {
	rtx := make(map[uint32]uint32)
	isRTX := make(map[uint32]bool)
	var primaries []uint32
	for _, g := range m.Groups {
		switch g.Semantics {
		case colibri.SemanticsFID:
			if len(g.SSRCs) >= 2 {
				rtx[g.SSRCs[0]] = g.SSRCs[1]
				isRTX[g.SSRCs[1]] = true
			}
		case colibri.SemanticsSIM:
			primaries = append(primaries, g.SSRCs...)
		}
	}
	if primaries == nil {
		for _, s := range m.SSRCs {
			if !isRTX[s.SSRC] {
				primaries = append(primaries, s.SSRC)
				break
			}
		}
	}
	const maxEncodings = 8
	var list []packet.Encoding
	for _, ssrc := range primaries[:min(len(primaries), maxEncodings)] {
		if ssrc != 0 {
			list = append(list, packet.Encoding{SSRC: ssrc, RTX: rtx[ssrc]})
		}
	}
	return list
}
