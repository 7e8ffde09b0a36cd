package colibri

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"
)

// Payload is anything of this package that goes into a stanza.
type Payload interface{ tree() *node }

// Marshal writes a payload as XML text.
func Marshal(p Payload) []byte {
	var b strings.Builder
	p.tree().write(&b, "")
	return []byte(b.String())
}

// TokenReader gives a payload as XML tokens.
func TokenReader(p Payload) xml.TokenReader {
	return &treeTokens{todo: p.tree().tokens(nil)}
}

// MarshalXML implements xml.Marshaler.
func (m *ConferenceModify) MarshalXML(e *xml.Encoder, _ xml.StartElement) error { return encode(e, m) }

// MarshalXML implements xml.Marshaler.
func (m *ConferenceModified) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return encode(e, m)
}

// MarshalXML implements xml.Marshaler.
func (e *Error) MarshalXML(enc *xml.Encoder, _ xml.StartElement) error { return encode(enc, e) }

// MarshalXML implements xml.Marshaler.
func (s Stats) MarshalXML(e *xml.Encoder, _ xml.StartElement) error { return encode(e, s) }

func encode(e *xml.Encoder, p Payload) error {
	for _, t := range p.tree().tokens(nil) {
		if err := e.EncodeToken(t); err != nil {
			return err
		}
	}
	return nil
}

// treeTokens plays back a list of tokens.
type treeTokens struct{ todo []xml.Token }

// Token implements xml.TokenReader.
func (tt *treeTokens) Token() (xml.Token, error) {
	if len(tt.todo) == 0 {
		return nil, io.EOF
	}
	t := tt.todo[0]
	tt.todo = tt.todo[1:]
	return t, nil
}

func (n *node) tokens(out []xml.Token) []xml.Token {
	start := xml.StartElement{Name: n.name, Attr: n.attrs}
	out = append(out, start)
	if n.text != "" {
		out = append(out, xml.CharData(n.text))
	}
	for _, c := range n.children {
		out = c.tokens(out)
	}
	return append(out, start.End())
}

// write appends the element; outer is the default namespace around it.
func (n *node) write(b *strings.Builder, outer string) {
	b.WriteByte('<')
	b.WriteString(n.name.Local)
	if n.name.Space != outer && n.name.Space != "" {
		writeAttr(b, "xmlns", n.name.Space)
	}
	for _, a := range n.attrs {
		writeAttr(b, a.Name.Local, a.Value)
	}
	if n.text == "" && len(n.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	escape(b, n.text)
	for _, c := range n.children {
		c.write(b, n.name.Space)
	}
	b.WriteString("</")
	b.WriteString(n.name.Local)
	b.WriteByte('>')
}

func writeAttr(b *strings.Builder, name, value string) {
	b.WriteByte(' ')
	b.WriteString(name)
	b.WriteString("='")
	escape(b, value)
	b.WriteByte('\'')
}

// escape writes text with everything replaced that XML 1.0 does not allow.
func escape(b *strings.Builder, s string) {
	// A strings.Builder does not return errors.
	_ = xml.EscapeText(b, []byte(s))
}

// setNonEmpty sets an optional attribute.
func (n *node) setNonEmpty(name, value string) *node {
	if value != "" {
		n.set(name, value)
	}
	return n
}

// setTrue sets a boolean attribute whose default is false.
func (n *node) setTrue(name string, v bool) *node {
	if v {
		n.set(name, "true")
	}
	return n
}

func (n *node) setFlag(name string, v *bool) *node {
	if v != nil {
		n.set(name, strconv.FormatBool(*v))
	}
	return n
}

func (n *node) setInt(name string, v int64) *node { return n.set(name, strconv.FormatInt(v, 10)) }

func (m *ConferenceModify) tree() *node {
	n := newNode(Namespace, "conference-modify").
		set("meeting-id", m.MeetingID).
		setNonEmpty("name", m.Name).
		setTrue("create", m.Create).
		setTrue("expire", m.Expire).
		setFlag("rtcstats-enabled", m.RTCStatsEnabled)
	for i := range m.Endpoints {
		m.Endpoints[i].addTo(n)
	}
	if len(m.Connects) > 0 {
		cs := n.add("connects")
		for i := range m.Connects {
			m.Connects[i].addTo(cs)
		}
	}
	for i := range m.Relays {
		m.Relays[i].addTo(n)
	}
	return n
}

func (m *ConferenceModified) tree() *node {
	n := newNode(Namespace, "conference-modified")
	for i := range m.Endpoints {
		m.Endpoints[i].addTo(n)
	}
	for i := range m.Relays {
		m.Relays[i].addTo(n)
	}
	m.Sources.addTo(n)
	return n
}

func (ep *Endpoint) addTo(parent *node) {
	n := parent.add("endpoint").
		set("id", ep.ID).
		setTrue("create", ep.Create).
		setTrue("expire", ep.Expire).
		setNonEmpty("stats-id", ep.StatsID).
		setNonEmpty("muc-role", string(ep.MUCRole)).
		setFlag("diarize", ep.Diarize)
	for i := range ep.Media {
		ep.Media[i].addTo(n)
	}
	ep.Transport.addTo(n)
	ep.Sources.addTo(n)
	if fm := ep.ForceMute; fm != nil {
		n.add("force-mute").setFlag("audio", &fm.Audio).setFlag("video", &fm.Video)
	}
	for _, c := range ep.Capabilities {
		n.add("capability").set("name", string(c))
	}
	if ep.InitialLastN != nil {
		n.add("initial-last-n").setInt("value", int64(*ep.InitialLastN))
	}
}

func (r *Relay) addTo(parent *node) {
	n := parent.add("relay").
		set("id", r.ID).
		setTrue("create", r.Create).
		setTrue("expire", r.Expire).
		setNonEmpty("mesh-id", r.MeshID)
	for i := range r.Media {
		r.Media[i].addTo(n)
	}
	r.Transport.addTo(n)
	if len(r.Endpoints) > 0 {
		es := n.add("endpoints")
		for i := range r.Endpoints {
			r.Endpoints[i].addTo(es)
		}
	}
}

func (co *Connect) addTo(parent *node) {
	n := parent.add("connect").
		set("id", co.ID).
		setNonEmpty("url", co.URL).
		setNonEmpty("protocol", co.Protocol).
		setNonEmpty("type", string(co.Type)).
		setTrue("audio", co.Audio).
		setTrue("video", co.Video).
		setTrue("create", co.Create).
		setTrue("expire", co.Expire)
	for _, h := range co.Headers {
		n.add("http-header").set("name", h.Name).set("value", h.Value)
	}
	if co.Ping != nil {
		n.add("ping").
			setInt("interval", int64(co.Ping.Interval/time.Millisecond)).
			setInt("timeout", int64(co.Ping.Timeout/time.Millisecond))
	}
	addNames(n, "exports", "export", co.Exports)
	addNames(n, "requests", "request", co.Requests)
}

func addNames(parent *node, list, element string, names []string) {
	if names == nil {
		return
	}
	l := parent.add(list)
	for _, name := range names {
		l.add(element).set("name", name)
	}
}
