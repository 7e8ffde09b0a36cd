package xmpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"mellium.im/xmpp/stream"
)

// warnEvery is the least time between two lines of the same text.
const warnEvery = time.Minute

// warnings logs each text at most once per warnEvery.
type warnings struct {
	log zerolog.Logger

	mu   sync.Mutex
	last map[string]time.Time // texts are constants of this package: few
}

func newWarnings(log zerolog.Logger) *warnings {
	return &warnings{log: log, last: map[string]time.Time{}}
}

// say logs a text with its cause, which must hold nothing private.
func (w *warnings) say(text, cause string) {
	now := time.Now()
	w.mu.Lock()
	last, said := w.last[text]
	quiet := said && now.Sub(last) < warnEvery
	if !quiet {
		w.last[text] = now
	}
	w.mu.Unlock()
	if quiet {
		return
	}
	e := w.log.Warn()
	if cause != "" {
		e = e.Str("cause", cause)
	}
	e.Msg(text)
}

// failed says why there is no connection and what the operator can do.
func (a *account) failed(err error) {
	text, cause := explain(err)
	a.warn.say(text, cause)
}

// lost says why a connection has ended.
func (a *account) lost(err error) {
	a.warn.say("lost the connection to the XMPP server, connecting again", lossCause(err))
}

// explain turns an error of connect into words. The text of errors from the
// network is left out, as it holds addresses.
func explain(err error) (text, cause string) {
	var (
		dns  *net.DNSError
		tlsE *tlsError
		auth *authError
		str  stream.Error
	)
	switch {
	case errors.As(err, &tlsE):
		return explainTLS(tlsE.err)
	case errors.Is(err, errNoTLS):
		return "the XMPP server offers no STARTTLS, which SECURITY_MODE asks for: give Prosody a certificate for DOMAIN", ""
	case errors.As(err, &auth):
		return explainAuth(auth)
	case errors.Is(err, errAddress):
		return "USERNAME and DOMAIN make no valid XMPP address: check the account's settings", ""
	case errors.As(err, &str):
		if str.Err == stream.HostUnknown.Err {
			return "the XMPP server does not serve the account's DOMAIN: check DOMAIN and Prosody's VirtualHost", ""
		}
		return "the XMPP server refuses the connection", token(str.Err)
	case errors.As(err, &dns):
		return "cannot find the XMPP server's address: check HOSTNAME and name resolution", ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens on the XMPP server's port: check that Prosody runs, HOSTNAME and PORT", ""
	case isTimeout(err):
		return "the XMPP server does not answer: check HOSTNAME, PORT and firewalls", ""
	case isBroken(err) || errors.Is(err, io.EOF):
		return "the XMPP server closed the connection during login: see its log", ""
	default:
		return "cannot log in at the XMPP server: check that HOSTNAME and PORT belong to an XMPP server for clients", ""
	}
}

func explainTLS(err error) (text, cause string) {
	const advice = "the XMPP server's certificate is not valid for DOMAIN: " +
		"install one for it, or make the system trust its authority, or set DISABLE_CERTIFICATE_VERIFICATION=true"
	var (
		name    x509.HostnameError
		issuer  x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &name):
		return advice, "it is for other names"
	case errors.As(err, &issuer):
		return advice, "its authority is not trusted"
	case errors.As(err, &invalid):
		if invalid.Reason == x509.Expired {
			return advice, "it is expired or not yet valid"
		}
		return advice, "it is not valid"
	case errors.As(err, &verify):
		return advice, "it is not valid"
	default:
		return "no TLS connection to the XMPP server: check Prosody's TLS settings", ""
	}
}

func explainAuth(err *authError) (text, cause string) {
	switch err.condition {
	case "not-authorized", "account-disabled", "credentials-expired":
		return "the XMPP server refuses the login: check USERNAME and PASSWORD, and the account at the server", token(err.condition)
	case noMechanism:
		return "the XMPP server offers no login method that this bridge accepts: SCRAM is needed, or TLS for PLAIN", ""
	case badServer:
		return "the XMPP server failed to prove that it knows the account's password: is HOSTNAME the right server?", ""
	default:
		return "the XMPP server refuses the login", token(err.condition)
	}
}

// lossCause puts the end of a connection into a few words without addresses.
func lossCause(err error) string {
	var str stream.Error
	switch {
	case errors.As(err, &str):
		return "the server says " + token(str.Err)
	case errors.Is(err, io.EOF):
		return "the server closed the stream"
	case errors.Is(err, errSilent), errors.Is(err, errSlow), errors.Is(err, errTooLarge):
		return err.Error()
	case isTimeout(err):
		return "timeout"
	case isBroken(err):
		return "the connection broke"
	default:
		return "the stream broke"
	}
}

// isBroken tells whether a connection has ended in the midst of something.
// The XML decoder has a text of its own for that.
func isBroken(err error) bool {
	var xe *xml.SyntaxError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &xe) && xe.Msg == "unexpected EOF"
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout() ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// token returns the name of a condition that came from the server if it
// looks like one.
func token(s string) string {
	if len(s) == 0 || len(s) > 40 {
		return "something unknown"
	}
	for _, r := range s {
		if r != '-' && (r < 'a' || r > 'z') {
			return "something unknown"
		}
	}
	return s
}
