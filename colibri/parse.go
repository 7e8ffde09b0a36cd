package colibri

import (
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ParseModify reads a conference-modify element. A request that does not
// have the required form gives an *Error with condition bad-request.
func ParseModify(doc []byte) (*ConferenceModify, error) {
	return parseAs(doc, modifyOf)
}

// ReadModify is ParseModify for a stream whose start element has been read.
// It consumes the element to its end unless the stream itself breaks, which
// is the only error that is not an *Error.
func ReadModify(r xml.TokenReader, start xml.StartElement) (*ConferenceModify, error) {
	return readAs(r, start, modifyOf)
}

// ParseModified reads a conference-modified element.
func ParseModified(doc []byte) (*ConferenceModified, error) {
	return parseAs(doc, modifiedOf)
}

// ReadModified is ParseModified for a stream whose start element has been
// read.
func ReadModified(r xml.TokenReader, start xml.StartElement) (*ConferenceModified, error) {
	return readAs(r, start, modifiedOf)
}

func modifyOf(n *node) (*ConferenceModify, error) {
	if !n.is(Namespace, "conference-modify") {
		return nil, badRequest("not a conference-modify")
	}
	var p parser
	m := &ConferenceModify{
		MeetingID:       p.required(n, "meeting-id"),
		Name:            p.text(n, "name"),
		Create:          p.flag(n, "create"),
		Expire:          p.flag(n, "expire"),
		RTCStatsEnabled: p.optionalFlag(n, "rtcstats-enabled"),
	}
	for _, c := range n.children {
		switch {
		case c.is(Namespace, "endpoint"):
			m.Endpoints = append(m.Endpoints, p.endpoint(c))
		case c.is(Namespace, "relay"):
			m.Relays = append(m.Relays, p.relay(c))
		case c.is(Namespace, "connects"):
			for _, cc := range c.children {
				if cc.is(Namespace, "connect") {
					m.Connects = append(m.Connects, p.connect(cc))
				}
			}
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func modifiedOf(n *node) (*ConferenceModified, error) {
	if !n.is(Namespace, "conference-modified") {
		return nil, badRequest("not a conference-modified")
	}
	var p parser
	m := &ConferenceModified{}
	for _, c := range n.children {
		switch {
		case c.is(Namespace, "endpoint"):
			m.Endpoints = append(m.Endpoints, p.endpoint(c))
		case c.is(Namespace, "relay"):
			m.Relays = append(m.Relays, p.relay(c))
		case c.is(Namespace, "sources"):
			m.Sources = p.sources(c)
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

// parser maps trees to values and remembers the first thing that is wrong.
type parser struct{ err *Error }

func (p *parser) fail(text string) {
	if p.err == nil {
		p.err = badRequest(text)
	}
}

func (p *parser) text(n *node, name string) string {
	v, _ := n.attr(name)
	return v
}

func (p *parser) required(n *node, name string) string {
	v, _ := n.attr(name)
	if strings.TrimSpace(v) == "" {
		p.fail(n.name.Local + " without " + name)
	}
	return v
}

func (p *parser) flag(n *node, name string) bool { return isTrue(p.text(n, name)) }

func (p *parser) optionalFlag(n *node, name string) *bool {
	v, ok := n.attr(name)
	if !ok {
		return nil
	}
	b := isTrue(v)
	return &b
}

// number reads an optional attribute within bounds; absent gives absent.
func (p *parser) number(n *node, name string, low, high, absent int64) int64 {
	s, ok := n.attr(name)
	if !ok {
		return absent
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < low || v > high {
		p.fail("bad number: " + n.name.Local + " " + name)
		return absent
	}
	return v
}

// requiredNumber reads an attribute that has to be there.
func (p *parser) requiredNumber(n *node, name string, low, high int64) int64 {
	if _, ok := n.attr(name); !ok {
		p.fail(n.name.Local + " without " + name)
	}
	return p.number(n, name, low, high, 0)
}

func (p *parser) endpoint(n *node) Endpoint {
	ep := Endpoint{
		ID:      p.required(n, "id"),
		Create:  p.flag(n, "create"),
		Expire:  p.flag(n, "expire"),
		StatsID: p.text(n, "stats-id"),
		MUCRole: p.mucRole(n),
		Diarize: p.optionalFlag(n, "diarize"),
	}
	for _, c := range n.children {
		if c.name.Space != Namespace {
			continue
		}
		switch c.name.Local {
		case "media":
			ep.Media = append(ep.Media, p.media(c))
		case "transport":
			ep.Transport = p.transport(c)
		case "sources":
			ep.Sources = p.sources(c)
		case "force-mute":
			ep.ForceMute = &ForceMute{Audio: p.flag(c, "audio"), Video: p.flag(c, "video")}
		case "capability":
			ep.Capabilities = append(ep.Capabilities, Capability(p.required(c, "name")))
		case "initial-last-n":
			v := int(p.requiredNumber(c, "value", -1, 1<<31-1))
			ep.InitialLastN = &v
		}
	}
	return ep
}

func (p *parser) mucRole(n *node) MUCRole {
	v, ok := n.attr("muc-role")
	if !ok {
		return ""
	}
	role := MUCRole(strings.ToLower(v))
	switch role {
	case RoleModerator, RoleNone, RoleParticipant, RoleVisitor:
	default:
		p.fail("unknown muc-role")
	}
	return role
}

func (p *parser) relay(n *node) Relay {
	r := Relay{
		ID:     p.required(n, "id"),
		Create: p.flag(n, "create"),
		Expire: p.flag(n, "expire"),
		MeshID: p.text(n, "mesh-id"),
	}
	for _, c := range n.children {
		if c.name.Space != Namespace {
			continue
		}
		switch c.name.Local {
		case "media":
			r.Media = append(r.Media, p.media(c))
		case "transport":
			r.Transport = p.transport(c)
		case "endpoints":
			for _, e := range c.children {
				if e.is(Namespace, "endpoint") {
					r.Endpoints = append(r.Endpoints, p.endpoint(e))
				}
			}
		}
	}
	return r
}

func (p *parser) connect(n *node) Connect {
	co := Connect{
		ID:       p.required(n, "id"),
		URL:      p.text(n, "url"),
		Protocol: p.text(n, "protocol"),
		Type:     ConnectType(strings.ToLower(p.text(n, "type"))),
		Audio:    p.flag(n, "audio"),
		Video:    p.flag(n, "video"),
		Create:   p.flag(n, "create"),
		Expire:   p.flag(n, "expire"),
	}
	p.checkConnect(&co)
	for _, c := range n.children {
		if c.name.Space != Namespace {
			continue
		}
		switch c.name.Local {
		case "http-header":
			co.Headers = append(co.Headers, p.httpHeader(c))
		case "ping":
			const most = int64(24 * time.Hour / time.Millisecond)
			co.Ping = &Ping{
				Interval: time.Duration(p.requiredNumber(c, "interval", 1, most)) * time.Millisecond,
				Timeout:  time.Duration(p.requiredNumber(c, "timeout", 1, most)) * time.Millisecond,
			}
		case "exports":
			co.Exports = p.names(c, "export")
		case "requests":
			co.Requests = p.names(c, "request")
		}
	}
	return co
}

// checkConnect refuses what no bridge can dial. An element that only
// expires needs no more than its id.
func (p *parser) checkConnect(co *Connect) {
	if !co.Expire || co.URL != "" {
		u, err := url.Parse(co.URL)
		if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" {
			p.fail("connect url is not a web socket")
		}
	}
	if (!co.Expire || co.Protocol != "") && !strings.EqualFold(co.Protocol, ProtocolMediaJSON) {
		p.fail("unknown connect protocol")
	}
	switch co.Type {
	case "", ConnectTranscriber, ConnectRecorder, ConnectTranslator:
	default:
		p.fail("unknown connect type")
	}
}

func (p *parser) httpHeader(n *node) HTTPHeader {
	name := p.required(n, "name")
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			p.fail("bad http-header name")
			break
		}
	}
	strip := strings.NewReplacer("\r", "", "\n", "")
	return HTTPHeader{Name: name, Value: strip.Replace(p.text(n, "value"))}
}

// names lists the name attributes of children; never nil.
func (p *parser) names(n *node, local string) []string {
	out := []string{}
	for _, c := range n.children {
		if c.is(Namespace, local) {
			out = append(out, p.required(c, "name"))
		}
	}
	return out
}
