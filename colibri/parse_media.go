package colibri

import "strings"

func (p *parser) mediaType(n *node) MediaType {
	t := MediaType(strings.ToLower(p.required(n, "type")))
	if t != Audio && t != Video {
		p.fail("unknown media type")
	}
	return t
}

func (p *parser) media(n *node) Media {
	m := Media{Type: p.mediaType(n)}
	for _, c := range n.children {
		switch {
		case c.is(nsRTP, "payload-type"):
			m.PayloadTypes = append(m.PayloadTypes, p.payloadType(c))
		case c.is(nsHdrExt, "rtp-hdrext"):
			m.HdrExts = append(m.HdrExts, HdrExt{
				ID:  uint8(p.requiredNumber(c, "id", 1, 255)),
				URI: p.required(c, "uri"),
			})
		case c.is(nsHdrExt, "extmap-allow-mixed"):
			m.ExtmapAllowMixed = true
		}
	}
	return m
}

func (p *parser) payloadType(n *node) PayloadType {
	pt := PayloadType{
		ID:        uint8(p.requiredNumber(n, "id", 0, 127)),
		Name:      p.text(n, "name"),
		ClockRate: uint32(p.number(n, "clockrate", 0, 1<<32-1, 0)),
		Channels:  int(p.number(n, "channels", 1, 255, 1)),
	}
	for _, c := range n.children {
		switch {
		case c.is(nsRTP, "parameter"):
			pt.Parameters = append(pt.Parameters, Parameter{Name: p.text(c, "name"), Value: p.text(c, "value")})
		case c.is(nsFeedback, "rtcp-fb"):
			pt.Feedback = append(pt.Feedback, RTCPFeedback{Type: p.text(c, "type"), Subtype: p.text(c, "subtype")})
		}
	}
	return pt
}

func (p *parser) sources(n *node) *Sources {
	s := &Sources{}
	for _, c := range n.children {
		if c.is(Namespace, "media-source") {
			s.MediaSources = append(s.MediaSources, p.mediaSource(c))
		}
	}
	return s
}

func (p *parser) mediaSource(n *node) MediaSource {
	ms := MediaSource{
		Type:      p.mediaType(n),
		ID:        p.required(n, "id"),
		Synthetic: p.flag(n, "synthetic"),
	}
	for _, c := range n.children {
		switch {
		case c.is(nsSource, "source"):
			ms.SSRCs = append(ms.SSRCs, SSRC{
				SSRC:      p.ssrc(c),
				Name:      p.text(c, "name"),
				VideoType: strings.ToLower(p.text(c, "videoType")),
			})
		case c.is(nsSource, "ssrc-group"):
			g := SSRCGroup{Semantics: strings.ToUpper(p.required(c, "semantics"))}
			for _, s := range c.children {
				if s.is(nsSource, "source") {
					g.SSRCs = append(g.SSRCs, p.ssrc(s))
				}
			}
			ms.Groups = append(ms.Groups, g)
		}
	}
	return ms
}

func (p *parser) ssrc(n *node) uint32 { return uint32(p.requiredNumber(n, "ssrc", 0, 1<<32-1)) }
