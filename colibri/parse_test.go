package colibri_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"steg/colibri"
)

func ptr[T any](v T) *T { return &v }

func modify(inner string) string {
	return "<conference-modify xmlns='jitsi:colibri2' meeting-id='m'>" + inner + "</conference-modify>"
}

func TestParseModifyRefuses(t *testing.T) {
	const (
		rtp  = "xmlns='urn:xmpp:jingle:apps:rtp:1'"
		ssma = "xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'"
		ice  = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'>"
	)
	endpoint := func(inner string) string { return modify("<endpoint id='e'>" + inner + "</endpoint>") }
	source := func(inner string) string {
		return endpoint("<sources><media-source type='video' id='e-v0'>" + inner + "</media-source></sources>")
	}
	connect := func(attrs, inner string) string {
		return modify("<connects><connect " + attrs + ">" + inner + "</connect></connects>")
	}
	const good = "id='c' url='wss://x.example/y' protocol='mediajson' "
	tests := []struct{ name, doc string }{
		{"empty", ""},
		{"truncated", "<conference-modify xmlns='jitsi:colibri2' meeting-id='m'>"},
		{"another element", "<conference-modified xmlns='jitsi:colibri2'/>"},
		{"another namespace", "<conference-modify xmlns='jitsi:colibri' meeting-id='m'/>"},
		{"no meeting id", "<conference-modify xmlns='jitsi:colibri2'/>"},
		{"blank meeting id", "<conference-modify xmlns='jitsi:colibri2' meeting-id=' '/>"},
		{"endpoint without id", modify("<endpoint/>")},
		{"relay without id", modify("<relay/>")},
		{"unknown role", modify("<endpoint id='e' muc-role='king'/>")},
		{"unknown media type", endpoint("<media type='smell'/>")},
		{"no media type", endpoint("<media/>")},
		{"payload type not a number", endpoint("<media type='audio'><payload-type " + rtp + " id='x'/></media>")},
		{"payload type too large", endpoint("<media type='audio'><payload-type " + rtp + " id='128'/></media>")},
		{"clock rate", endpoint("<media type='audio'><payload-type " + rtp + " id='1' clockrate='-1'/></media>")},
		{"extension without uri", endpoint("<media type='audio'><rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1'/></media>")},
		{"last-n without value", endpoint("<initial-last-n/>")},
		{"last-n not a number", endpoint("<initial-last-n value='many'/>")},
		{"capability without name", endpoint("<capability/>")},
		{"sctp port", endpoint("<transport><sctp port='70000'/></transport>")},
		{"sctp role", endpoint("<transport><sctp role='boss'/></transport>")},
		{"candidate port", endpoint("<transport>" + ice + "<candidate ip='::1' port='x'/></transport></transport>")},
		{"ice generation", endpoint("<transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ice-generation='x'/></transport>")},
		{"media source without id", endpoint("<sources><media-source type='audio'/></sources>")},
		{"source without ssrc", source("<source " + ssma + "/>")},
		{"source with a large ssrc", source("<source " + ssma + " ssrc='4294967296'/>")},
		{"group without semantics", source("<ssrc-group " + ssma + "/>")},
		{"connect without id", connect("url='ws://x' protocol='mediajson'", "")},
		{"connect without url", connect("id='c' protocol='mediajson' create='true'", "")},
		{"connect to http", connect("id='c' url='https://x' protocol='mediajson'", "")},
		{"connect protocol", connect("id='c' url='ws://x' protocol='morse'", "")},
		{"connect type", connect(good+"type='spy'", "")},
		{"header name", connect(good, "<http-header name='a:b' value='c'/>")},
		{"ping", connect(good, "<ping interval='soon' timeout='1'/>")},
		{"deep", modify(strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100))},
		{"many", modify(strings.Repeat("<a/>", 100_001))},
		{"long", modify("<!--" + strings.Repeat("x", 5<<20) + "-->")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuses(t, tt.doc) })
	}
}

