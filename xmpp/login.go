package xmpp

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"steg/configs"
)

const (
	nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"

	// maxNegotiation bounds what a server may send before the stream is up.
	maxNegotiation = 256 << 10
)

var (
	errNoTLS   = errors.New("server offers no STARTTLS")
	errAddress = errors.New("no valid address")
	errStream  = errors.New("unexpected element in stream negotiation")
)

// tlsError is a failure of the TLS handshake.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "TLS: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// login is the negotiation of one stream.
type login struct {
	account *account
	raw     net.Conn     // the TCP connection
	conn    *limitedConn // what the stream runs over
	tls     bool         // the server offers STARTTLS
	failed  error        // why STARTTLS failed
}

// connect dials, encrypts, logs in and binds a resource.
func (a *account) connect() (*session, error) {
	ctx, cancel := context.WithTimeout(a.client.stop, connectTimeout)
	defer cancel()
	origin, err := jid.New(a.cfg.Username, a.cfg.Domain, "")
	if err != nil {
		return nil, errAddress
	}
	raw, err := a.client.dial(ctx, "tcp", net.JoinHostPort(a.cfg.Host, strconv.Itoa(a.cfg.Port)))
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	// mellium takes a deadline back when it has fired, so the connection
	// itself is closed instead.
	unhook := context.AfterFunc(ctx, func() { raw.Close() })
	l := &login{account: a, raw: raw, conn: newLimitedConn(raw, nil)}
	stream, err := xmpp.NewSession(context.WithoutCancel(ctx), origin.Domain(), origin, l.conn, 0, xmpp.NewNegotiator(l.features))
	if !unhook() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = l.check(stream)
	}
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("log in: %w", ctx.Err())
		}
		return nil, err
	}
	return newSession(a, stream, raw, l.conn), nil
}

// features lists what may be negotiated, for each start of the stream.
// mellium takes what the server calls optional first: STARTTLS passes for
// optional here so that it always comes before SASL.
func (l *login) features(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
	auth := l.authentication()
	list := []xmpp.StreamFeature{auth, bindings(), xmpp.BindResource()}
	if l.account.cfg.Security != configs.SecurityDisabled {
		list = append(list, l.startTLS(auth))
	}
	return xmpp.StreamConfig{Features: list}
}

// check refuses a stream that lacks anything. mellium takes a stream for
// ready when the server offers nothing (more), and forgets the error of a
// feature that passes for optional.
func (l *login) check(s *xmpp.Session) error {
	switch {
	case l.failed != nil:
		return l.failed
	case l.account.cfg.Security == configs.SecurityRequired && s.State()&xmpp.Secure == 0:
		return errNoTLS
	case s.State()&xmpp.Authn == 0:
		return &authError{noMechanism}
	case s.LocalAddr().Resourcepart() == "":
		return errStream
	}
	return nil
}

// startTLS is called even if the server does not offer it.
func (l *login) startTLS(auth xmpp.StreamFeature) xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:       xml.Name{Space: nsTLS, Local: "starttls"},
		Prohibited: xmpp.Secure | xmpp.Authn,
		Parse: func(_ context.Context, d *xml.Decoder, _ *xml.StartElement) (bool, any, error) {
			l.tls = true
			return false, nil, d.Skip()
		},
		Negotiate: func(ctx context.Context, s *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
			if l.tls {
				mask, conn, err := l.encrypt(ctx, s)
				l.failed = err
				return mask, conn, err
			}
			if l.account.cfg.Security == configs.SecurityIfPossible {
				mechanisms, _ := s.Feature(nsSASL)
				return auth.Negotiate(ctx, s, mechanisms)
			}
			return 0, nil, errNoTLS
		},
	}
}

// encrypt is RFC 6120 section 5.4. What the server sends in clear text after
// its consent is lost with the old decoder, as it must be.
func (l *login) encrypt(ctx context.Context, s *xmpp.Session) (xmpp.SessionState, io.ReadWriter, error) {
	if _, err := io.WriteString(s.Conn(), "<starttls xmlns='"+nsTLS+"'/>"); err != nil {
		return 0, nil, err
	}
	r := s.TokenReader()
	defer r.Close()
	d := xml.NewTokenDecoder(r)
	start, err := nextStart(d)
	if err != nil {
		return 0, nil, err
	}
	if start.Name != (xml.Name{Space: nsTLS, Local: "proceed"}) {
		return 0, nil, &tlsError{errors.New("refused")}
	}
	if err := d.Skip(); err != nil {
		return 0, nil, err
	}
	cfg := &tls.Config{
		ServerName:         l.account.cfg.Domain,
		RootCAs:            l.account.client.roots,
		InsecureSkipVerify: l.account.cfg.SkipVerify, // the operator's choice, with a warning at start
		MinVersion:         tls.VersionTLS12,
	}
	c := tls.Client(l.raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		return 0, nil, &tlsError{err}
	}
	l.conn = newLimitedConn(c, c)
	return xmpp.Secure, l.conn, nil
}
