package focus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Namespaces of the stream and of the stanzas that this package handles.
const (
	nsClient  = "jabber:client"
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// stanza is an iq, presence or message, with what it contains as raw XML.
type stanza struct {
	XMLName xml.Name
	Type    string `xml:"type,attr"`
	ID      string `xml:"id,attr"`
	From    string `xml:"from,attr"`
	To      string `xml:"to,attr"`
	Inner   []byte `xml:",innerxml"`
}

// stream is one authenticated client connection (RFC 6120): STARTTLS, SASL
// PLAIN, resource binding, nothing optional.
type stream struct {
	// Set once.
	jid string // full, as bound

	// dec belongs to the login and then to the reader.
	conn net.Conn
	dec  *xml.Decoder

	mu sync.Mutex // guards writes
}

// login connects and authenticates.
func login(ctx context.Context, o Options) (*stream, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.HostPort)
	if err != nil {
		return nil, fmt.Errorf("connect to the XMPP server: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	s := &stream{conn: conn}
	if err := s.negotiate(ctx, o); err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	_ = s.conn.SetDeadline(time.Time{})
	return s, nil
}

func (s *stream) negotiate(ctx context.Context, o Options) error {
	config := &tls.Config{ServerName: o.Domain, MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		text, err := os.ReadFile(o.CAFile)
		if err != nil {
			return err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("no certificate in %s", o.CAFile)
		}
	}
	// 1. Encrypt.
	if err := s.open(o.Domain); err != nil {
		return err
	}
	if err := s.exchange("<starttls xmlns='"+nsTLS+"'/>", xml.Name{Space: nsTLS, Local: "proceed"}); err != nil {
		return fmt.Errorf("start TLS: %w", err)
	}
	secured := tls.Client(s.conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("start TLS: %w", err)
	}
	s.conn = secured
	// 2. Authenticate.
	if err := s.open(o.Domain); err != nil {
		return err
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + o.User + "\x00" + o.Password))
	auth := "<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + secret + "</auth>"
	if err := s.exchange(auth, xml.Name{Space: nsSASL, Local: "success"}); err != nil {
		return fmt.Errorf("log in as %s: %w", o.User, err)
	}
	// 3. Bind a resource.
	if err := s.open(o.Domain); err != nil {
		return err
	}
	return s.bind()
}

// open starts a stream and reads up to the end of the server's features.
func (s *stream) open(domain string) error {
	s.dec = xml.NewDecoder(s.conn)
	err := s.write("<?xml version='1.0'?><stream:stream to='" + domain +
		"' version='1.0' xmlns='" + nsClient + "' xmlns:stream='http://etherx.jabber.org/streams'>")
	if err != nil {
		return err
	}
	if _, err := s.next(); err != nil { // the stream's own start
		return fmt.Errorf("open stream: %w", err)
	}
	if _, err := s.next(); err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	return s.dec.Skip()
}

// exchange sends an element and expects one with the given name.
func (s *stream) exchange(text string, want xml.Name) error {
	if err := s.write(text); err != nil {
		return err
	}
	start, err := s.next()
	if err != nil {
		return err
	}
	if start.Name != want {
		return fmt.Errorf("server answers %s", start.Name.Local)
	}
	return s.dec.Skip()
}

func (s *stream) bind() error {
	if err := s.write("<iq type='set' id='bind'><bind xmlns='" + nsBind + "'/></iq>"); err != nil {
		return err
	}
	start, err := s.next()
	if err != nil {
		return err
	}
	var answer struct {
		JID string `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
	}
	if err := s.dec.DecodeElement(&answer, &start); err != nil {
		return err
	}
	if answer.JID == "" {
		return errors.New("bind a resource: refused")
	}
	s.jid = answer.JID
	return nil
}

// next returns the next start element.
func (s *stream) next() (xml.StartElement, error) {
	for {
		t, err := s.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement: // of the stream
			return xml.StartElement{}, net.ErrClosed
		}
	}
}

// read returns the next stanza. Only the reader goroutine calls it.
func (s *stream) read() (stanza, error) {
	var st stanza
	start, err := s.next()
	if err != nil {
		return st, err
	}
	return st, s.dec.DecodeElement(&st, &start)
}

// write sends text. It may be called from any goroutine.
func (s *stream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write([]byte(text))
	return err
}

func (s *stream) close() {
	_ = s.write("</stream:stream>")
	_ = s.conn.Close()
}

// escape makes text fit for an attribute or character data.
func escape(text string) string {
	var b escapeBuffer
	_ = xml.EscapeText(&b, []byte(text))
	return string(b)
}

type escapeBuffer []byte

func (b *escapeBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
