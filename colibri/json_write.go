package colibri

import (
	"bytes"
	"encoding/json"
	"slices"
)

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(p.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// object gives an element's JSON form.
func (n *node) object(f *form) object {
	o := object{}
	if f.space == nsICE && f.local == "transport" {
		o = append(o, property{"xmlns", nsICE})
	}
	for _, a := range n.attrs {
		o = append(o, property{a.Name.Local, f.value(a.Name.Local, a.Value)})
	}
	if f.text != "" && n.text != "" {
		o = append(o, property{f.text, n.text})
	}
	for i := range f.children {
		c := &f.children[i]
		if v := c.value(n); v != nil {
			o = append(o, property{c.key, v})
		}
	}
	return o
}

// value gives an attribute's JSON form.
func (f *form) value(name, text string) any {
	switch {
	case slices.Contains(f.numbers, name):
		return json.Number(text)
	case slices.Contains(f.flags, name):
		return isTrue(text)
	}
	return text
}

// value collects the children of one kind; nil without any.
func (c *childForm) value(n *node) any {
	list := []any{}
	wrapped := false
	if c.wrapper != "" {
		i := slices.IndexFunc(n.children, func(ch *node) bool { return ch.is(n.name.Space, c.wrapper) })
		if i < 0 {
			return nil
		}
		n, wrapped = n.children[i], true
	}
	pairs := object{}
	for _, ch := range n.children {
		if !ch.is(c.form.space, c.form.local) {
			continue
		}
		switch c.shape {
		case shapeTrue:
			return true
		case shapeOne:
			return ch.object(c.form)
		case shapePairs:
			name, ok := ch.attr("name")
			if !ok {
				name = "null"
			}
			value, _ := ch.attr("value")
			pairs = append(pairs, property{name, value})
		case shapeList:
			list = append(list, c.item(ch))
		}
	}
	switch {
	case len(pairs) > 0:
		return pairs
	case len(list) > 0 || wrapped:
		return list
	}
	return nil
}

// item is one element of a list, as a scalar where that says all.
func (c *childForm) item(n *node) any {
	if c.form.local == "web-socket" {
		if active, _ := n.attr("active"); isTrue(active) {
			return activeSocket
		}
	}
	if c.scalar != "" && len(n.attrs) == 1 && n.attrs[0].Name.Local == c.scalar && len(n.children) == 0 {
		return c.form.value(c.scalar, n.attrs[0].Value)
	}
	return n.object(c.form)
}