func refuses(t *testing.T, doc string) {
	t.Helper()
	m, err := colibri.ParseModify([]byte(doc))
	var e *colibri.Error
	if !errors.As(err, &e) || e.Condition != colibri.BadRequest || e.Type() != "modify" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestParseModifyAccepts(t *testing.T) {
	const doc = `<?xml version="1.0"?>
<c:conference-modify xmlns:c="jitsi:colibri2" c:name='other' name="r@x" meeting-id="m" create="TRUE" expire="1" rtcstats-enabled='no'>
 <what xmlns='urn:ever'><c:endpoint id='hidden'/></what>
 <c:endpoint diarize='true' id="a" muc-role='VISITOR'><c:sources/><c:force-mute audio='true'/>
  <c:initial-last-n value='-1'/><c:media type='VIDEO'><p:payload-type xmlns:p='urn:xmpp:jingle:apps:rtp:1' id='112' name='red'>
   <p:parameter value='111/111'/></p:payload-type></c:media><x/></c:endpoint>
 <c:endpoint id='b'><c:transport ice-restart='true'><t:transport xmlns:t='urn:xmpp:jingle:transports:ice-udp:1' ice-generation='0'>
   <f:fingerprint xmlns:f='urn:xmpp:jingle:apps:dtls:0' hash='SHA-256' setup='active'> AA:BB
   </f:fingerprint><f:fingerprint xmlns:f='urn:xmpp:jingle:apps:dtls:0' hash='sha-1'/></t:transport><c:sctp/></c:transport></c:endpoint>
 <c:connects><c:connect id='gone' expire='true'/><c:connect id='t' create='true' url='wss://h.example/?a=1&amp;b=2' protocol='MEDIAJSON' type='transcriber'>
  <c:ping interval='1500' timeout='10'/><c:http-header name='X-A' value="a&#13;&#10;b"/><c:exports/></c:connect></c:connects>
</c:conference-modify>`
	want := &colibri.ConferenceModify{
		MeetingID: "m", Name: "r@x", Create: true, RTCStatsEnabled: ptr(false),
		Endpoints: []colibri.Endpoint{{
			ID: "a", MUCRole: colibri.RoleVisitor, Diarize: ptr(true), Sources: &colibri.Sources{},
			ForceMute: &colibri.ForceMute{Audio: true}, InitialLastN: ptr(-1),
			Media: []colibri.Media{{Type: colibri.Video, PayloadTypes: []colibri.PayloadType{
				{ID: 112, Name: "red", Channels: 1, Parameters: []colibri.Parameter{{Value: "111/111"}}},
			}}},
		}, {
			ID: "b", Transport: &colibri.Transport{ICERestart: true, SCTP: &colibri.SCTP{}, ICE: &colibri.IceUDP{
				Generation:   ptr(0),
				Fingerprints: []colibri.Fingerprint{{Hash: "sha-256", Setup: "active", Value: "AA:BB"}},
			}},
		}},
		Connects: []colibri.Connect{{ID: "gone", Expire: true}, {
			ID: "t", Create: true, URL: "wss://h.example/?a=1&b=2", Protocol: "MEDIAJSON", Type: colibri.ConnectTranscriber,
			Ping:    &colibri.Ping{Interval: 1500 * time.Millisecond, Timeout: 10 * time.Millisecond},
			Headers: []colibri.HTTPHeader{{Name: "X-A", Value: "ab"}}, Exports: []string{},
		}},
	}
	got, err := colibri.ParseModify([]byte(doc))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, %v", got, err)
	}
	again, err := colibri.ParseModify(colibri.Marshal(got))
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("second reading: %#v, %v", again, err)
	}
}

// A refused element must not disturb what follows it in the stream.
func TestReadModifyLeavesStreamInPlace(t *testing.T) {
	stream := "<s>" + modify(strings.Repeat("<a>", 40)+strings.Repeat("</a>", 40)) + modify("") + "</s>"
	d := xml.NewDecoder(strings.NewReader(stream))
	var results []error
	for {
		tok, err := d.Token()
		if err != nil {
			break
		}
		if start, ok := tok.(xml.StartElement); ok && start.Name.Local == "conference-modify" {
			_, err := colibri.ReadModify(d, start)
			results = append(results, err)
		}
	}
	if len(results) != 2 || results[0] == nil || results[1] != nil {
		t.Errorf("got %v", results)
	}
}

func TestErrorForm(t *testing.T) {
	e := &colibri.Error{
		Condition: colibri.ItemNotFound, Reason: colibri.ReasonUnknownEndpoint,
		Text: "Unknown endpoint <e'1>", EndpointID: "e'1",
	}
	const want = `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
		`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Unknown endpoint &lt;e&#39;1&gt;</text>` +
		`<error xmlns='jitsi:colibri2' reason='unknown_endpoint'/><endpoint xmlns='jitsi:colibri2' id='e&#39;1'/></error>`
	if got := string(colibri.Marshal(e)); got != want {
		t.Errorf("got %s", got)
	}
	again, err := colibri.ParseError([]byte(want))
	if err != nil || *again != *e {
		t.Errorf("got %+v, %v", again, err)
	}
	if s := fmt.Sprint(error(e)); s != "item-not-found (unknown_endpoint)" {
		t.Errorf("prints as %q", s)
	}
}

func TestStatsForm(t *testing.T) {
	s := colibri.Stats{{Name: "stress_level", Value: "0.1"}, {Name: "region", Value: "a & b"}}
	doc := colibri.Marshal(s)
	want := `<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='stress_level' value='0.1'/>` +
		`<stat name='region' value='a &amp; b'/></stats>`
	if string(doc) != want {
		t.Errorf("got %s", doc)
	}
	again, err := colibri.ParseStats(doc)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("got %v, %v", again, err)
	}
	if v, ok := again.Value("region"); !ok || v != "a & b" {
		t.Errorf("got %q, %t", v, ok)
	}
}

func TestAddressNeverPrints(t *testing.T) {
	c := colibri.Candidate{IP: "192.0.2.1", RelAddr: "192.0.2.2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if s := fmt.Sprintf(verb, c); strings.Contains(s, "192") || strings.Contains(s, "3139") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

func FuzzParseModify(f *testing.F) {
	forEachPayload(f, func(_ string, payload []byte) { f.Add(payload) })
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := colibri.ParseModify(doc)
		if err != nil {
			var e *colibri.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T", err)
			}
			return
		}
		again, err := colibri.ParseModify(colibri.Marshal(m))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%v: %s", err, colibri.Marshal(m))
		}
	})
}

func FuzzParseModified(f *testing.F) {
	forEachPayload(f, func(_ string, payload []byte) { f.Add(payload) })
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := colibri.ParseModified(doc)
		if err != nil {
			return
		}
		out := colibri.Marshal(m)
		again, err := colibri.ParseModified(out)
		if err != nil || !bytes.Equal(colibri.Marshal(again), out) {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
