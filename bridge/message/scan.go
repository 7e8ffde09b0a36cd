package message

import (
	"encoding/json"
	"slices"
)

// maxDepth bounds the nesting of a message.
const maxDepth = 64

// member is one property of the outermost object. The spans are offsets
// into the message.
type member struct {
	key        string
	start, end int // of the value
}

// scanner walks JSON that json.Valid has accepted. It looks for duplicate
// keys at every depth and notes the members of the outermost object.
type scanner struct {
	text    []byte
	pos     int
	members []member
	bad     bool // duplicate key or too deep
}

// scan reports false when the text is not one object without duplicate
// keys.
func scan(text []byte) ([]member, bool) {
	s := scanner{text: text}
	s.space()
	if s.text[s.pos] != '{' {
		return nil, false
	}
	s.value(0)
	return s.members, !s.bad
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// value skips one value and the space behind it.
func (s *scanner) value(depth int) {
	if depth > maxDepth {
		s.bad = true
	}
	switch s.text[s.pos] {
	case '{':
		s.object(depth)
	case '[':
		s.pos++
		s.space()
		for s.text[s.pos] != ']' && !s.bad {
			s.value(depth + 1)
			s.comma()
		}
		s.pos++
	case '"':
		s.string()
	default: // number, true, false, null
		for s.pos < len(s.text) && !slices.Contains([]byte(" \t\r\n,]}"), s.text[s.pos]) {
			s.pos++
		}
	}
}

func (s *scanner) comma() {
	s.space()
	if s.text[s.pos] == ',' {
		s.pos++
		s.space()
	}
}

func (s *scanner) object(depth int) {
	s.pos++
	s.space()
	var keys keySet
	for s.text[s.pos] != '}' && !s.bad {
		key := s.string()
		if !keys.add(key) {
			s.bad = true
		}
		s.space()
		s.pos++ // colon
		s.space()
		start := s.pos
		s.value(depth + 1)
		if depth == 0 {
			s.members = append(s.members, member{key, start, s.pos})
		}
		s.comma()
	}
	s.pos++
}

// string skips a string and returns what it stands for.
func (s *scanner) string() string {
	start := s.pos
	escaped := false
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			escaped = true
			s.pos++
		}
	}
	s.pos++
	if !escaped {
		return string(s.text[start+1 : s.pos-1])
	}
	var v string
	if json.Unmarshal(s.text[start:s.pos], &v) != nil {
		s.bad = true
	}
	return v
}

// keySet holds the keys of one object: few in a list, many in a map.
type keySet struct {
	few  []string
	many map[string]struct{}
}

// add reports false if the key is there already.
func (ks *keySet) add(key string) bool {
	if slices.Contains(ks.few, key) {
		return false
	}
	if _, ok := ks.many[key]; ok {
		return false
	}
	if len(ks.few) < 16 {
		ks.few = append(ks.few, key)
		return true
	}
	if ks.many == nil {
		ks.many = make(map[string]struct{})
	}
	ks.many[key] = struct{}{}
	return true
}
