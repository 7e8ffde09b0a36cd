package colibri_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"steg/colibri"
)

// element is a plain view of XML, independent of the package's own.
type element struct {
	Name     xml.Name
	Attrs    []string
	Text     string
	Children []*element
}

// parse reads one document; sorted puts children in a fixed order, too.
func parse(t *testing.T, doc []byte, sorted bool) *element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	root := &element{}
	stack := []*element{root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			e := &element{Name: tok.Name}
			for _, a := range tok.Attr {
				if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
					e.Attrs = append(e.Attrs, a.Name.Local+"="+a.Value)
				}
			}
			sort.Strings(e.Attrs)
			top.Children = append(top.Children, e)
			stack = append(stack, e)
		case xml.EndElement:
			if sorted {
				sort.SliceStable(top.Children, func(i, j int) bool {
					return top.Children[i].canonical() < top.Children[j].canonical()
				})
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.Text += strings.TrimSpace(string(tok))
		}
	}
}

func (e *element) canonical() string {
	var b strings.Builder
	e.write(&b, "\n")
	return b.String()
}

func (e *element) write(b *strings.Builder, indent string) {
	b.WriteString(indent + "{" + e.Name.Space + "}" + e.Name.Local + " " + strings.Join(e.Attrs, " ") + e.Text)
	for _, c := range e.Children {
		c.write(b, indent+" ")
	}
}

// drop removes the elements of that name at any depth.
func (e *element) drop(local string) *element {
	var keep []*element
	for _, c := range e.Children {
		if c.Name.Local != local {
			keep = append(keep, c.drop(local))
		}
	}
	e.Children = keep
	return e
}

// forEachPayload calls f for every child of every captured stanza.
func forEachPayload(t testing.TB, f func(iq string, payload []byte)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			var iq struct {
				Type  string `xml:"type,attr"`
				Inner []byte `xml:",innerxml"`
			}
			if err := xml.Unmarshal([]byte(line), &iq); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, payload := range topLevel(t, iq.Inner) {
				f(iq.Type, payload)
			}
		}
	}
}

// topLevel splits a fragment into its elements.
func topLevel(t testing.TB, fragment []byte) [][]byte {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(fragment))
	var out [][]byte
	for {
		from := d.InputOffset()
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tok.(xml.StartElement); ok {
			if err := d.Skip(); err != nil {
				t.Fatal(err)
			}
			out = append(out, fragment[from:d.InputOffset()])
		}
	}
}

func TestCapturedRequests(t *testing.T) {
	count := 0
	forEachPayload(t, func(_ string, payload []byte) {
		if !bytes.HasPrefix(payload, []byte("<conference-modify ")) {
			return
		}
		count++
		first, err := colibri.ParseModify(payload)
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		written := colibri.Marshal(first)
		want := parse(t, payload, true).drop("traceparent").canonical()
		if got := parse(t, written, true).canonical(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		again, err := colibri.ParseModify(written)
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("second reading differs (%v): %s", err, written)
		}
		tokens, err := xml.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if again, err = colibri.ParseModify(tokens); err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("reading of tokens differs (%v): %s", err, tokens)
		}
	})
	if count < 100 {
		t.Errorf("only %d requests", count)
	}
}

func TestCapturedAnswers(t *testing.T) {
	count := 0
	forEachPayload(t, func(_ string, payload []byte) {
		if !bytes.HasPrefix(payload, []byte("<conference-modified")) {
			return
		}
		count++
		first, err := colibri.ParseModified(payload)
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		written := colibri.Marshal(first)
		want := parse(t, payload, false).canonical()
		if got := parse(t, written, false).canonical(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		tokens, err := xml.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, tokens, false).canonical(); got != want {
			t.Errorf("as tokens: got %s\nwant %s", got, want)
		}
	})
	if count < 100 {
		t.Errorf("only %d answers", count)
	}
}

func TestCapturedErrors(t *testing.T) {
	count := 0
	forEachPayload(t, func(_ string, payload []byte) {
		if !bytes.HasPrefix(payload, []byte("<error")) {
			return
		}
		count++
		first, err := colibri.ParseError(payload)
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		// The capturing server dropped the text's namespace.
		text := []byte("<text xmlns='" + colibri.NamespaceStanzas + "' ")
		want := parse(t, bytes.Replace(payload, []byte("<text "), text, 1), false).canonical()
		if got := parse(t, colibri.Marshal(first), false).canonical(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		again, err := colibri.ParseError(colibri.Marshal(first))
		if err != nil || *again != *first {
			t.Errorf("got %+v %v, want %+v", again, err, first)
		}
	})
	if count < 5 {
		t.Errorf("only %d errors", count)
	}
}
