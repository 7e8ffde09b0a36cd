package colibri

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
)

// ParseModifyJSON reads the JSON form of a conference-modify. A meeting id
// that is given takes the place of the document's, as REST requests have it
// in their path. Errors are those of ParseModify.
func ParseModifyJSON(doc []byte, meetingID string) (*ConferenceModify, error) {
	n, err := parseJSON(doc, modifyForm())
	if err != nil {
		return nil, err
	}
	if meetingID != "" {
		n.remove("meeting-id")
		n.set("meeting-id", meetingID)
	}
	return modifyOf(n)
}

// ParseModifiedJSON reads the JSON form of a conference-modified.
func ParseModifiedJSON(doc []byte) (*ConferenceModified, error) {
	n, err := parseJSON(doc, modifiedForm())
	if err != nil {
		return nil, err
	}
	return modifiedOf(n)
}

// MarshalJSON implements json.Marshaler.
func (m *ConferenceModify) MarshalJSON() ([]byte, error) {
	return json.Marshal(m.tree().object(modifyForm()))
}

// MarshalJSON implements json.Marshaler.
func (m *ConferenceModified) MarshalJSON() ([]byte, error) {
	return json.Marshal(m.tree().object(modifiedForm()))
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *ConferenceModify) UnmarshalJSON(doc []byte) error {
	v, err := ParseModifyJSON(doc, "")
	if err == nil {
		*m = *v
	}
	return err
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *ConferenceModified) UnmarshalJSON(doc []byte) error {
	v, err := ParseModifiedJSON(doc)
	if err == nil {
		*m = *v
	}
	return err
}

// object is a JSON object whose members keep their order.
type object []property

type property struct {
	key   string
	value any // object, []any, string, json.Number, bool or nil
}

// errJSON is what readers of JSON return; it becomes bad-request.
var errJSON = errors.New("not a JSON object")

func parseJSON(doc []byte, f *form) (*node, error) {
	if len(doc) > maxBytes {
		return nil, badRequest("document is too large")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	v, err := readValue(d, 0)
	o, ok := v.(object)
	if err != nil || !ok {
		return nil, badRequest("not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("not one JSON object")
	}
	return f.node(o), nil
}

// readValue reads one value; depth bounds the recursion.
func readValue(d *json.Decoder, depth int) (any, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if depth > maxDepth {
		return nil, errJSON
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	o := object{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, property{key.(string), v}) // the decoder accepts no other key
	}
	_, err = d.Token()
	return o, err
}

// node makes the element of an object. What does not fit is left out, like
// unknown children and attributes in XML.
func (f *form) node(o object) *node {
	n := newNode(f.space, f.local)
	for _, p := range o {
		if i := slices.IndexFunc(f.children, func(c childForm) bool { return c.key == p.key }); i >= 0 {
			f.children[i].addTo(n, p.value)
			continue
		}
		value, ok := scalar(p.value)
		switch {
		case !ok:
		case f.text != "" && p.key == f.text:
			n.text = value
		default:
			n.set(p.key, value)
		}
	}
	return n
}

// scalar gives what is not an object or array as text.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// addTo makes the children of a member's value.
func (c *childForm) addTo(n *node, value any) {
	switch c.shape {
	case shapeTrue:
		if value == true {
			n.addNS(c.form.space, c.form.local)
		}
	case shapeOne:
		if o, ok := value.(object); ok {
			n.children = append(n.children, c.form.node(o))
		}
	case shapePairs:
		o, _ := value.(object)
		for _, p := range o {
			pair := n.addNS(c.form.space, c.form.local)
			if p.key != "null" { // a parameter without a name
				pair.set("name", p.key)
			}
			v, _ := scalar(p.value)
			pair.set("value", v)
		}
	case shapeList:
		list, ok := value.([]any)
		if !ok {
			return
		}
		if c.wrapper != "" {
			n = n.add(c.wrapper)
		}
		for _, item := range list {
			if o, ok := item.(object); ok {
				n.children = append(n.children, c.form.node(o))
			} else if v, ok := scalar(item); ok && c.scalar != "" {
				c.fromScalar(n.addNS(c.form.space, c.form.local), v)
			}
		}
	}
}

// activeSocket stands for a web socket that the writer has dialled itself.
const activeSocket = "active"

func (c *childForm) fromScalar(n *node, v string) {
	if c.form.local == "web-socket" && v == activeSocket {
		n.set("active", "true")
		return
	}
	n.set(c.scalar, v)
}
