package message

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"unicode/utf8"
)

// MaxSize is the largest message that Parse reads, in bytes. It is what the
// Jitsi Videobridge accepts on a web socket.
const MaxSize = 64 << 10

// Errors of Parse.
var (
	ErrMalformed = errors.New("malformed bridge-channel message")
	ErrTooLarge  = errors.New("bridge-channel message too large")
)

// UnknownClassError reports a well-formed message of a class that this
// package does not know.
type UnknownClassError struct {
	Name string // as the peer wrote it, so not for logs
}

func (*UnknownClassError) Error() string { return "unknown class of bridge-channel message" }

// Parse reads one message. The result does not refer to text.
func Parse(text []byte) (Message, error) {
	if len(text) > MaxSize {
		return nil, ErrTooLarge
	}
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, ErrMalformed
	}
	members, ok := scan(text)
	if !ok {
		return nil, ErrMalformed
	}
	f := fields{text: text, members: members}
	m := f.message()
	if f.bad {
		return nil, ErrMalformed
	}
	if m == nil {
		return nil, &UnknownClassError{Name: f.string("colibriClass")}
	}
	return m, nil
}

// message dispatches on the class; nil if it is unknown.
func (f *fields) message() Message {
	switch f.required("colibriClass") {
	case "ReceiverVideoConstraints":
		return f.receiverVideoConstraints()
	case "SourceVideoTypeMessage":
		return &SourceVideoTypeMessage{f.videoType(), f.required("sourceName"), f.string("endpointId")}
	case "EndpointMessage":
		return &EndpointMessage{f.string("to"), f.string("from"), newEnvelope(f.text, f.members)}
	case "EndpointStats":
		return &EndpointStats{f.string("from"), newEnvelope(f.text, f.members)}
	case "ReceiverAudioSubscription":
		return f.audioSubscription()
	case "LastNChangedEvent":
		n := f.int("lastN")
		if n == nil {
			f.bad = true
			return nil
		}
		return &LastNChangedEvent{LastN: atLeast(*n, -1)}
	case "VideoTypeMessage":
		return &VideoTypeMessage{f.videoType()}
	case "ClientHello":
		return &ClientHello{}
	case "AddReceiver":
		m := &AddReceiver{BridgeID: f.required("bridgeId"), SourceName: f.required("sourceName")}
		f.value("videoConstraints", &m.VideoConstraints, true)
		return m
	default:
		return f.fromBridge()
	}
}

// fromBridge reads what bridges write; relays and tests get to see it.
func (f *fields) fromBridge() Message {
	var m Message
	switch f.string("colibriClass") {
	case "ServerHello":
		return &ServerHello{Version: f.string("version")}
	case "DominantSpeakerEndpointChangeEvent":
		m = &DominantSpeakerEndpointChangeEvent{}
	case "EndpointConnectivityStatusChangeEvent":
		active := f.required("active")
		return &EndpointConnectivityStatusChangeEvent{f.required("endpoint"), strings.EqualFold(active, "true")}
	case "ForwardedSources":
		m = &ForwardedSources{}
	case "SenderSourceConstraints":
		m = &SenderSourceConstraints{}
	case "VideoSourcesMap":
		m = &VideoSourcesMap{}
	case "AudioSourcesMap":
		m = &AudioSourcesMap{}
	case "ConnectionStats":
		m = &ConnectionStats{}
	case "SyntheticSourceSendingChangeEvent":
		m = &SyntheticSourceSendingChangeEvent{}
	default:
		return nil
	}
	if json.Unmarshal(f.text, m) != nil {
		f.bad = true
	}
	return m
}

func (f *fields) receiverVideoConstraints() Message {
	m := &ReceiverVideoConstraints{LastN: f.int("lastN")}
	if m.LastN != nil {
		*m.LastN = atLeast(*m.LastN, -1)
	}
	if n := f.int("assumedBandwidthBps"); n != nil {
		v := int64(*n)
		m.AssumedBandwidthBps = &v
	}
	f.value("selectedSources", &m.SelectedSources, false)
	f.value("onStageSources", &m.OnStageSources, false)
	f.value("defaultConstraints", &m.DefaultConstraints, false)
	f.value("constraints", &m.Constraints, false)
	return m
}

func (f *fields) audioSubscription() Message {
	m := &ReceiverAudioSubscription{}
	f.value("all", &m.All, false)
	f.value("include", &m.Include, false)
	f.value("exclude", &m.Exclude, false)
	mode := f.string("mode")
	var list []string
	f.value("list", &list, false)
	switch strings.ToLower(mode) {
	case "":
	case "all":
		*m = ReceiverAudioSubscription{All: true}
	case "none":
		*m = ReceiverAudioSubscription{}
	case "include":
		*m = ReceiverAudioSubscription{Include: list}
	case "exclude":
		*m = ReceiverAudioSubscription{All: true, Exclude: list}
	default:
		f.bad = true
	}
	return m
}

// fields reads the members of the outermost object. Properties that are
// null count as absent.
type fields struct {
	text    []byte
	members []member
	bad     bool
}

func (f *fields) raw(key string) []byte {
	for _, m := range f.members {
		if m.key == key {
			return f.text[m.start:m.end]
		}
	}
	return nil
}

// value reads a property into dst, which stays as it is if it is absent.
func (f *fields) value(key string, dst any, required bool) {
	raw := f.raw(key)
	if raw == nil || string(raw) == "null" {
		f.bad = f.bad || required
		return
	}
	if json.Unmarshal(raw, dst) != nil {
		f.bad = true
	}
}

func (f *fields) string(key string) string {
	var s string
	f.value(key, &s, false)
	return s
}

func (f *fields) required(key string) string {
	var s string
	f.value(key, &s, true)
	return s
}

// int reads a number, cut to 32 bits; nil if it is absent.
func (f *fields) int(key string) *int {
	var v *float64
	f.value(key, &v, false)
	if v == nil {
		return nil
	}
	n := toInt(*v)
	return &n
}

func (f *fields) videoType() VideoType {
	var v VideoType
	f.value("videoType", &v, true)
	return v
}

// toInt cuts to the range of 32 bits.
func toInt(v float64) int { return int(math.Max(math.MinInt32, math.Min(math.MaxInt32, v))) }

func atLeast(v, low int) int { return max(v, low) }

// UnmarshalJSON accepts fractions and absent members, which mean no limit.
func (c *Constraints) UnmarshalJSON(text []byte) error {
	var wire struct {
		MaxHeight    *float64 `json:"maxHeight"`
		MaxFrameRate *float64 `json:"maxFrameRate"`
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*c = Constraints{MaxHeight: -1, MaxFrameRate: -1}
	if wire.MaxHeight != nil {
		c.MaxHeight = max(toInt(*wire.MaxHeight), -1)
	}
	if wire.MaxFrameRate != nil {
		c.MaxFrameRate = math.Max(*wire.MaxFrameRate, -1)
	}
	return nil
}

// UnmarshalText folds case and refuses what is not a video type.
func (t *VideoType) UnmarshalText(text []byte) error {
	switch v := VideoType(strings.ToUpper(string(text))); v {
	case VideoCamera, VideoDesktop, VideoDesktopHighFPS, VideoNone:
		*t = v
	case "DISABLED":
		*t = VideoNone
	default:
		return ErrMalformed
	}
	return nil
}

// MarshalText writes the type; a camera is the default.
func (t VideoType) MarshalText() ([]byte, error) {
	if t == "" {
		t = VideoCamera
	}
	return []byte(t), nil
}
