package colibri

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Bounds of one stanza. The largest real ones are relays' endpoint lists:
// a few hundred kilobytes, depth 8.
const (
	maxBytes    = 4 << 20
	maxDepth    = 24
	maxElements = 100_000
)

// node is one XML element. Attributes without namespace only.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	children []*node
	text     string
	raw      []byte // text while it is being read
}

func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func (n *node) is(space, local string) bool {
	return n.name.Local == local && n.name.Space == space
}

// add appends a child in n's namespace and returns it.
func (n *node) add(local string) *node { return n.addNS(n.name.Space, local) }

func (n *node) addNS(space, local string) *node {
	c := newNode(space, local)
	n.children = append(n.children, c)
	return c
}

func newNode(space, local string) *node {
	return &node{name: xml.Name{Space: space, Local: local}}
}

func (n *node) set(name, value string) *node {
	n.attrs = append(n.attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	return n
}

// remove drops an attribute.
func (n *node) remove(name string) {
	n.attrs = slices.DeleteFunc(n.attrs, func(a xml.Attr) bool { return a.Name.Local == name })
}

// treeReader builds a tree within the bounds. Beyond them it goes on
// reading, so that the stream stays at a stanza border, but keeps nothing.
type treeReader struct {
	tokens   xml.TokenReader
	elements int
	bytes    int
	exceeded bool
}

// readTree reads the element whose start has been read already, to its end.
func readTree(r xml.TokenReader, start xml.StartElement) (*node, error) {
	tr := treeReader{tokens: r}
	root := tr.open(nil, start)
	stack := []*node{root}
	for depth := 1; depth > 0; {
		tok, err := tr.tokens.Token()
		if tok == nil && err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			depth++
			if depth > maxDepth {
				tr.exceeded = true
			}
			if !tr.exceeded {
				stack = append(stack, tr.open(stack[len(stack)-1], t))
			}
		case xml.EndElement:
			depth--
			if !tr.exceeded {
				stack[len(stack)-1].close()
				stack = stack[:len(stack)-1]
			}
		case xml.CharData:
			tr.chars(stack, t)
		}
		if err != nil && depth > 0 && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	if tr.exceeded {
		return nil, badRequest("stanza is too large")
	}
	return root, nil
}

func (tr *treeReader) open(parent *node, t xml.StartElement) *node {
	n := &node{name: t.Name}
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			n.attrs = append(n.attrs, a)
			tr.bytes += len(a.Value)
		}
	}
	tr.elements++
	tr.bytes += 64
	if tr.elements > maxElements || tr.bytes > maxBytes {
		tr.exceeded = true
	}
	if parent != nil {
		parent.children = append(parent.children, n)
	}
	return n
}

func (tr *treeReader) chars(stack []*node, t xml.CharData) {
	if tr.exceeded {
		return
	}
	n := stack[len(stack)-1]
	n.raw = append(n.raw, t...)
	tr.bytes += len(t)
	tr.exceeded = tr.bytes > maxBytes
}

func (n *node) close() {
	n.text = string(bytes.TrimSpace(n.raw))
	n.raw = nil
}

// parseTree reads the first element of a document. Only blank characters,
// comments and the like may surround it.
func parseTree(doc []byte) (*node, error) {
	if len(doc) > maxBytes {
		return nil, badRequest("stanza is too large")
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, badRequest("not well-formed XML")
		}
		if start, ok := tok.(xml.StartElement); ok {
			n, err := readTree(d, start)
			if err != nil {
				return nil, asError(err)
			}
			return n, nil
		}
	}
}

// asError keeps an *Error and turns anything else into bad-request.
func asError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return badRequest("not well-formed XML")
}

// isTrue is Colibri's boolean: "true" in any case, and nothing else.
func isTrue(s string) bool { return strings.EqualFold(s, "true") }

// parseAs reads a document as what of makes of its tree.
func parseAs[T any](doc []byte, of func(*node) (T, error)) (T, error) {
	n, err := parseTree(doc)
	if err != nil {
		var none T
		return none, err
	}
	return of(n)
}

// readAs is parseAs for a stream whose start element has been read.
func readAs[T any](r xml.TokenReader, start xml.StartElement, of func(*node) (T, error)) (T, error) {
	n, err := readTree(r, start)
	if err != nil {
		var none T
		return none, err
	}
	return of(n)
}
