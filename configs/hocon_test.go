package configs

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// fakeFiles reads from a map instead of the disk.
func fakeFiles(files map[string]string) *loader {
	return &loader{read: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}}
}

// plain turns a resolved value into what encoding/json prints.
func plain(v *value) any {
	switch v.kind {
	case kindObject:
		m := map[string]any{}
		for _, key := range v.object.keys {
			m[key] = plain(v.object.get([]string{key}))
		}
		return m
	case kindArray:
		list := []any{}
		for _, item := range v.items {
			list = append(list, plain(item))
		}
		return list
	case kindNull:
		return nil
	}
	return v.text
}

func parseText(t testing.TB, files map[string]string, env map[string]string) (string, error) {
	t.Helper()
	tree, err := fakeFiles(files).file("main.conf", nil)
	if err != nil {
		return "", err
	}
	tree, _, err = resolve(tree, env)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(plain(objectValue(position{}, tree)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), nil
}

func TestParse(t *testing.T) {
	env := map[string]string{"HOME": "/root", "PORT": "4443", "EMPTY": ""}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", `{}`},
		{"comments", "# a\n// b\na = 1 # c\nb : 2 // d\n", `{"a":"1","b":"2"}`},
		{"json", `{"a": {"b": [1, 2.5, "x"]}, "c": null, "d": true}`, `{"a":{"b":["1","2.5","x"]},"c":null,"d":"true"}`},
		{"nested", "a { b { c = 1 } }\na.b.d = 2\na { b.e : 3 }", `{"a":{"b":{"c":"1","d":"2","e":"3"}}}`},
		{"quoted keys", `"a.b" = 1, a."c.d" = 2`, `{"a":{"c.d":"2"},"a.b":"1"}`},
		{"spaces in keys", `a b . c d = 1`, `{"a b":{"c d":"1"}}`},
		{"numbers in keys", `20 = 20, 30.5 = 1`, `{"20":"20","30":{"5":"1"}}`},
		{"last wins", "a = 1\na = 2", `{"a":"2"}`},
		{"object after text", "a = 1\na { b = 2 }\na { c = 3 }", `{"a":{"b":"2","c":"3"}}`},
		{"text after object", "a { b = 2 }\na = 1", `{"a":"1"}`},
		{"null clears", "a { b = 2 }\na = null\na { c = 3 }", `{"a":{"c":"3"}}`},
		{"words", `a = one  two "three" 4`, `{"a":"one  two three 4"}`},
		{"unquoted @", `m = jvbbrewery@internal.auth.example.com`, `{"m":"jvbbrewery@internal.auth.example.com"}`},
		{"uuid", "n=0a1b-2c\nm=2", `{"m":"2","n":"0a1b-2c"}`},
		{"escapes", `a = "\"\\\/\t\u00e4"`, `{"a":"\"\\/\tä"}`},
		{"triple quotes", "a = \"\"\"x\n\"y\"\\n\"\"\"\"\nb = 1", `{"a":"x\n\"y\"\\n\"","b":"1"}`},
		{"lists", "a = [\n 1\n 2,\n 3,\n]", `{"a":["1","2","3"]}`},
		{"comma first", "a = [ 1\n , 2 ]", `{"a":["1","2"]}`},
		{"joined lists", "a = [1] [2]\nb = ${a} [3]", `{"a":["1","2"],"b":["1","2","3"]}`},
		{"joined objects", "a = { x = 1 } { y = 2 }\nb = ${a} { x = 3 }", `{"a":{"x":"1","y":"2"},"b":{"x":"3","y":"2"}}`},
		{"value on the next line", "a =\n  1\nb\n{ c = 2 }", `{"a":"1","b":{"c":"2"}}`},
		{"windows", "\uFEFFa = 1\r\nb { c = x \r\n }\r\n", `{"a":"1","b":{"c":"x"}}`},
		{"append", "a = [1]\na += 2\nb += 3\nc.d += ${a}", `{"a":["1","2"],"b":["3"],"c":{"d":[["1","2"]]}}`},
		{"substitution", "a = 1\nb = ${a}\nc = x${a}y ${b}", `{"a":"1","b":"1","c":"x1y 1"}`},
		{"later definition", "b = ${a}\na = 1\na = 2", `{"a":"2","b":"2"}`},
		{"whole objects", "a { b { c = 1 } }\nd = ${a.b}", `{"a":{"b":{"c":"1"}},"d":{"c":"1"}}`},
		{"inside itself", "a { b = 1, c = ${a.b} }\na.b = 2", `{"a":{"b":"2","c":"2"}}`},
		{"inside a joined object", "base { x = 1 }\na = ${base} { y = 2, z = ${a.y} ${a.x} }", `{"a":{"x":"1","y":"2","z":"2 1"},"base":{"x":"1"}}`},
		{"self reference", "a = 1\na = ${a} 2\na = ${a} 3", `{"a":"1 2 3"}`},
		{"self reference to nothing", "a = ${?a} [x]\na = ${a} [y]", `{"a":["x","y"]}`},
		{"optional missing", "a = 1\na = ${?nope}\nb = x${?nope}y\nc = ${?nope}\nd = [${?nope}, 1]", `{"a":"1","b":"xy","d":["1"]}`},
		{"optional circle", "a = ${?b}\nb = ${?a}", `{}`},
		{"environment", "a = ${HOME}/x\np = 1\np = ${?PORT}\ne = ${?EMPTY}", `{"a":"/root/x","e":"","p":"4443"}`},
		{"key before environment", "PORT = 1\na = ${PORT}", `{"PORT":"1","a":"1"}`},
		{"self reference to the environment", "HOME = ${HOME}/y", `{"HOME":"/root/y"}`},
		{"include as a key", "include = 1\ninclude.a = 2", `{"include":{"a":"2"}}`},
		{"dollar in quotes", `a = "pa$$w0rd#1"`, `{"a":"pa$$w0rd#1"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseText(t, map[string]string{"main.conf": tt.text}, env)
			if err != nil || got != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("a { ", maxNesting+2) + strings.Repeat("}", maxNesting+2)
	laugh := "a0 = lol\n"
	for i := range 40 {
		laugh += fmt.Sprintf("a%d = ${a%d}${a%d}\n", i+1, i, i)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"open brace", "a {\nb = 1\n", "main.conf:3: the file ends, but a { is not closed"},
		{"stray brace", "a = 1\n}", "main.conf:2: a } without {"},
		{"open list", "a = [1, 2", "main.conf:1: a [ is not closed"},
		{"open quote", "a = 1\nb = \"x\nc = 2", "main.conf:2: a quote is not closed"},
		{"open triple quote", "a = \"\"\"x", `main.conf:1: a """ is not closed`},
		{"unknown escape", `a = "C:\path"`, `unknown escape \p`},
		{"no value", "a =\n}", "main.conf:1: a has no value"},
		{"no separator", "a\nb = 1", "main.conf:1: a"},
		{"two on a line", "a = b = c", "needs quotes"},
		{"colon in a value", "a = http://x", "needs quotes"},
		{"dollar in a value", "a = pa$word", "unexpected $"},
		{"empty key", ".a = 1", "expected a key"},
		{"mixed", "a = x { b = 1 }", "cannot be joined"},
		{"mixed by substitution", "o { x = 1 }\na = x ${o}", "main.conf:2: a single value cannot be joined with an object"},
		{"missing comma", "a = [{b=1} 2]", "cannot be joined"},
		{"two commas", "a = [1,,2]", "two commas"},
		{"unresolved", "a = 1\nb = ${nope}", "main.conf:2: ${nope} is neither a key nor an environment variable"},
		{"circle", "a = ${b}\nb = ${a}", "refers to itself"},
		{"self circle", "a = ${a}", "refers to itself"},
		{"list at the top", "[1]", "the file is a list"},
		{"after the end", "{ a = 1 } b = 2", "after the end"},
		{"deep", deep, "inside each other"},
		{"laughs", laugh, "grow too large"},
		{"includes itself", `include "main.conf"`, "the file includes itself"},
		{"required", `include required("gone.conf")`, "does not exist"},
		{"bad include", `include required(gone.conf)`, `expected include "file"`},
		{"append in a list", "a = [{ b += 1 }]", "not supported"},
		{"large", "a = \"" + strings.Repeat("x", maxFileBytes) + `"`, "too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseText(t, map[string]string{"main.conf": tt.text}, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestInclude(t *testing.T) {
	files := map[string]string{
		"main.conf":      "x = 0\ninclude \"one.conf\"\nin { include file(\"two\") }\ninclude required(file(\"dir/three.conf\"))\ninclude \"gone\"\ny = 9\ninclude classpath(\"lib\")",
		"one.conf":       "x = 1\ny = 1",
		"two.conf":       "a = 1\nb = ${a}\nl = [1]\nl += 2\nc = ${x}",
		"dir/three.conf": "include \"four.conf\"\nz = ${y}",
		"dir/four.conf":  "w = 4",
	}
	got, err := parseText(t, files, nil)
	want := `{"in":{"a":"1","b":"1","c":"1","l":["1","2"]},"w":"4","x":"1","y":"9","z":"9"}`
	if err != nil || got != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestIncludeDepth(t *testing.T) {
	files := map[string]string{}
	for i := range maxIncludeDepth + 3 {
		files[fmt.Sprintf("%d.conf", i)] = fmt.Sprintf("include \"%d.conf\"", i+1)
	}
	files["main.conf"] = `include "0.conf"`
	if _, err := parseText(t, files, nil); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("got %v", err)
	}
}

func TestPositions(t *testing.T) {
	tree, err := fakeFiles(map[string]string{
		"main.conf": "a = 1\n\nb { # comment\n  c = \"\"\"x\ny\"\"\"\n  d = ${a}\n}\ninclude \"i.conf\"",
		"i.conf":    "\ne = 1",
	}).file("main.conf", nil)
	if err != nil {
		t.Fatal(err)
	}
	if tree, _, err = resolve(tree, nil); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "main.conf:1", "b.c": "main.conf:4", "b.d": "main.conf:6", "e": "i.conf:2"} {
		if got := tree.get(strings.Split(key, ".")).at.String(); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		reference, "a = ${b}\nb = ${?a} [x]\na += 3", "a.b.c {x=1} ${d}", `include "i"`, "a=\"\"\"x\"\"\"\"", "{a:[{},[1],null]}",
		"a = ${?HOME}/x # y", "a=${a}${a}", "a { b = ${a} }", "a = [${?b}] ${?c}\nc = ${a}",
	} {
		f.Add(s, "x = ${y}\ny = 2")
	}
	f.Fuzz(func(t *testing.T, text, included string) {
		l := fakeFiles(map[string]string{"main.conf": text, "i": included})
		tree, err := l.file("main.conf", nil)
		if err != nil {
			return
		}
		tree, _, err = resolve(tree, map[string]string{"HOME": "/root"})
		if err != nil {
			return
		}
		applyAliases(tree)
		m := &mapper{config: &Config{}}
		m.checkKeys(tree, nil)
		errs := m.apply(tree)
		errs = append(errs, m.finish(tree)...)
		for _, err := range errs {
			if err.Error() == "" {
				t.Error("an error without text")
			}
		}
	})
}

func FuzzProperties(f *testing.F) {
	f.Add("a=b\\\n  c\n#x\nd\\ e : f\\u0041\norg.jitsi.videobridge.xmpp.user.s.HOSTNAME=x")
	f.Fuzz(func(t *testing.T, text string) {
		m := &mapper{config: &Config{}}
		tree := newObject()
		m.applyLegacy(tree, parseProperties("p", text))
		m.apply(tree)
	})
}
