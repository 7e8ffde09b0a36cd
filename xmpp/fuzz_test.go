package xmpp

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"steg/colibri"
	"steg/configs"
)

// echo is a bridge that is well and confirms everything.
type echo struct{}

func (echo) Modify(_ context.Context, _ *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error)) {
	answer(&colibri.ConferenceModified{}, nil)
}
func (echo) Healthy() error             { return nil }
func (echo) Statistics() []colibri.Stat { return []colibri.Stat{{Name: "drain", Value: "false"}} }

// FuzzStanzas reads arbitrary bytes as a stream. Each request that can be
// answered gets one answer, and all that is sent is XML.
func FuzzStanzas(f *testing.F) {
	text, err := os.ReadFile("testdata/dialogue.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f.Add([]byte(strings.TrimLeft(line, "SB: ")))
	}
	f.Add([]byte("<iq type='get' id='1' from='jvbbrewery@internal.auth.meet.test/x'><query xmlns='jabber:iq:version'/></iq>"))
	f.Add([]byte("<iq type='set' id='2'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>"))
	f.Add([]byte("<presence type='error' from='jvbbrewery@internal.auth.meet.test/jvb1'><error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := aloneSession()
		defer s.forgetRooms()
		defer s.end(io.EOF)
		d := xml.NewDecoder(io.MultiReader(strings.NewReader("<stream xmlns='jabber:client'>"), bytes.NewReader(data)))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			st, err := readStanza(d)
			if err != nil {
				return
			}
			request := st.kind == "iq" && st.id != "" && st.typ != "result" && st.typ != "error"
			s.handle(st)
			answers := sent(t, s)
			if request && answers != 1 || !request && answers != 0 {
				t.Fatalf("%d answers to %+v", answers, st)
			}
		}
	})
}

// aloneSession is a session of which nothing runs.
func aloneSession() *session {
	cfg := configs.XMPP{Accounts: []configs.Account{{
		Host: "localhost", Username: "jvb", Nickname: "jvb1", MUCs: []string{"jvbbrewery@internal.auth.meet.test"},
	}}}
	c := New(cfg, "1", echo{}, echo{}, zerolog.Nop())
	raw, _ := net.Pipe()
	return newSession(c.accounts[0], nil, raw, newLimitedConn(raw, nil))
}

// sent empties the queue and counts the answers in it.
func sent(t *testing.T, s *session) (answers int) {
	for len(s.out) > 0 {
		var st struct {
			XMLName xml.Name
			Type    string `xml:"type,attr"`
		}
		b := <-s.out
		if err := xml.Unmarshal(b, &st); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if st.XMLName.Local == "iq" && (st.Type == "result" || st.Type == "error") {
			answers++
		}
	}
	return answers
}
