package message

import (
	"bytes"
	"encoding/json"
)

// Marshal writes a message, the class first. EndpointMessage and
// EndpointStats come out as they came in; see WithFrom.
func Marshal(m Message) []byte {
	switch v := m.(type) {
	case *EndpointMessage:
		return v.Text()
	case *EndpointStats:
		return v.Text()
	case *DominantSpeakerEndpointChangeEvent:
		c := *v
		c.PreviousSpeakers = list(c.PreviousSpeakers)
		m = &c
	case *ForwardedSources:
		m = &ForwardedSources{list(v.ForwardedSources)}
	case *VideoSourcesMap:
		m = &VideoSourcesMap{list(v.MappedSources)}
	case *AudioSourcesMap:
		m = &AudioSourcesMap{list(v.MappedSources)}
	}
	var b bytes.Buffer
	b.WriteString(`{"colibriClass":"` + m.Class() + `",`)
	head := b.Len()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		// Only a fraction that is not a number could do this, and no
		// message of the bridge has one.
		panic("message: " + err.Error())
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if string(out[head:]) == "{}" {
		return append(out[:head-1], '}')
	}
	return append(out[:head], out[head+1:]...)
}

// list makes nil an empty list, as clients do not expect null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
