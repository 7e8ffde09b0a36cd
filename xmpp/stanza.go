package xmpp

import (
	"encoding/xml"
	"io"
	"strings"
)

const (
	nsClient  = "jabber:client"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"

	// Bounds of one stanza. Prosody itself lets no more than 512 KiB pass.
	maxStanza = 1 << 20
	maxDepth  = 32
	maxTokens = 100_000
)

// stanza is one element of the stream, read to its end.
type stanza struct {
	kind     string // iq, presence or message; empty for anything else
	id       string
	from, to string
	typ      string
	content  []element
	tooLarge bool // beyond the bounds: content is not complete
}

// element is a child of a stanza: its tokens from start to end.
type element struct {
	name   xml.Name
	tokens []xml.Token
}

// decode reads the element into a struct with tags of encoding/xml.
func (e element) decode(v any) error {
	return xml.NewTokenDecoder(&tokenList{e.tokens}).Decode(v)
}

// tokenList plays tokens back.
type tokenList struct{ todo []xml.Token }

// Token implements xml.TokenReader.
func (t *tokenList) Token() (xml.Token, error) {
	if len(t.todo) == 0 {
		return nil, io.EOF
	}
	tok := t.todo[0]
	t.todo = t.todo[1:]
	return tok, nil
}

// child returns the first element of that name.
func (st *stanza) child(space, local string) (element, bool) {
	for _, e := range st.content {
		if e.name.Space == space && e.name.Local == local {
			return e, true
		}
	}
	return element{}, false
}

// readStanza reads the next stanza. An error means that the stream is over;
// what is merely too large is skipped and marked.
func readStanza(r xml.TokenReader) (*stanza, error) {
	start, err := nextStart(r)
	if err != nil {
		return nil, err
	}
	st := &stanza{}
	if start.Name.Space == nsClient {
		st.kind = start.Name.Local
	}
	for _, a := range start.Attr {
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "id":
			st.id = a.Value
		case "from":
			st.from = a.Value
		case "to":
			st.to = a.Value
		case "type":
			st.typ = a.Value
		}
	}
	return st, st.readContent(r)
}

func (st *stanza) readContent(r xml.TokenReader) error {
	var tokens []xml.Token
	count := 0
	for depth := 1; ; {
		tok, err := r.Token()
		if err != nil {
			return err
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth == 0 {
			return nil
		}
		if count++; count > maxTokens || depth > maxDepth {
			st.tooLarge, st.content, tokens = true, nil, nil
		}
		if st.tooLarge {
			continue
		}
		if _, text := tok.(xml.CharData); text && depth == 1 {
			continue
		}
		tokens = append(tokens, xml.CopyToken(tok))
		if end, ok := tok.(xml.EndElement); ok && depth == 1 {
			st.content = append(st.content, element{name: end.Name, tokens: tokens})
			tokens = nil
		}
	}
}

// nextStart reads the next start of an element.
func nextStart(r xml.TokenReader) (xml.StartElement, error) {
	for {
		tok, err := r.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData: // blanks between elements
		default:
			return xml.StartElement{}, errStream
		}
	}
}

// text is what builds stanzas; attribute values and content are escaped.
type text struct{ strings.Builder }

// attr appends an attribute unless it is empty.
func (t *text) attr(name, value string) {
	if value == "" {
		return
	}
	t.WriteString(" " + name + "='")
	t.escape(value)
	t.WriteByte('\'')
}

// escape appends text as content. A builder gives no errors.
func (t *text) escape(s string) { _ = xml.EscapeText(t, []byte(s)) }

// open appends the start of an element with pairs of names and values of
// attributes.
func (t *text) open(name string, attrs ...string) {
	t.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		t.attr(attrs[i], attrs[i+1])
	}
	t.WriteByte('>')
}

// close appends the end of an element.
func (t *text) close(name string) { t.WriteString("</" + name + ">") }

// bareJID cuts the resource off an address.
func bareJID(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}
