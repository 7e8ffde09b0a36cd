package configs

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (p *parser) end() bool { return p.off >= len(p.src) }

func (p *parser) at() position { return position{file: p.file, line: p.line} }

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", p.at(), fmt.Sprintf(format, args...))
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.end() {
		return 0
	}
	return p.src[p.off]
}

// blanks eats white space inside a line and returns it.
func (p *parser) blanks() string {
	start := p.off
	for !p.end() {
		r, n := utf8.DecodeRuneInString(p.src[p.off:])
		if r != ' ' && r != '\t' && r != '\r' && r != '\u00a0' && r != '\uFEFF' {
			break
		}
		p.off += n
	}
	return p.src[start:p.off]
}

// skip eats white space, comments and line ends.
func (p *parser) skip() {
	for {
		p.blanks()
		switch {
		case p.atComment():
			for !p.end() && p.peek() != '\n' {
				p.off++
			}
		case p.peek() == '\n':
			p.off++
			p.line++
		default:
			return
		}
	}
}

func (p *parser) atComment() bool {
	return p.peek() == '#' || strings.HasPrefix(p.src[p.off:], "//")
}

func (p *parser) endOfValue() bool {
	return p.end() || p.atComment() || strings.IndexByte("\n,}]", p.peek()) >= 0
}

// endOfText reports whether unquoted text ends here. More characters may
// stand in it than in strict HOCON: what cannot mean anything else, such as
// the @ of an address, is taken as it is.
func (p *parser) endOfText() bool {
	return p.atComment() || strings.IndexByte(" \t\r\n,{}[]\"$:=", p.peek()) >= 0 ||
		strings.HasPrefix(p.src[p.off:], "+=") || strings.HasPrefix(p.src[p.off:], "\u00a0")
}

// quotedText reads "text" with JSON's escapes, or """text""" as it is.
func (p *parser) quotedText() (string, error) {
	if strings.HasPrefix(p.src[p.off:], `"""`) {
		return p.rawText()
	}
	at := p.at()
	p.off++
	var b strings.Builder
	for {
		switch c := p.peek(); {
		case p.end() || c == '\n':
			return "", fmt.Errorf("%s: a quote is not closed", at)
		case c == '"':
			p.off++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.off++
		}
	}
}

// rawText reads """text"""; quotes before the last three belong to the text.
func (p *parser) rawText() (string, error) {
	at := p.at()
	p.off += 3
	n := strings.Index(p.src[p.off:], `"""`)
	if n < 0 {
		return "", fmt.Errorf(`%s: a """ is not closed`, at)
	}
	for strings.HasPrefix(p.src[p.off+n:], `""""`) {
		n++
	}
	s := p.src[p.off : p.off+n]
	p.off += n + 3
	p.line += strings.Count(s, "\n")
	return s, nil
}

func (p *parser) escape(b *strings.Builder) error {
	if p.off+1 >= len(p.src) {
		return p.errorf("a quote is not closed")
	}
	c := p.src[p.off+1]
	p.off += 2
	switch c {
	case '"', '\\', '/':
		b.WriteByte(c)
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		if p.off+4 > len(p.src) {
			return p.errorf(`\u needs four hexadecimal digits`)
		}
		code, err := strconv.ParseUint(p.src[p.off:p.off+4], 16, 16)
		if err != nil {
			return p.errorf(`\u needs four hexadecimal digits`)
		}
		p.off += 4
		b.WriteRune(rune(code))
	default:
		return p.errorf(`unknown escape \%c; write \\ for a backslash`, c)
	}
	return nil
}
