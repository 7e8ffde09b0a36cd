package configs

import (
	"fmt"
	"strings"
)

// parser reads one file. It works on the text directly: HOCON's tokens depend
// on their place (a dot separates keys but not numbers), so that a separate
// lexer would need to know nearly as much.
type parser struct {
	src     string
	off     int
	line    int
	file    string
	prefix  []string // key under which the file is included
	path    []string // key of the object being read, prefix included
	inArray int      // lists around the current place
	depth   int
	loader  *loader
}

// parse reads a whole file into an object.
func (p *parser) parse() (*object, error) {
	p.src = strings.TrimPrefix(p.src, "\uFEFF")
	p.line = 1
	p.skip()
	if p.peek() == '[' {
		return nil, p.errorf("the file is a list, expected keys with values")
	}
	braces := p.peek() == '{'
	if braces {
		p.off++
	}
	o := newObject()
	if err := p.fields(o, braces); err != nil {
		return nil, err
	}
	p.skip()
	if !p.end() {
		return nil, p.errorf("unexpected %q after the end of the configuration", p.peek())
	}
	return o, nil
}

// fields reads "key = value" pairs up to the closing brace, which it eats, or
// up to the end of the file.
func (p *parser) fields(o *object, braces bool) error {
	for {
		p.skip()
		switch {
		case p.end() && braces:
			return p.errorf("the file ends, but a { is not closed")
		case p.end():
			return nil
		case p.peek() == '}':
			if !braces {
				return p.errorf("a } without {")
			}
			p.off++
			return nil
		}
		if err := p.field(o); err != nil {
			return err
		}
		if err := p.separator('}'); err != nil {
			return err
		}
	}
}

// separator reads what must stand between two fields or list items: a line
// end, a comma, or nothing before the closing character.
func (p *parser) separator(closing byte) error {
	line := p.line
	p.skip()
	if p.peek() == ',' {
		p.off++
		p.skip()
		if p.peek() == ',' {
			return p.errorf("two commas in a row")
		}
		return nil
	}
	if p.end() || p.peek() == closing || p.line > line {
		return nil
	}
	return p.errorf("unexpected %q; a value with such characters needs quotes", p.peek())
}

func (p *parser) field(o *object) error {
	if p.atInclude() {
		return p.include(o)
	}
	key, err := p.key()
	if err != nil {
		return err
	}
	at := p.at()
	p.skip()
	appended := false
	switch {
	case p.peek() == '{':
	case p.peek() == '=' || p.peek() == ':':
		p.off++
	case strings.HasPrefix(p.src[p.off:], "+="):
		p.off += 2
		appended = true
	default:
		return fmt.Errorf("%s: %s has no value; expected =, : or {", at, strings.Join(key, "."))
	}
	p.skip()
	if p.endOfValue() {
		return fmt.Errorf("%s: %s has no value", at, strings.Join(key, "."))
	}

	outer := p.path
	p.path = append(append([]string{}, outer...), key...)
	v, err := p.value()
	full := p.path
	p.path = outer
	if err != nil {
		return err
	}
	if appended {
		if p.inArray > 0 {
			return p.errorf("+= inside a list is not supported")
		}
		old := &value{at: v.at, kind: kindRef, path: full, optional: true}
		list := &value{at: v.at, kind: kindArray, items: []*value{v}}
		v = &value{at: v.at, kind: kindConcat, items: []*value{old, list}}
	}
	o.put(key, v)
	return nil
}

// key reads a dotted key such as a."b.c".d; white space inside is kept, as
// HOCON has it.
func (p *parser) key() ([]string, error) {
	var path []string
	var element strings.Builder
	quoted := false
	for {
		switch c := p.peek(); {
		case c == '"':
			s, err := p.quotedText()
			if err != nil {
				return nil, err
			}
			element.WriteString(s)
			quoted = true
		case c == '.' || p.end() || strings.IndexByte(":={}[],#\n\"$", c) >= 0 ||
			strings.HasPrefix(p.src[p.off:], "+=") || strings.HasPrefix(p.src[p.off:], "//"):
			name := element.String()
			if !quoted {
				name = strings.TrimSpace(name)
			}
			if name == "" && !quoted || len(path) == maxPathLength {
				return nil, p.errorf("expected a key")
			}
			path = append(path, strings.TrimSpace(name))
			if c != '.' {
				return path, nil
			}
			element.Reset()
			quoted = false
			p.off++
		default:
			element.WriteByte(c)
			p.off++
		}
	}
}

