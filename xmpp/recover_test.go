package xmpp_test

import (
	"strings"
	"testing"
	"testing/synctest"
)

// A broken invariant behind a request is answered, and the session goes on.
func TestPanicIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		defer w.close()
		c := <-w.conns
		c.admit()
		for _, meeting := range []string{"panic", "m"} {
			c.ask(meeting, focusAt, "<conference-modify xmlns='jitsi:colibri2' meeting-id='"+meeting+"'/>")
			got := c.answers().brief()
			if refused := strings.Contains(got, "internal-server-error"); refused != (meeting == "panic") {
				t.Errorf("%s: %s", meeting, got)
			}
		}
	})
}
