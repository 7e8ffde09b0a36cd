package page

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"steg/colibri"
	"steg/tests/focus"
)

// The first sections of each offer belong to what the page sends.
const (
	midAudio  = "0"
	midCamera = "1"
	midScreen = "2"
	midData   = "3" // only with SCTP
)

// session is the description that a page and the server hold in common. The
// server always offers. Sections are never removed; one whose source has gone
// is inactive until another source takes it.
type session struct {
	// Set once.
	transport *colibri.Transport
	media     []colibri.Media

	sections []section
	revision int // of the last offer
	pending  bool
	again    bool // the sources changed while an offer was pending
}

// section is one media section.
type section struct {
	mid    string
	kind   string  // audio, video, application
	own    bool    // for what the page sends
	source *source // nil: inactive
	freed  int     // revision in which it became inactive
}

func newSession(t *colibri.Transport, codec string) *session {
	s := &session{transport: t, media: focus.DefaultMedia()}
	s.sections = []section{
		{mid: midAudio, kind: "audio", own: true},
		{mid: midCamera, kind: "video", own: true},
		{mid: midScreen, kind: "video", own: true},
	}
	if t.SCTP != nil {
		s.sections = append(s.sections, section{mid: midData, kind: "application"})
	}
	// Browsers send with the first codec of an offer that they know.
	for _, m := range s.media {
		slices.SortStableFunc(m.PayloadTypes, func(a, b colibri.PayloadType) int {
			return rank(a, codec) - rank(b, codec)
		})
	}
	return s
}

func rank(p colibri.PayloadType, codec string) int {
	if strings.EqualFold(p.Name, codec) {
		return 0
	}
	return 1
}

// offer returns the next offer, or false if the page has to answer first.
func (s *session) offer(remote []source) (message, bool) {
	if s.pending {
		s.again = true
		return message{}, false
	}
	s.revision++
	s.pending, s.again = true, false
	s.assign(remote)
	out := message{Type: "offer", Revision: s.revision, SDP: s.describe(), Sources: []source{}}
	for _, sec := range s.sections {
		if sec.source != nil {
			out.Sources = append(out.Sources, source{
				Name: sec.source.Name, Kind: sec.kind, VideoType: sec.source.VideoType, Owner: sec.source.Owner, MID: sec.mid,
			})
		}
	}
	return out, true
}

// answered notes an answer and tells whether another offer is due.
func (s *session) answered(revision int) (again bool) {
	if revision != s.revision || !s.pending {
		return false
	}
	s.pending = false
	return s.again
}

// assign gives each remote source a section: the one that it has, a free one
// of its kind, or a new one.
func (s *session) assign(remote []source) {
	for i := range s.sections {
		sec := &s.sections[i]
		if sec.source == nil {
			continue
		}
		at := slices.IndexFunc(remote, func(r source) bool {
			return r.Name == sec.source.Name && slices.Equal(r.SSRCs, sec.source.SSRCs)
		})
		if at < 0 {
			sec.source, sec.freed = nil, s.revision
		}
	}
	for _, r := range remote {
		if slices.ContainsFunc(s.sections, func(sec section) bool { return sec.source != nil && sec.source.Name == r.Name }) {
			continue
		}
		at := slices.IndexFunc(s.sections, func(sec section) bool {
			return !sec.own && sec.source == nil && sec.kind == r.Kind && sec.freed < s.revision
		})
		if at < 0 {
			at = len(s.sections)
			s.sections = append(s.sections, section{mid: strconv.Itoa(at), kind: r.Kind})
		}
		s.sections[at].source = &r
	}
}

