package xmpp

import (
	"encoding/xml"
	"errors"
	"strings"
	"sync"

	"steg/colibri"
)

const (
	nsPing    = "urn:xmpp:ping"
	nsVersion = "jabber:iq:version"
	nsDisco   = "http://jabber.org/protocol/disco#info"
)

// maxErrorText bounds the text of an error that is not a *colibri.Error.
const maxErrorText = 200

// iq takes an IQ: an answer to one of ours, or a request.
func (s *session) iq(st *stanza) {
	switch {
	case st.typ == "result" || st.typ == "error":
		s.answered(st)
	case st.id == "": // cannot be answered (RFC 6120 section 8.1.3)
	case st.typ != "get" && st.typ != "set":
		s.refuse(st, colibri.BadRequest, "unknown type")
	case st.tooLarge:
		s.refuse(st, colibri.BadRequest, "stanza is too large")
		s.account.broken.Hit()
	case len(st.content) == 0:
		s.refuse(st, colibri.BadRequest, "no payload")
	default:
		s.requested(st, st.content[0])
	}
}

// answered hands an answer to whoever waits for it. It counts only if it
// comes from where the request went.
func (s *session) answered(st *stanza) {
	s.mu.Lock()
	p, ok := s.pending[st.id]
	if ok = ok && strings.EqualFold(p.to, st.from); ok {
		delete(s.pending, st.id)
	}
	s.mu.Unlock()
	if ok {
		p.done(st)
	}
}

// requested dispatches a request. Ping and disco are for everybody who can
// reach the bridge, the rest is for occupants of the brewery.
func (s *session) requested(st *stanza, payload element) {
	switch payload.name {
	case xml.Name{Space: nsPing, Local: "ping"}:
		s.reply(st, "")
	case xml.Name{Space: nsDisco, Local: "query"}:
		s.disco(st, payload)
	case xml.Name{Space: colibri.Namespace, Local: "conference-modify"}:
		s.authorised(st, payload, s.modify)
	case xml.Name{Space: colibri.NamespaceHealthcheck, Local: "healthcheck"}:
		s.authorised(st, payload, s.health)
	case xml.Name{Space: nsVersion, Local: "query"}:
		s.authorised(st, payload, s.version)
	case xml.Name{Space: colibri.NamespaceColibri, Local: "graceful-shutdown"},
		xml.Name{Space: colibri.NamespaceColibri, Local: "force-shutdown"}:
		s.authorised(st, payload, s.shutdown)
	default:
		s.refuse(st, colibri.FeatureNotImplemented, "")
	}
}

// authorised passes a request on if it comes from an occupant of one of this
// account's breweries: whoever may enter the room may control the bridge.
func (s *session) authorised(st *stanza, payload element, handle func(*stanza, element)) {
	bare := bareJID(st.from)
	for _, r := range s.account.rooms {
		if strings.EqualFold(bare, r) {
			handle(st, payload)
			return
		}
	}
	s.account.strange.Hit()
	s.refuse(st, colibri.Forbidden, "")
}

// modify hands a request of the focus to the bridge.
func (s *session) modify(st *stanza, payload element) {
	start, _ := payload.tokens[0].(xml.StartElement)
	req, err := colibri.ReadModify(&tokenList{payload.tokens[1:]}, start)
	if err != nil {
		s.account.broken.Hit()
		var e *colibri.Error
		if !errors.As(err, &e) {
			e = colibri.NewError(colibri.BadRequest, "not a conference-modify")
		}
		s.fail(st, e)
		return
	}
	st.content = nil // the request may wait for long
	var once sync.Once
	s.account.client.bridge.Modify(s.ctx, req, func(answer *colibri.ConferenceModified, err error) {
		once.Do(func() { s.modified(st, answer, err) })
	})
}

// modified sends the bridge's answer, from whatever goroutine.
func (s *session) modified(st *stanza, answer *colibri.ConferenceModified, err error) {
	var e *colibri.Error
	switch {
	case errors.As(err, &e):
		s.fail(st, e)
	case err != nil || answer == nil:
		// The text of an unforeseen error is nobody's business.
		s.refuse(st, colibri.InternalServerError, "internal error")
	default:
		s.reply(st, string(colibri.Marshal(answer)))
	}
}

func (s *session) health(st *stanza, _ element) {
	if err := s.account.client.status.Healthy(); err != nil {
		s.refuse(st, colibri.InternalServerError, shorten(err.Error()))
		return
	}
	s.reply(st, "")
}

// version answers XEP-0092. Focus and monitoring expect the name of the
// Jitsi Videobridge. The operating system is left out on purpose.
func (s *session) version(st *stanza, _ element) {
	var t text
	t.open("query", "xmlns", nsVersion)
	t.WriteString("<name>JVB</name><version>")
	t.escape(s.account.client.version)
	t.WriteString("</version>")
	t.close("query")
	s.reply(st, t.String())
}

// shutdown refuses what bridges understood once; signals and REST do it now.
func (s *session) shutdown(st *stanza, _ element) {
	s.refuse(st, colibri.ServiceUnavailable, "Unsupported IQ request")
}

// disco answers XEP-0030 with the features that bridges announce.
func (s *session) disco(st *stanza, payload element) {
	var query struct {
		Node string `xml:"node,attr"`
	}
	if err := payload.decode(&query); err != nil || query.Node != "" {
		s.refuse(st, colibri.ItemNotFound, "")
		return
	}
	var t text
	t.open("query", "xmlns", nsDisco)
	t.WriteString("<identity category='client' type='bot' name='Steg'/>")
	for _, feature := range []string{
		nsDisco, nsPing, nsVersion, colibri.NamespaceHealthcheck, colibri.Namespace,
		"urn:xmpp:jingle:apps:dtls:0", "urn:xmpp:jingle:transports:ice-udp:1",
	} {
		t.open("feature", "var", feature)
		t.close("feature")
	}
	t.close("query")
	s.reply(st, t.String())
}

// reply sends a result.
func (s *session) reply(st *stanza, payload string) { s.answer(st, "result", payload) }

// refuse sends an error without Colibri's additions.
func (s *session) refuse(st *stanza, c colibri.Condition, text string) {
	s.fail(st, colibri.NewError(c, text))
}

// fail sends an error.
func (s *session) fail(st *stanza, e *colibri.Error) {
	s.answer(st, "error", string(colibri.Marshal(e)))
}

func (s *session) answer(st *stanza, typ, payload string) {
	var t text
	t.open("iq", "type", typ, "id", st.id, "from", st.to, "to", st.from)
	t.WriteString(payload)
	t.close("iq")
	s.send(t.String())
}

func shorten(s string) string {
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "")
	}
	return s
}
