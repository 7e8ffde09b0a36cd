package message_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"steg/bridge/message"
)

func ptr[T any](v T) *T { return &v }

// captured is one message of a real call.
type captured struct {
	Dir string `json:"dir"` // to-bridge, to-client or relay
	Raw string `json:"raw"`
}

func captures(t testing.TB) []captured {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	var out []captured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			var c captured
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			out = append(out, c)
		}
	}
	return out
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCapturedMessages(t *testing.T) {
	seen := map[string]int{}
	for _, c := range captures(t) {
		m, err := message.Parse([]byte(c.Raw))
		if err != nil {
			t.Errorf("%v: %s", err, c.Raw)
			continue
		}
		seen[m.Class()]++
		out := message.Marshal(m)
		want := c.Raw
		if c.Dir == "to-bridge" { // clients write video types in lower case
			want = strings.ReplaceAll(want, `"camera"`, `"CAMERA"`)
			want = strings.ReplaceAll(want, `"desktop"`, `"DESKTOP"`)
			want = strings.ReplaceAll(want, `"none"`, `"NONE"`)
			// and leave out what Marshal writes
			if m.Class() == "ReceiverVideoConstraints" {
				want = strings.NewReplacer(`180}`, `180,"maxFrameRate":-1}`, `360}`, `360,"maxFrameRate":-1}`,
					`720}`, `720,"maxFrameRate":-1}`).Replace(want)
			}
		}
		if !reflect.DeepEqual(decode(t, out), decode(t, []byte(want))) {
			t.Errorf("got  %s\nwant %s", out, want)
		}
		if c.Dir == "to-client" {
			var exact bytes.Buffer
			if err := json.Compact(&exact, []byte(c.Raw)); err != nil || !bytes.Equal(out, exact.Bytes()) {
				t.Errorf("got  %s\nwant %s", out, exact.Bytes())
			}
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %v", seen)
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       message.Message
	}{
		{"constraints in full", ` {"colibriClass":"ReceiverVideoConstraints","lastN":-3,"selectedSources":[],"onStageSources":["a-v0"],
			"defaultConstraints":{"maxHeight":180.0,"new":[{}]},"constraints":{"a-v0":{"maxHeight":720,"maxFrameRate":29.97},"b-v0":{}},
			"assumedBandwidthBps":-1,"later":{"x":null}} `,
			&message.ReceiverVideoConstraints{
				LastN: ptr(-1), SelectedSources: []string{}, OnStageSources: []string{"a-v0"},
				DefaultConstraints: &message.Constraints{MaxHeight: 180, MaxFrameRate: -1},
				Constraints: map[string]message.Constraints{
					"a-v0": {MaxHeight: 720, MaxFrameRate: 29.97}, "b-v0": {MaxHeight: -1, MaxFrameRate: -1},
				},
				AssumedBandwidthBps: ptr(int64(-1)),
			}},
		{"constraints, nothing", `{"colibriClass":"ReceiverVideoConstraints","lastN":null}`, &message.ReceiverVideoConstraints{}},
		{"large numbers", `{"colibriClass":"ReceiverVideoConstraints","lastN":1e300}`,
			&message.ReceiverVideoConstraints{LastN: ptr(1<<31 - 1)}},
		{"video type", `{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"Desktop_High_FPS"}`,
			&message.SourceVideoTypeMessage{VideoType: message.VideoDesktopHighFPS, SourceName: "a-v0"}},
		{"muted", `{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"disabled"}`,
			&message.SourceVideoTypeMessage{VideoType: message.VideoNone, SourceName: "a-v0"}},
		{"old video type", `{"videoType":"NONE","colibriClass":"VideoTypeMessage"}`,
			&message.VideoTypeMessage{VideoType: message.VideoNone}},
		{"last n", `{"colibriClass":"LastNChangedEvent","lastN":5}`, &message.LastNChangedEvent{LastN: 5}},
		{"hello", `{"colibriClass":"ClientHello","x":1}`, &message.ClientHello{}},
		{"subscription", `{"colibriClass":"ReceiverAudioSubscription","all":true,"exclude":["a-a0"]}`,
			&message.ReceiverAudioSubscription{All: true, Exclude: []string{"a-a0"}}},
		{"old subscription", `{"colibriClass":"ReceiverAudioSubscription","mode":"Exclude","list":["a-a0"]}`,
			&message.ReceiverAudioSubscription{All: true, Exclude: []string{"a-a0"}}},
		{"old subscription to some", `{"colibriClass":"ReceiverAudioSubscription","mode":"INCLUDE","list":["a-a0"]}`,
			&message.ReceiverAudioSubscription{Include: []string{"a-a0"}}},
		{"old subscription to none", `{"colibriClass":"ReceiverAudioSubscription","mode":"none"}`,
			&message.ReceiverAudioSubscription{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := message.Parse([]byte(tt.text))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"not JSON", "hello"},
		{"array", "[]"},
		{"no class", `{"a":1}`},
		{"class not a string", `{"colibriClass":1}`},
		{"two objects", `{"colibriClass":"ClientHello"}{}`},
		{"not UTF-8", "{\"colibriClass\":\"ClientHello\",\"a\":\"\xff\"}"},
		{"duplicate key", `{"colibriClass":"EndpointMessage","to":"","to":"a"}`},
		{"duplicate key, escaped", `{"colibriClass":"EndpointMessage","from":"a","fr\u006fm":"b"}`},
		{"duplicate key inside", `{"colibriClass":"EndpointMessage","msgPayload":[{"a":1,"b":{},"a":2}]}`},
		{"deep", `{"colibriClass":"EndpointMessage","msgPayload":` + deep + `}`},
		{"wrong type", `{"colibriClass":"ReceiverVideoConstraints","lastN":"all"}`},
		{"to not a string", `{"colibriClass":"EndpointMessage","to":{}}`},
		{"no source name", `{"colibriClass":"SourceVideoTypeMessage","videoType":"camera"}`},
		{"unknown video type", `{"colibriClass":"SourceVideoTypeMessage","sourceName":"a","videoType":"radio"}`},
		{"unknown mode", `{"colibriClass":"ReceiverAudioSubscription","mode":"maybe"}`},
		{"no last n", `{"colibriClass":"LastNChangedEvent"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := message.Parse([]byte(tt.text)); !errors.Is(err, message.ErrMalformed) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
	var unknown *message.UnknownClassError
	if _, err := message.Parse([]byte(`{"colibriClass":"Later"}`)); !errors.As(err, &unknown) || unknown.Name != "Later" {
		t.Errorf("unknown class: %v", err)
	}
	large := `{"colibriClass":"EndpointMessage","x":"` + strings.Repeat("x", message.MaxSize) + `"}`
	if _, err := message.Parse([]byte(large)); !errors.Is(err, message.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
}

func TestWithFrom(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"absent", `{ "colibriClass":"EndpointMessage", "to":"b" ,"msgPayload":{"a": 1.50}}`,
			`{ "colibriClass":"EndpointMessage","from":"x\"y", "to":"b" ,"msgPayload":{"a": 1.50}}`},
		{"absent, alone", `{"colibriClass":"EndpointStats"}`, `{"colibriClass":"EndpointStats","from":"x\"y"}`},
		{"forged", `{"from" : {"not":"text"},"colibriClass":"EndpointStats","n":1e2}`, ""},
		{"forged name", `{"from" : "king","colibriClass":"EndpointStats","n":1e2,"in":{"from":"z"}}`,
			`{"from" : "x\"y","colibriClass":"EndpointStats","n":1e2,"in":{"from":"z"}}`},
		{"null, escaped", `{"fr\u006fm":null,"colibriClass":"EndpointMessage","u":"\u00e9é"}`,
			`{"fr\u006fm":"x\"y","colibriClass":"EndpointMessage","u":"\u00e9é"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := []byte(tt.text)
			m, err := message.Parse(text)
			if tt.want == "" {
				if err == nil {
					t.Errorf("got %+v", m)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			clear(text) // the message must not refer to it
			got := m.(interface{ WithFrom(string) []byte }).WithFrom(`x"y`)
			if string(got) != tt.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestMarshal(t *testing.T) {
	tests := []struct {
		m    message.Message
		want string
	}{
		{&message.ServerHello{}, `{"colibriClass":"ServerHello"}`},
		{&message.ForwardedSources{}, `{"colibriClass":"ForwardedSources","forwardedSources":[]}`},
		{&message.VideoSourcesMap{}, `{"colibriClass":"VideoSourcesMap","mappedSources":[]}`},
		{&message.EndpointConnectivityStatusChangeEvent{Endpoint: "a"},
			`{"colibriClass":"EndpointConnectivityStatusChangeEvent","endpoint":"a","active":"false"}`},
		{&message.DominantSpeakerEndpointChangeEvent{DominantSpeakerEndpoint: "a<b"},
			`{"colibriClass":"DominantSpeakerEndpointChangeEvent","dominantSpeakerEndpoint":"a<b","previousSpeakers":[],"silence":false}`},
		{&message.VideoSourcesMap{MappedSources: []message.VideoSource{{Source: "a-v0", Owner: "a", SSRC: 1, RTX: -1, VideoType: message.VideoCamera}}},
			`{"colibriClass":"VideoSourcesMap","mappedSources":[{"source":"a-v0","owner":"a","ssrc":1,"rtx":-1,"videoType":"CAMERA"}]}`},
		{&message.SyntheticSourceSendingChangeEvent{SourceName: "s", Sending: true, Timestamp: 1<<32 - 1},
			`{"colibriClass":"SyntheticSourceSendingChangeEvent","sourceName":"s","sending":true,"timestamp":4294967295}`},
		{&message.ReceiverVideoConstraints{LastN: ptr(0), SelectedSources: []string{}},
			`{"colibriClass":"ReceiverVideoConstraints","lastN":0,"selectedSources":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.m.Class(), func(t *testing.T) {
			if got := string(message.Marshal(tt.m)); got != tt.want {
				t.Errorf("got %s", got)
			}
		})
	}
	em, err := message.NewEndpointMessage("transcriber", "", json.RawMessage(`{"a":1}`))
	want := `{"colibriClass":"EndpointMessage","to":"","from":"transcriber","msgPayload":{"a":1}}`
	if err != nil || string(message.Marshal(em)) != want {
		t.Errorf("got %s, %v", em.Text(), err)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range captures(f) {
		f.Add([]byte(c.Raw))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := message.Parse(text)
		if err != nil {
			return
		}
		if e, ok := m.(interface{ WithFrom(string) []byte }); ok {
			// The identity must be the bridge's for any reader of JSON.
			var v map[string]json.RawMessage
			if json.Unmarshal(e.WithFrom("me"), &v) != nil || string(v["from"]) != `"me"` {
				t.Fatalf("%s", e.WithFrom("me"))
			}
		}
		again, err := message.Parse(message.Marshal(m))
		if err != nil {
			t.Fatalf("%v: %s", err, message.Marshal(m))
		}
		if !bytes.Equal(message.Marshal(again), message.Marshal(m)) {
			t.Fatalf("%s and %s", message.Marshal(again), message.Marshal(m))
		}
	})
}