// describe writes the offer (RFC 8866, RFC 8829).
func (s *session) describe() string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\r\n", a...) }
	line("v=0")
	line("o=- 1 %d IN IP4 0.0.0.0", s.revision)
	line("s=-")
	line("t=0 0")
	mids := make([]string, len(s.sections))
	for i, sec := range s.sections {
		mids[i] = sec.mid
	}
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	line("a=extmap-allow-mixed")
	line("a=msid-semantic: WMS *")
	for i, sec := range s.sections {
		if sec.kind == "application" {
			line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
		} else {
			line("m=%s 9 UDP/TLS/RTP/SAVPF %s", sec.kind, s.payloadTypes(sec.kind))
		}
		line("c=IN IP4 0.0.0.0")
		s.describeTransport(line, i == 0)
		line("a=mid:%s", sec.mid)
		if sec.kind == "application" {
			line("a=sctp-port:%d", s.transport.SCTP.Port)
			line("a=max-message-size:262144")
			continue
		}
		s.describeMedia(line, sec)
	}
	return b.String()
}

// describeTransport writes the bridge's side of the connection; the first
// section of the bundle also has the candidates.
func (s *session) describeTransport(line func(string, ...any), candidates bool) {
	ice := s.transport.ICE
	line("a=ice-ufrag:%s", ice.Ufrag)
	line("a=ice-pwd:%s", ice.Pwd)
	for _, f := range ice.Fingerprints {
		line("a=fingerprint:%s %s", f.Hash, f.Value)
	}
	line("a=setup:actpass")
	if !candidates {
		return
	}
	for _, c := range ice.Candidates {
		related := ""
		if c.RelAddr != "" {
			related = fmt.Sprintf(" raddr %s rport %d", string(c.RelAddr), c.RelPort)
		}
		if net.ParseIP(string(c.IP)) == nil {
			continue
		}
		line("a=candidate:%s %d %s %d %s %d typ %s%s generation %d",
			c.Foundation, c.Component, c.Protocol, c.Priority, string(c.IP), c.Port, c.Type, related, c.Generation)
	}
	line("a=end-of-candidates")
}

func (s *session) describeMedia(line func(string, ...any), sec section) {
	switch {
	case sec.own:
		line("a=recvonly")
	case sec.source == nil:
		line("a=inactive")
	default:
		line("a=sendonly")
		line("a=msid:%s %s", sec.source.Owner, sec.source.Name)
	}
	line("a=rtcp-mux")
	line("a=rtcp-rsize")
	for _, m := range s.media {
		if string(m.Type) == sec.kind {
			describeCodecs(line, m)
		}
	}
	if sec.source == nil {
		return
	}
	media, rtx := sec.source.primary()
	if rtx != 0 {
		line("a=ssrc-group:FID %d %d", media, rtx)
	}
	for _, n := range []ssrc{media, rtx} {
		if n != 0 {
			line("a=ssrc:%d cname:%s", n, sec.source.Owner)
			line("a=ssrc:%d msid:%s %s", n, sec.source.Owner, sec.source.Name)
		}
	}
}

func describeCodecs(line func(string, ...any), m colibri.Media) {
	for _, h := range m.HdrExts {
		line("a=extmap:%d %s", h.ID, h.URI)
	}
	for _, p := range m.PayloadTypes {
		channels := ""
		if p.Channels > 1 {
			channels = "/" + strconv.Itoa(p.Channels)
		}
		line("a=rtpmap:%d %s/%d%s", p.ID, p.Name, p.ClockRate, channels)
		var parameters []string
		for _, f := range p.Parameters {
			// A value may hold further parameters, as Jicofo's H.264 has it.
			parameters = append(parameters, f.Name+"="+strings.TrimSuffix(f.Value, ";"))
		}
		if parameters != nil {
			line("a=fmtp:%d %s", p.ID, strings.Join(parameters, ";"))
		}
		for _, f := range p.Feedback {
			line("a=rtcp-fb:%d %s", p.ID, strings.TrimSpace(f.Type+" "+f.Subtype))
		}
	}
}

func (s *session) payloadTypes(kind string) string {
	var ids []string
	for _, m := range s.media {
		if string(m.Type) == kind {
			for _, p := range m.PayloadTypes {
				ids = append(ids, strconv.Itoa(int(p.ID)))
			}
		}
	}
	return strings.Join(ids, " ")
}
