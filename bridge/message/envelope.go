package message

import (
	"bytes"
	"encoding/json"
)

// envelope is a message that is passed on as it came.
type envelope struct {
	text       []byte
	fromStart  int // span of the value of "from"; empty: not there
	fromEnd    int
	afterClass int // where a missing "from" goes
}

// Text is the message as it came. It must not be changed.
func (e *envelope) Text() []byte { return e.text }

// WithFrom returns the message with the property "from" set to an endpoint
// id and all other bytes as they came.
func (e *envelope) WithFrom(id string) []byte {
	value := quote(id)
	out := make([]byte, 0, len(e.text)+len(value)+len(`,"from":`))
	if e.fromEnd > 0 {
		out = append(out, e.text[:e.fromStart]...)
		out = append(out, value...)
		return append(out, e.text[e.fromEnd:]...)
	}
	out = append(out, e.text[:e.afterClass]...)
	out = append(out, `,"from":`...)
	out = append(out, value...)
	return append(out, e.text[e.afterClass:]...)
}

func newEnvelope(text []byte, members []member) envelope {
	e := envelope{text: bytes.Clone(text)}
	for _, m := range members {
		switch m.key {
		case "from":
			e.fromStart, e.fromEnd = m.start, m.end
		case "colibriClass":
			e.afterClass = m.end
		}
	}
	return e
}

// NewEndpointMessage makes a message of the bridge's own, such as a
// transcript. The payload is one JSON object.
func NewEndpointMessage(from, to string, payload json.RawMessage) (*EndpointMessage, error) {
	text, err := json.Marshal(struct {
		Class   string          `json:"colibriClass"`
		To      string          `json:"to"`
		From    string          `json:"from"`
		Payload json.RawMessage `json:"msgPayload"`
	}{"EndpointMessage", to, from, payload})
	if err != nil {
		return nil, ErrMalformed
	}
	m, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return m.(*EndpointMessage), nil
}

func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has a JSON form
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
