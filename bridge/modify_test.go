package bridge

import (
	"fmt"
	"strings"
	"testing"

	"steg/colibri"
	"steg/configs"
)

func createRequest(id string) colibri.Endpoint {
	return colibri.Endpoint{
		ID: id, Create: true,
		Transport:    &colibri.Transport{ICEControlling: true, SCTP: &colibri.SCTP{}},
		Capabilities: []colibri.Capability{colibri.CapSourceNames},
		Media: []colibri.Media{
			{Type: colibri.Audio, PayloadTypes: []colibri.PayloadType{{ID: 111, Name: "opus", ClockRate: 48000, Channels: 2}}},
			{Type: colibri.Video, PayloadTypes: []colibri.PayloadType{{ID: 100, Name: "VP8", ClockRate: 90000, Channels: 1}}},
		},
	}
}

func TestModifyRefuses(t *testing.T) {
	visitor := createRequest("v")
	visitor.MUCRole = colibri.RoleVisitor
	visitor.Sources = &colibri.Sources{MediaSources: []colibri.MediaSource{{Type: colibri.Audio, ID: "v-a0"}}}
	with := func(change func(*colibri.Endpoint)) colibri.ConferenceModify {
		e := createRequest("new")
		change(&e)
		return colibri.ConferenceModify{Endpoints: []colibri.Endpoint{e}}
	}
	tests := []struct {
		name string
		req  colibri.ConferenceModify
		want string
	}{
		{"exists", colibri.ConferenceModify{Create: true}, "conflict conference_already_exists"},
		{"endpoint exists", with(func(e *colibri.Endpoint) { e.ID = "a" }), "conflict "},
		{"no transport", with(func(e *colibri.Endpoint) { e.Transport = nil }), "bad-request "},
		{"no source names", with(func(e *colibri.Endpoint) { e.Capabilities = nil }), "bad-request "},
		{"SCTP client", with(func(e *colibri.Endpoint) { e.Transport.SCTP.Role = "client" }), "feature-not-implemented "},
		{"SCTP port", with(func(e *colibri.Endpoint) { e.Transport.SCTP.Port = 5001 }), "bad-request "},
		{"visitor with sources", colibri.ConferenceModify{Endpoints: []colibri.Endpoint{visitor}}, "bad-request "},
		{"unknown endpoint", colibri.ConferenceModify{Endpoints: []colibri.Endpoint{{ID: "x", Sources: &colibri.Sources{}}}}, "item-not-found unknown_endpoint x"},
		{"two creations", colibri.ConferenceModify{Endpoints: []colibri.Endpoint{createRequest("x"), createRequest("y")}}, "feature-not-implemented feature_not_implemented"},
		{"mixture", colibri.ConferenceModify{Endpoints: []colibri.Endpoint{{ID: "a"}}, Relays: []colibri.Relay{{ID: "r"}}}, "feature-not-implemented feature_not_implemented"},
		{"relay", colibri.ConferenceModify{Relays: []colibri.Relay{{ID: "r", Create: true}}}, "feature-not-implemented "},
		{"connect", colibri.ConferenceModify{Connects: []colibri.Connect{{ID: "c", Create: true}}}, "feature-not-implemented feature_not_implemented"},
		{"not a room", colibri.ConferenceModify{MeetingID: "other", Create: true, Name: "room"}, "bad-request "},
		{"unknown conference", colibri.ConferenceModify{MeetingID: "other"}, "item-not-found conference_not_found"},
	}
	b := newTestBridge(t, nil)
	if _, err := b.ask(t, &colibri.ConferenceModify{MeetingID: "m", Create: true, Endpoints: []colibri.Endpoint{createRequest("a")}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.req.MeetingID == "" {
				tt.req.MeetingID = "m"
			}
			_, err := b.ask(t, &tt.req)
			e, ok := err.(*colibri.Error) //nolint:errorlint // the very value is what the edge gets
			if !ok {
				t.Fatalf("got %v", err)
			}
			if got := fmt.Sprint(e.Condition, " ", e.Reason); strings.TrimSpace(got+" "+e.EndpointID) != strings.TrimSpace(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if c := b.conference("m"); c == nil || len(*c.roster.Load()) != 1 {
		t.Error("a refused request changed the conference")
	}
	if b.conference("other") != nil {
		t.Error("a refused creation left a conference")
	}
}

// TestModifyOrder sends what the focus sends without waiting for answers.
func TestModifyOrder(t *testing.T) {
	b := newTestBridge(t, nil)
	answers := make(chan string, 16)
	send := func(name string, req colibri.ConferenceModify) {
		req.MeetingID = "m"
		b.Modify(t.Context(), &req, func(_ *colibri.ConferenceModified, err error) {
			answers <- fmt.Sprint(name, " ", condition(err))
		})
	}
	expire := func(id string) colibri.ConferenceModify {
		return colibri.ConferenceModify{Endpoints: []colibri.Endpoint{{ID: id, Expire: true}}}
	}
	add := func(id string) colibri.ConferenceModify {
		return colibri.ConferenceModify{Endpoints: []colibri.Endpoint{createRequest(id)}}
	}
	send("create", colibri.ConferenceModify{Create: true, Endpoints: []colibri.Endpoint{createRequest("a")}})
	send("add", add("b"))
	send("expire b", expire("b"))
	send("add b again", add("b"))
	send("batch", colibri.ConferenceModify{Endpoints: []colibri.Endpoint{{ID: "gone", ForceMute: &colibri.ForceMute{Audio: true}}, {ID: "b", Expire: true}}})
	send("expire all", colibri.ConferenceModify{Expire: true})
	for _, want := range []string{"create ", "add ", "expire b ", "add b again ", "batch ", "expire all "} {
		if got := <-answers; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// The meeting id was free before the last answer.
	send("anew", colibri.ConferenceModify{Create: true, Endpoints: []colibri.Endpoint{createRequest("a")}})
	send("last leaves", expire("a"))
	for _, want := range []string{"anew ", "last leaves "} {
		if got := <-answers; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if b.conference("m") != nil {
		t.Error("the conference outlived its last endpoint")
	}
}

func TestShutdownRefusesConferences(t *testing.T) {
	b := newTestBridge(t, nil)
	b.ShutDown()
	_, err := b.ask(t, &colibri.ConferenceModify{MeetingID: "m", Create: true})
	if condition(err) != colibri.ServiceUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestSCTPSwitchedOff(t *testing.T) {
	b := newTestBridge(t, func(c *configs.Config) { c.SCTP.Enabled = false })
	_, err := b.ask(t, &colibri.ConferenceModify{MeetingID: "m", Create: true, Endpoints: []colibri.Endpoint{createRequest("a")}})
	if condition(err) != colibri.FeatureNotImplemented {
		t.Errorf("got %v", err)
	}
	if b.conference("m") != nil {
		t.Error("the conference was kept")
	}
}
