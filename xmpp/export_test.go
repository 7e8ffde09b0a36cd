package xmpp

import (
	"context"
	"crypto/x509"
	"net"
)

// SetDial has connections made by dial.
func (c *Client) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.dial = dial
}

// SetRoots sets the trusted authorities.
func (c *Client) SetRoots(roots *x509.CertPool) { c.roots = roots }

// Explain is what the log says of an error of connecting.
var Explain = explain

// SaneChallenge checks SCRAM's first challenge.
var SaneChallenge = saneChallenge

// TLSError is a failure of the TLS handshake.
func TLSError(err error) error { return &tlsError{err} }