// value reads everything that belongs to one value, that is all parts up to
// the end of the line, a comma or a closing bracket.
func (p *parser) value() (*value, error) {
	at := p.at()
	var parts []*value
	for {
		blank := p.blanks()
		if p.endOfValue() {
			break
		}
		part, err := p.part()
		if err != nil {
			return nil, err
		}
		if blank != "" && len(parts) > 0 {
			parts = append(parts, &value{at: p.at(), kind: kindText, text: blank, blank: true})
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, p.errorf("expected a value")
	}
	return concat(at, parts)
}

// concat joins the parts of one value as far as that is possible before
// substitutions are known.
func concat(at position, parts []*value) (*value, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	texts, objects, arrays, refs := 0, 0, 0, 0
	for _, part := range parts {
		switch {
		case part.blank:
		case part.kind == kindObject:
			objects++
		case part.kind == kindArray:
			arrays++
		case part.kind == kindRef:
			refs++
		default:
			texts++
		}
	}
	if (texts > 0 && objects+arrays > 0) || (objects > 0 && arrays > 0) {
		return nil, fmt.Errorf("%s: text, objects and lists cannot be joined; is a comma or a line end missing?", at)
	}
	if texts == 0 && objects+arrays > 0 {
		kept := parts[:0]
		for _, part := range parts {
			if !part.blank {
				kept = append(kept, part)
			}
		}
		return &value{at: at, kind: kindConcat, items: kept}, nil
	}
	if refs > 0 {
		return &value{at: at, kind: kindConcat, items: parts}, nil
	}
	var b strings.Builder
	for _, part := range parts {
		if part.kind == kindNull {
			b.WriteString("null")
		}
		b.WriteString(part.text)
	}
	return textValue(at, b.String()), nil
}

// part reads one quoted text, object, list, substitution or unquoted text.
func (p *parser) part() (*value, error) {
	at := p.at()
	switch p.peek() {
	case '"':
		s, err := p.quotedText()
		return textValue(at, s), err
	case '{':
		return p.nested(func() (*value, error) {
			o := newObject()
			return objectValue(at, o), p.fields(o, true)
		})
	case '[':
		return p.nested(func() (*value, error) { return p.array(at) })
	case '$':
		return p.substitution(at)
	}
	start := p.off
	for !p.end() && !p.endOfText() {
		p.off++
	}
	text := p.src[start:p.off]
	switch text {
	case "":
		return nil, p.errorf("unexpected %q; a value with such characters needs quotes", p.peek())
	case "null":
		return &value{at: at, kind: kindNull}, nil
	}
	return textValue(at, text), nil
}

// nested reads the inside of a bracket whose opening character is next.
func (p *parser) nested(read func() (*value, error)) (*value, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.errorf("more than %d brackets inside each other", maxNesting)
	}
	p.off++
	v, err := read()
	p.depth--
	return v, err
}

func (p *parser) array(at position) (*value, error) {
	p.inArray++
	defer func() { p.inArray-- }()
	list := &value{at: at, kind: kindArray}
	for {
		p.skip()
		if p.end() {
			return nil, fmt.Errorf("%s: a [ is not closed", at)
		}
		if p.peek() == ']' {
			p.off++
			return list, nil
		}
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
		if err := p.separator(']'); err != nil {
			return nil, err
		}
	}
}

// substitution reads ${path} or ${?path}.
func (p *parser) substitution(at position) (*value, error) {
	if !strings.HasPrefix(p.src[p.off:], "${") {
		return nil, p.errorf("unexpected $; quote it, or write ${key}")
	}
	p.off += 2
	ref := &value{at: at, kind: kindRef, prefix: p.prefix}
	if p.peek() == '?' {
		ref.optional = true
		p.off++
	}
	path, err := p.key()
	if err != nil {
		return nil, err
	}
	if p.peek() != '}' {
		return nil, p.errorf("a ${ is not closed")
	}
	p.off++
	ref.path = path
	return ref, nil
}
