package colibri_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"steg/colibri"
)

// TestCapturedAsJSON takes every captured stanza through JSON.
func TestCapturedAsJSON(t *testing.T) {
	forEachPayload(t, func(_ string, payload []byte) {
		var first, again any
		var err error
		switch {
		case bytes.HasPrefix(payload, []byte("<conference-modify ")):
			first, err = colibri.ParseModify(payload)
			again = &colibri.ConferenceModify{}
		case bytes.HasPrefix(payload, []byte("<conference-modified")):
			first, err = colibri.ParseModified(payload)
			again = &colibri.ConferenceModified{}
		default:
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc, again); err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		if !reflect.DeepEqual(first, again) {
			t.Errorf("got %+v from %s", again, doc)
		}
	})
}

// TestJSONForm compares both forms of a request that has everything.
func TestJSONForm(t *testing.T) {
	for _, name := range []string{"everything", "answer"} {
		t.Run(name, func(t *testing.T) {
			xmlDoc, err := os.ReadFile("testdata/json/" + name + ".xml")
			if err != nil {
				t.Fatal(err)
			}
			jsonDoc, err := os.ReadFile("testdata/json/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var fromXML, fromJSON any
			var jsonErr error
			if name == "answer" {
				fromXML, err = colibri.ParseModified(xmlDoc)
				fromJSON, jsonErr = colibri.ParseModifiedJSON(jsonDoc)
			} else {
				fromXML, err = colibri.ParseModify(xmlDoc)
				fromJSON, jsonErr = colibri.ParseModifyJSON(jsonDoc, "")
			}
			if err != nil || jsonErr != nil || !reflect.DeepEqual(fromXML, fromJSON) {
				t.Fatalf("%v, %v:\n%+v\n%+v", err, jsonErr, fromXML, fromJSON)
			}
			written, err := json.Marshal(fromXML)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal(written, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(jsonDoc, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %s", written)
			}
		})
	}
}

func TestParseModifyJSON(t *testing.T) {
	tests := []struct {
		name, doc, meetingID string
		ok                   bool
	}{
		{"id in the document", `{"meeting-id":"a"}`, "", true},
		{"id in the path", `{}`, "b", true},
		{"both", `{"meeting-id":"a"}`, "b", true},
		{"unknown members", `{"meeting-id":"a","x":{"y":[1,{}]},"endpoints":{},"relays":7,"connects":null}`, "", true},
		{"no id", `{}`, "", false},
		{"empty", ``, "b", false},
		{"array", `[]`, "b", false},
		{"two", `{}{}`, "b", false},
		{"truncated", `{"a":`, "b", false},
		{"endpoint without id", `{"endpoints":[{}]}`, "b", false},
		{"bad number", `{"endpoints":[{"id":"e","initial-last-n":{"value":"x"}}]}`, "b", false},
		{"deep", `{"x":` + string(bytes.Repeat([]byte("["), 100)) + string(bytes.Repeat([]byte("]"), 100)) + `}`, "b", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := colibri.ParseModifyJSON([]byte(tt.doc), tt.meetingID)
			var e *colibri.Error
			switch {
			case tt.ok != (err == nil), err != nil && !errors.As(err, &e):
				t.Errorf("got %+v, %v", m, err)
			case err == nil && tt.meetingID != "" && m.MeetingID != tt.meetingID:
				t.Errorf("meeting id %q", m.MeetingID)
			}
		})
	}
}

func FuzzParseModifyJSON(f *testing.F) {
	forEachPayload(f, func(_ string, payload []byte) {
		if m, err := colibri.ParseModify(payload); err == nil {
			if doc, err := json.Marshal(m); err == nil {
				f.Add(doc)
			}
		}
	})
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := colibri.ParseModifyJSON(doc, "m")
		if err != nil {
			return
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := colibri.ParseModifyJSON(out, "")
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
