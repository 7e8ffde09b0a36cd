package configs

import "fmt"

// Limits of one configuration. They are far above what an installation
// needs and keep a broken or hostile file from exhausting the process.
const (
	maxFileBytes    = 1 << 20 // of one file
	maxTotalBytes   = 4 << 20 // of all files together
	maxIncludeDepth = 16
	maxNesting      = 64      // objects and arrays inside each other
	maxPathLength   = 64      // elements of one key
	maxSteps        = 200_000 // of resolving substitutions
	maxTextBytes    = 4 << 20 // that resolving may produce
)

// position is where a value was written: a file and its line, or for values
// from the environment the variable's name and line 0.
type position struct {
	file string
	line int
}

func (p position) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// kind tells what a value is. Resolving leaves only the first four.
type kind uint8

const (
	kindText   kind = iota // string, number or boolean: whoever reads it decides
	kindNull               // unquoted null: as if the key had never been set
	kindObject             // keys with values
	kindArray              // list
	kindConcat             // values written one after the other
	kindRef                // ${path} or ${?path}
)

func (k kind) String() string {
	switch k {
	case kindObject:
		return "an object"
	case kindArray:
		return "a list"
	case kindNull:
		return "null"
	default:
		return "a single value"
	}
}

// value is one HOCON value. It has one owner; only its object may still grow.
type value struct {
	at       position
	kind     kind
	text     string   // kindText
	blank    bool     // kindText: white space between the parts of a concatenation
	object   *object  // kindObject
	items    []*value // kindArray, and the parts of kindConcat
	path     []string // kindRef
	prefix   []string // kindRef: key under which the file was included
	optional bool     // kindRef: ${?path}
}

// object keeps for each key all values it was given that still matter, in
// the order of the files: a later object is merged into an earlier one, a
// substitution may refer to what was there before. In a resolved object each
// key has exactly one value.
type object struct {
	keys   []string
	fields map[string][]*value
}

func newObject() *object { return &object{fields: map[string][]*value{}} }

func textValue(at position, text string) *value {
	return &value{at: at, kind: kindText, text: text}
}

func objectValue(at position, o *object) *value {
	return &value{at: at, kind: kindObject, object: o}
}

// add gives key one more value.
func (o *object) add(key string, v *value) {
	stack, seen := o.fields[key]
	if !seen {
		o.keys = append(o.keys, key)
	}
	switch {
	case v.kind == kindText || v.kind == kindNull:
		stack = []*value{v} // nothing before it can matter any more
	case v.kind == kindConcat && v.hasObject():
		for _, part := range v.items {
			o.fields[key] = stack
			o.add(key, part)
			stack = o.fields[key]
		}
	case v.kind == kindObject && len(stack) > 0 && stack[len(stack)-1].kind == kindObject:
		stack[len(stack)-1].object.merge(v.object)
	default:
		stack = append(stack[:len(stack):len(stack)], v)
	}
	o.fields[key] = stack
}

// merge adds everything of p to o; where both have a single value, p wins.
func (o *object) merge(p *object) {
	for _, key := range p.keys {
		for _, v := range p.fields[key] {
			o.add(key, v)
		}
	}
}

// put gives the key at the end of path one more value.
func (o *object) put(path []string, v *value) {
	for i := len(path) - 1; i > 0; i-- {
		inner := newObject()
		inner.add(path[i], v)
		v = objectValue(v.at, inner)
	}
	o.add(path[0], v)
}

// replace removes what the key had and gives it v. Keys on the way that are
// not plain objects are replaced, too.
func (o *object) replace(path []string, v *value) {
	if len(path) == 1 {
		delete(o.fields, path[0])
		if !contains(o.keys, path[0]) {
			o.keys = append(o.keys, path[0])
		}
		o.fields[path[0]] = []*value{v}
		return
	}
	child := newObject()
	if old := o.get(path[:1]); old != nil && old.kind == kindObject {
		child.merge(old.object)
	}
	child.replace(path[1:], v)
	o.replace(path[:1], objectValue(v.at, child))
}

// get returns the value at path of a resolved object, nil if there is none.
func (o *object) get(path []string) *value {
	for i, key := range path {
		stack := o.fields[key]
		if len(stack) == 0 {
			return nil
		}
		v := stack[len(stack)-1]
		if i == len(path)-1 {
			return v
		}
		if v.kind != kindObject {
			return nil
		}
		o = v.object
	}
	return nil
}

// hasObject reports whether a concatenation merges objects.
func (v *value) hasObject() bool {
	for _, part := range v.items {
		if part.kind == kindObject {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
