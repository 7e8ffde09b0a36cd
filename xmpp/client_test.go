package xmpp_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"steg/configs"
)

const plainStats = "<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='stress_level' value='0.1'/>" +
	"<stat name='drain' value='false'/><stat name='threads' value='7'/></stats>"

func TestJoinAndPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		if got := c.admit().brief(); got != "presence  "+ownAt+" "+plainStats {
			t.Errorf("first presence is %s", got)
		}
		if !w.client.Joined() {
			t.Error("not joined")
		}
		joined := time.Now()
		c.expect()
		if d := time.Since(joined); d > 5*time.Second {
			t.Errorf("next presence after %v", d)
		}
		time.Sleep(time.Second)
		w.status.set(nil, "true")
		w.client.Publish()
		synctest.Wait()
		select {
		case st := <-c.in:
			if !strings.Contains(st.Inner, "name='drain' value='true'") {
				t.Errorf("published %s", st.Inner)
			}
		default:
			t.Error("Publish published nothing")
		}
	})
}

func TestStatsFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *configs.XMPP) { cfg.StatsFilter, cfg.StatsWhitelist = true, []string{"drain", "region"} })
		defer w.close()
		c := <-w.conns
		want := "<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='drain' value='false'/></stats>"
		if got := c.admit().Inner; got != want {
			t.Errorf("presence is %s", got)
		}
	})
}

// A room that the join has made is opened for everybody's eyes.
func TestRoomCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.expect()
		c.show("", "<status code='201'/>")
		st := c.answers()
		if st.Type != "get" || st.To != brewery || st.Inner != "<query xmlns='http://jabber.org/protocol/muc#owner'/>" {
			t.Fatalf("got %s", st.brief())
		}
		c.write("<iq type='result' id='" + st.ID + "' from='stranger@rooms.test'/>") // must not count
		c.write("<iq type='result' id='" + st.ID + "' from='" + brewery + "'/>")
		st = c.answers()
		if st.Type != "set" || !strings.Contains(st.Inner, "<field var='muc#roomconfig_whois'><value>anyone</value></field>") {
			t.Errorf("got %s", st.brief())
		}
		c.write("<iq type='error' id='" + st.ID + "' from='" + brewery + "'><error type='auth'>" +
			"<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
		synctest.Wait()
		if w.log.count(`"cause":"forbidden","message":"cannot configure the brewery`) != 1 {
			t.Errorf("log:\n%s", w.log)
		}
	})
}

func TestJoinRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		start := time.Now()
		for range 6 {
			c.presence()
			c.write("<presence type='error' from='" + ownAt + "'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
		}
		if d := time.Since(start); d < 20*time.Second || d > 90*time.Second {
			t.Errorf("six tries took %v", d)
		}
		if n := w.log.count("MUC_NICKNAME is taken"); n < 1 || n > 2 {
			t.Errorf("log:\n%s", w.log)
		}
		if w.client.Joined() {
			t.Error("joined")
		}
		c.admit()
		c.show(" type='unavailable'", "") // removed
		synctest.Wait()
		if w.client.Joined() || w.log.count("removed from the brewery") != 1 {
			t.Errorf("joined %v, log:\n%s", w.client.Joined(), w.log)
		}
		c.admit()
	})
}

// A join that the room does not answer, and a room that goes silent later.
func TestSilentRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		done := make(chan struct{})
		defer close(done)
		go func() { // keeps the connection alive
			for {
				select {
				case <-done:
					return
				case <-time.After(10 * time.Second):
					c.write(" ")
				}
			}
		}()
		start := time.Now()
		c.expect()
		c.admit()
		if d := time.Since(start); d < 15*time.Second || d > 17*time.Second {
			t.Errorf("joined again after %v", d)
		}
		for start = time.Now(); ; {
			if st := c.expect(); strings.Contains(st.Inner, "protocol/muc'") {
				break
			}
		}
		if d := time.Since(start); d < time.Minute || d > 80*time.Second {
			t.Errorf("joined again after %v", d)
		}
	})
}

