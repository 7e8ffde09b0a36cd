package xmpp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"steg/colibri"
)

const (
	colibriNS = "xmlns='jitsi:colibri2'"
	health    = "<healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/>"
)

func errorXML(typ, condition, more string) string {
	return "<error type='" + typ + "'><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + more + "</error>"
}

func textXML(s string) string {
	return "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + s + "</text>"
}

func TestRequests(t *testing.T) {
	modify := "<conference-modify " + colibriNS + " meeting-id='m1'><endpoint id='e1'/></conference-modify>"
	forbidden := errorXML("auth", "forbidden", "")
	for _, tc := range []struct {
		name, from, payload string
		typ, want           string
	}{
		{"health", focusAt, health, "result", ""},
		{"health, other case", "BREWERY@Rooms.Test/focus", health, "result", ""},
		{"health from outside", "other@rooms.test/focus", health, "error", forbidden},
		{"health from a server", "rooms.test", health, "error", forbidden},
		{"health from a server's resource", "rooms.test/" + brewery, health, "error", forbidden},
		{"health from a look-alike", brewery + ".evil.test/focus", health, "error", forbidden},
		{"health from nowhere", "", health, "error", forbidden},
		{"modify", focusAt, modify, "result", "<conference-modified " + colibriNS + "><endpoint id='e1'/></conference-modified>"},
		{"modify from outside", "eve@auth.test/x", modify, "error", forbidden},
		{"unknown conference", focusAt, "<conference-modify " + colibriNS + " meeting-id='none'/>", "error",
			errorXML("cancel", "item-not-found", "<error "+colibriNS+" reason='conference_not_found'/>")},
		{"no meeting", focusAt, "<conference-modify " + colibriNS + "/>", "error", "bad-request"},
		{"endpoint without id", focusAt, "<conference-modify " + colibriNS + " meeting-id='m'><endpoint/></conference-modify>", "error", "bad-request"},
		{"too deep", focusAt, "<conference-modify " + colibriNS + " meeting-id='m'>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</conference-modify>", "error",
			errorXML("modify", "bad-request", textXML("stanza is too large"))},
		{"nothing", focusAt, "", "error", errorXML("modify", "bad-request", textXML("no payload"))},
		{"ping", "anybody@else.test/x", "<ping xmlns='urn:xmpp:ping'/>", "result", ""},
		{"ping of the server", "", "<ping xmlns='urn:xmpp:ping'/>", "result", ""},
		{"version", focusAt, "<query xmlns='jabber:iq:version'/>", "result", "<query xmlns='jabber:iq:version'><name>JVB</name><version>2.3.1</version></query>"},
		{"version from outside", "a@b/c", "<query xmlns='jabber:iq:version'/>", "error", forbidden},
		{"graceful", focusAt, "<graceful-shutdown xmlns='http://jitsi.org/protocol/colibri'/>", "error",
			errorXML("cancel", "service-unavailable", textXML("Unsupported IQ request"))},
		{"force", focusAt, "<force-shutdown xmlns='http://jitsi.org/protocol/colibri'/>", "error",
			errorXML("cancel", "service-unavailable", textXML("Unsupported IQ request"))},
		{"colibri 1", focusAt, "<conference xmlns='http://jitsi.org/protocol/colibri'/>", "error", errorXML("cancel", "feature-not-implemented", "")},
		{"disco of a node", focusAt, "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>", "error", errorXML("cancel", "item-not-found", "")},
		{"disco", "a@b/c", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "result", "<feature var='http://jitsi.org/protocol/healthcheck'></feature>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				defer w.close()
				c := <-w.conns
				c.admit()
				c.ask("q&apos;1", tc.from, tc.payload)
				st := c.answers()
				if st.ID != "q'1" || st.To != tc.from || st.From != ownJID || st.Type != tc.typ {
					t.Errorf("answer %+v", st)
				}
				if st.Inner != tc.want && (tc.want == "" || !strings.Contains(st.Inner, tc.want)) {
					t.Errorf("answer\n%s\nwant\n%s", st.Inner, tc.want)
				}
				c.ask("still", focusAt, health)
				if st := c.answers(); st.ID != "still" || st.Type != "result" {
					t.Errorf("afterwards %+v", st)
				}
			})
		})
	}
}

func TestUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.admit()
		w.status.set(errors.New("no media port"), "")
		c.ask("1", focusAt, health)
		if st := c.answers(); st.Inner != errorXML("cancel", "internal-server-error", textXML("no media port")) {
			t.Errorf("answer %s", st.Inner)
		}
	})
}

// Requests reach the bridge in order; answers leave as they are given, each
// once, and only on the connection of the request.
func TestLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		w.bridge.keep = make(chan request, 100)
		c := <-w.conns
		c.admit()
		for i := range 20 {
			c.ask(fmt.Sprint("id", i), focusAt, fmt.Sprintf("<conference-modify %s meeting-id='%d'/>", colibriNS, i))
		}
		synctest.Wait()
		if got := w.bridge.meetings(); got != "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19" {
			t.Errorf("order is %s", got)
		}
		first, second, third := <-w.bridge.keep, <-w.bridge.keep, <-w.bridge.keep
		third.answer(nil, errors.New("secret"))
		third.answer(&colibri.ConferenceModified{}, nil) // once is enough
		second.answer(&colibri.ConferenceModified{}, nil)
		if st := c.answers(); st.ID != "id2" || st.Inner != errorXML("cancel", "internal-server-error", textXML("internal error")) {
			t.Errorf("answer %+v", st)
		}
		if st := c.answers(); st.ID != "id1" || st.Type != "result" {
			t.Errorf("answer %+v", st)
		}
		c.Close()
		next := <-w.conns
		next.admit()
		if first.ctx.Err() == nil {
			t.Error("the request's context has survived its connection")
		}
		first.answer(&colibri.ConferenceModified{}, nil)
		synctest.Wait()
		next.quiet()
	})
}

// A stream that is not XML ends the connection, and a new one is made.
func TestBrokenStream(t *testing.T) {
	for _, tc := range []struct{ name, text, line string }{
		{"not XML", "<iq type='get'><a></b></iq>", "the stream broke"},
		{"too large", "<message><body>" + strings.Repeat("x", 2<<20) + "</body></message>", "too large"},
		{"restart", "<stream:stream>", "the stream broke"},
		{"shutdown", "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "the server says system-shutdown"},
		{"end", "</stream:stream>", "the server closed the stream"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				defer w.close()
				c := <-w.conns
				c.admit()
				c.write(tc.text)
				next := <-w.conns
				next.admit()
				if w.client.Disconnects() != 1 || w.log.count(tc.line) != 1 {
					t.Errorf("%d disconnects, log:\n%s", w.client.Disconnects(), w.log)
				}
			})
		})
	}
}

// What the bridge has no use for is passed over.
func TestIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.admit()
		c.write("<r xmlns='urn:xmpp:sm:3'/> <message from='" + focusAt + "'><body>hello</body></message>" +
			"<presence from='" + brewery + "/other'/><presence type='error' from='a@b/c'/><iq type='result' id='b1'/>" +
			"<iq type='get' from='" + focusAt + "'>" + health + "</iq>")
		c.ask("after", focusAt, health)
		if st := c.answers(); st.ID != "after" {
			t.Errorf("answer %+v", st)
		}
	})
}
