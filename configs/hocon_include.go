package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// loader reads files and what they include.
type loader struct {
	read     func(name string) ([]byte, error)
	stack    []string // files being read, the outermost first
	total    int      // bytes read so far
	loaded   []string // all files read
	warnings []Warning
}

// file reads and parses one file. prefix is the key under which it is
// included.
func (l *loader) file(name string, prefix []string) (*object, error) {
	if len(l.stack) > maxIncludeDepth {
		return nil, fmt.Errorf("%s: files include each other more than %d deep", name, maxIncludeDepth)
	}
	if contains(l.stack, name) {
		return nil, fmt.Errorf("%s: the file includes itself", name)
	}
	text, err := l.read(name)
	if err != nil {
		return nil, err
	}
	if l.total += len(text); len(text) > maxFileBytes || l.total > maxTotalBytes {
		return nil, fmt.Errorf("%s: the file is too large for a configuration", name)
	}
	l.stack = append(l.stack, name)
	l.loaded = append(l.loaded, name)
	defer func() { l.stack = l.stack[:len(l.stack)-1] }()
	p := &parser{src: string(text), file: name, prefix: prefix, path: prefix, loader: l}
	return p.parse()
}

// atInclude reports whether the next field is an include. A key may be called
// include, too, and is then followed by a separator.
func (p *parser) atInclude() bool {
	rest, ok := strings.CutPrefix(p.src[p.off:], "include")
	if !ok || rest == "" {
		return false
	}
	rest = strings.TrimLeft(rest, " \t")
	for _, start := range []string{`"`, "file(", "required(", "classpath(", "url("} {
		if strings.HasPrefix(rest, start) {
			return true
		}
	}
	return false
}

// include reads include "name", include file("name"), or either of them
// inside required(), and merges the file into o.
func (p *parser) include(o *object) error {
	p.off += len("include")
	p.blanks()
	required, form, closing := false, "", 0
	for p.peek() != '"' {
		n := strings.IndexByte(p.src[p.off:], '(')
		if n < 0 {
			return p.errorf(`expected include "file"`)
		}
		switch word := strings.TrimSpace(p.src[p.off : p.off+n]); word {
		case "required":
			required = true
		case "file", "classpath", "url":
			form = word
		default:
			return p.errorf(`expected include "file"`)
		}
		p.off += n + 1
		closing++
		p.blanks()
	}
	at := p.at()
	name, err := p.quotedText()
	if err != nil {
		return err
	}
	for ; closing > 0; closing-- {
		p.blanks()
		if p.peek() != ')' {
			return p.errorf("a ( is not closed")
		}
		p.off++
	}
	if form == "classpath" || form == "url" {
		p.loader.warnings = append(p.loader.warnings, Warning{
			File: at.file, Line: at.line,
			Text: "include " + form + "(...) is skipped; only files can be included",
		})
		return nil
	}
	return p.includeFile(o, at, name, required)
}

// includeFile merges the named file. One that does not exist is skipped
// unless it is required; without an ending, .conf is tried, too.
func (p *parser) includeFile(o *object, at position, name string, required bool) error {
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(p.file), name)
	}
	names := []string{name}
	if filepath.Ext(name) == "" {
		names = append(names, name+".conf")
	}
	for _, n := range names {
		included, err := p.loader.file(n, p.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: include: %w", at, err)
		}
		o.merge(included)
		return nil
	}
	if required {
		return fmt.Errorf("%s: the required file %s does not exist", at, name)
	}
	return nil
}
