package xmpp

import (
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

var errTooLarge = errors.New("the server sent a stanza that is too large")

// limitedConn bounds how much may be read for one stanza, and knows when
// something arrived last. Reads come from one goroutine, which also grants.
type limitedConn struct {
	net.Conn
	left  int          // bytes that may still be read; the reader's
	state *tls.Conn    // nil without TLS
	born  time.Time    // what heard counts from
	heard atomic.Int64 // nanoseconds: the last arrival
}

func newLimitedConn(c net.Conn, state *tls.Conn) *limitedConn {
	return &limitedConn{Conn: c, state: state, left: maxNegotiation, born: time.Now()}
}

// grant allows n bytes from now on.
func (l *limitedConn) grant(n int) { l.left = n }

// Read implements net.Conn.
func (l *limitedConn) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.Conn.Read(b[:min(len(b), l.left)])
	if n > 0 {
		l.left -= n
		l.heard.Store(int64(time.Since(l.born)))
	}
	return n, err
}

// silence returns how long nothing has arrived.
func (l *limitedConn) silence() time.Duration {
	return time.Since(l.born) - time.Duration(l.heard.Load())
}

// ConnectionState lets mellium find the TLS state, for channel binding.
func (l *limitedConn) ConnectionState() tls.ConnectionState {
	if l.state == nil {
		return tls.ConnectionState{}
	}
	return l.state.ConnectionState()
}
