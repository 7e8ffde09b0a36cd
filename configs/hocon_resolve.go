package configs

import (
	"fmt"
	"strings"
)

// resolver replaces substitutions by what they stand for.
//
// A key may have several values, the later ones overriding or extending the
// earlier (see object). A substitution that leads back to the value which is
// just being resolved means what the key was before: that value is skipped
// and the ones below it count.
type resolver struct {
	root  *object
	env   map[string]string
	busy  map[*value]bool // being resolved
	used  map[string]bool // keys that substitutions asked for
	skips int             // times that a busy value was skipped
	steps int
	bytes int
}

// resolve returns a copy of root without substitutions, and the keys that
// substitutions asked for.
func resolve(root *object, env map[string]string) (*object, map[string]bool, error) {
	r := &resolver{root: root, env: env, busy: map[*value]bool{}, used: map[string]bool{}}
	v, err := r.object(&value{kind: kindObject, object: root})
	if err != nil {
		return nil, nil, err
	}
	return v.object, r.used, nil
}

// value resolves one value; nil means that it is not defined.
func (r *resolver) value(v *value) (*value, error) {
	if r.steps++; r.steps > maxSteps || r.bytes > maxTextBytes {
		return nil, fmt.Errorf("%s: the substitutions grow too large", v.at)
	}
	r.busy[v] = true
	defer delete(r.busy, v)
	switch v.kind {
	case kindObject:
		return r.object(v)
	case kindArray:
		return r.array(v)
	case kindConcat:
		return r.concat(v)
	case kindRef:
		return r.ref(v)
	default:
		r.bytes += len(v.text)
		return v, nil
	}
}

func (r *resolver) object(v *value) (*value, error) {
	o := newObject()
	for _, key := range v.object.keys {
		field, err := r.field(v.object.fields[key])
		if err != nil {
			return nil, err
		}
		if field != nil {
			o.keys = append(o.keys, key)
			o.fields[key] = []*value{field}
		}
	}
	return objectValue(v.at, o), nil
}

func (r *resolver) array(v *value) (*value, error) {
	list := &value{at: v.at, kind: kindArray}
	for _, item := range v.items {
		res, err := r.value(item)
		if err != nil {
			return nil, err
		}
		if res != nil {
			list.items = append(list.items, res)
		}
	}
	return list, nil
}

// field resolves all values of one key, the last one first.
func (r *resolver) field(stack []*value) (*value, error) {
	var result *value
	for i := len(stack) - 1; i >= 0; i-- {
		if r.busy[stack[i]] {
			r.skips++
			r.steps++
			continue
		}
		v, err := r.value(stack[i])
		if err != nil {
			return nil, err
		}
		var done bool
		if result, done = r.below(result, v); done {
			break
		}
	}
	return result, nil
}

// below puts v under what has been found so far. It reports whether the
// search is over because nothing further down can be seen.
func (r *resolver) below(found, v *value) (*value, bool) {
	switch {
	case v == nil:
		return found, false
	case v.kind != kindObject:
		if found == nil {
			return v, true
		}
		return found, true
	case found == nil:
		return v, false
	}
	merged := newObject()
	merged.merge(v.object)
	merged.merge(found.object)
	r.steps += len(merged.keys)
	return objectValue(found.at, merged), false
}

// find looks up path without resolving more of the tree than is needed, so
// that an object may refer to its own keys.
func (r *resolver) find(o *object, path []string) (*value, error) {
	stack := o.fields[path[0]]
	if len(path) == 1 {
		return r.field(stack)
	}
	var result *value
	for i := len(stack) - 1; i >= 0; i-- {
		v, hides, err := r.inside(stack[i], path[1:])
		if err != nil {
			return nil, err
		}
		if hides {
			break
		}
		var done bool
		if result, done = r.below(result, v); done {
			break
		}
	}
	return result, nil
}

// inside looks up path in one value of a key. hides says that the value is
// not an object, so that nothing below it can be seen.
func (r *resolver) inside(v *value, path []string) (found *value, hides bool, err error) {
	switch v.kind {
	case kindObject:
		found, err = r.find(v.object, path)
		return found, false, err
	case kindRef, kindConcat:
		if r.busy[v] {
			r.skips++
			return nil, false, nil
		}
		res, err := r.value(v)
		if err != nil || res == nil {
			return nil, false, err
		}
		if res.kind != kindObject {
			return nil, true, nil
		}
		return res.object.get(path), false, nil
	default:
		return nil, true, nil
	}
}

// ref looks the substitution up in the configuration, then in the
// environment.
func (r *resolver) ref(v *value) (*value, error) {
	skips := r.skips
	paths := [][]string{v.path}
	if len(v.prefix) > 0 {
		paths = [][]string{append(append([]string{}, v.prefix...), v.path...), v.path}
	}
	for _, path := range paths {
		r.used[strings.Join(path, ".")] = true
		found, err := r.find(r.root, path)
		if err != nil {
			return nil, err
		}
		if found != nil {
			moved := *found
			if found.kind <= kindNull && v.at.file != referenceName {
				moved.at = v.at
			}
			return &moved, nil
		}
	}
	name := strings.Join(v.path, ".")
	if text, ok := r.env[name]; ok {
		r.bytes += len(text)
		return textValue(v.at, text), nil
	}
	switch {
	case v.optional:
		return nil, nil
	case r.skips > skips:
		return nil, fmt.Errorf("%s: ${%s} refers to itself", v.at, name)
	default:
		return nil, fmt.Errorf("%s: ${%s} is neither a key nor an environment variable; "+
			"write ${?%s} if it may be missing", v.at, name, name)
	}
}

// concat joins resolved parts: lists with lists, objects with objects, and
// everything else as text.
func (r *resolver) concat(v *value) (*value, error) {
	var parts []*value
	defined := false
	for _, item := range v.items {
		part, err := r.value(item)
		if err != nil {
			return nil, err
		}
		if part != nil {
			parts = append(parts, part)
			defined = defined || !part.blank
		}
	}
	if !defined {
		return nil, nil
	}
	result := &value{at: v.at, kind: kindText}
	var text strings.Builder
	for _, part := range parts {
		if part.blank && result.kind != kindText {
			continue
		}
		switch {
		case part.kind == kindArray && (result.kind == kindArray || strings.TrimSpace(text.String()) == ""):
			result.kind = kindArray
			result.items = append(result.items, part.items...)
		case part.kind == kindObject && (result.kind == kindObject || strings.TrimSpace(text.String()) == ""):
			if result.kind != kindObject {
				result.kind, result.object = kindObject, newObject()
			}
			result.object.merge(part.object)
		case result.kind == kindText && (part.kind == kindText || part.kind == kindNull):
			text.WriteString(part.text)
		default:
			return nil, fmt.Errorf("%s: %s cannot be joined with %s", v.at, result.kind, part.kind)
		}
	}
	if result.kind == kindText {
		result.text = text.String()
		r.bytes += len(result.text)
	}
	r.steps += len(result.items)
	return result, nil
}