// Two logins of one account under one nickname are one occupant to the room.
func TestSharedNickname(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.admit()
		for start := time.Now(); time.Since(start) < 80*time.Second; c.presence() {
			if w.log.count("another login") != 0 && time.Since(start) < time.Minute {
				t.Fatal("too early")
			}
			c.show("", "<item jid='"+ownJID+"'/><item jid='jvb@auth.test/other'/>")
		}
		if w.log.count("another login of the same account uses it") != 1 {
			t.Errorf("log:\n%s", w.log)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.admit()
		start := time.Now()
		ping := c.answers()
		if d := time.Since(start); d != 30*time.Second || ping.To != "auth.test" || ping.Inner != "<ping xmlns='urn:xmpp:ping'/>" {
			t.Errorf("after %v: %s", d, ping.brief())
		}
		c.write("<iq type='result' id='" + ping.ID + "' from='auth.test'/>")
		start = time.Now()
		c.answers()
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("second ping after %v", d)
		}
		next := <-w.conns // the first is cut
		if d := time.Since(start); d < 46*time.Second || d > 50*time.Second {
			t.Errorf("new connection after %v", d)
		}
		next.admit()
		if w.client.Disconnects() != 1 || w.log.count("the server is silent") != 1 {
			t.Errorf("%d disconnects, log:\n%s", w.client.Disconnects(), w.log)
		}
	})
}

// The pauses between attempts grow to half a minute, and a server that is
// away for long is reported once a minute.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, func(sv *server) { sv.refuse = syscall.ECONNREFUSED })
		time.Sleep(10 * time.Minute)
		w.close()
		for i := 1; i < len(w.dialed); i++ {
			d := w.dialed[i].Sub(w.dialed[i-1])
			if d < time.Second || d > 30*time.Second || i > 6 && d != 30*time.Second {
				t.Errorf("pause %d is %v", i, d)
			}
		}
		if n := w.log.count("nothing listens on the XMPP server's port"); n < 8 || n > 10 {
			t.Errorf("%d lines in 10 minutes:\n%s", n, w.log)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		c := <-w.conns
		c.admit()
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.close()
		}()
		if st := c.expect(); st.brief() != "presence unavailable "+ownAt {
			t.Errorf("farewell is %s", st.brief())
		}
		if _, open := <-c.in; open {
			t.Error("the stream goes on")
		}
		<-done
		if w.client.Joined() || w.client.Disconnects() != 0 || w.log.String() != "" {
			t.Errorf("joined %v, %d disconnects, log %q", w.client.Joined(), w.client.Disconnects(), w.log)
		}
	})
}

// Close does not wait for a server that has stopped reading, neither during
// the login nor later.
func TestCloseIsBounded(t *testing.T) {
	closing := func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		_ = w.client.Close(ctx)
		if d := time.Since(start); d > time.Second {
			t.Errorf("took %v", d)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		w := newWorld(t, nil, func(sv *server) { sv.auth = func(*conn) bool { <-stuck; return false } })
		synctest.Wait()
		closing(t, w)
		close(stuck)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		c := <-w.conns
		c.admit()
		for len(c.in) < cap(c.in) {
			c.in <- stanza{} // the reader of the server gets stuck
		}
		time.Sleep(11 * time.Second) // so does the second presence
		closing(t, w)
		for range c.in { // let it go
		}
	})
}

// Two accounts live side by side; one that fails does not disturb the other.
func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *configs.XMPP) {
			other := cfg.Accounts[0]
			other.ID, other.Username = "b", "no body@"
			cfg.Accounts = append(cfg.Accounts, other)
		})
		defer w.close()
		c := <-w.conns
		c.admit()
		if w.log.count("USERNAME and DOMAIN make no valid XMPP address") != 1 || !w.client.Joined() {
			t.Errorf("joined %v, log:\n%s", w.client.Joined(), w.log)
		}
	})
}
