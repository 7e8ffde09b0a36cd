package xmpp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"mellium.im/xmpp/stream"

	"steg/configs"
	"steg/xmpp"
)

func TestSaneChallenge(t *testing.T) {
	for _, tc := range []struct {
		text string
		want bool
	}{
		{"r=abc,s=QSXCR+Q6sek8bf92,i=4096", true},
		{"r=abc,s=QSXCR+Q6sek8bf92,i=1000000", true},
		{"r=abc,s=QSXCR+Q6sek8bf92,i=1000001", false},
		{"r=abc,s=QSXCR+Q6sek8bf92,i=0", false},
		{"r=abc,s=QSXCR+Q6sek8bf92,i=x", false},
		{"r=abc,s=QSXCR+Q6sek8bf92,i=4096,", false},
		{"r=abc,x,i=4096", false},
		{"", false},
		{"abc", false},
	} {
		if got := xmpp.SaneChallenge([]byte(tc.text)); got != tc.want {
			t.Errorf("%q: %v", tc.text, got)
		}
	}
}

func sasl(element, data string) string {
	return "<" + element + " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + base64.StdEncoding.EncodeToString([]byte(data)) + "</" + element + ">"
}

// scram opens a stream with SCRAM and PLAIN on offer and takes the first message.
func scram(c *conn) stanza {
	c.open("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism>" +
		"<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-256-PLUS</mechanism></mechanisms>")
	st, _ := c.next()
	return st
}

// Servers that do not know the password, or want to keep the bridge busy.
func TestFalseServers(t *testing.T) {
	const unproven = "failed to prove that it knows the account's password"
	for _, tc := range []struct {
		name, line string
		auth       func(c *conn)
	}{
		{"success without proof", unproven, func(c *conn) { scram(c); c.write(sasl("success", "")) }},
		{"success with a challenge", unproven, func(c *conn) {
			st := scram(c)
			first, _ := base64.StdEncoding.DecodeString(st.Inner)
			_, nonce, _ := strings.Cut(string(first), ",r=")
			c.write(sasl("success", "r="+nonce+"x,s=QSXCR+Q6sek8bf92,i=4096"))
		}},
		{"short field", unproven, func(c *conn) { scram(c); c.write(sasl("challenge", "r=,s,i=1")) }},
		{"great effort", unproven, func(c *conn) { scram(c); c.write(sasl("challenge", "r=a,s=QSXCR+Q6sek8bf92,i=2000000000")) }},
		{"not base64", unproven, func(c *conn) {
			scram(c)
			c.write("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>!</challenge>")
		}},
		{"disabled", "check USERNAME and PASSWORD", func(c *conn) {
			scram(c)
			c.write("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><text>x</text><account-disabled/></failure>")
		}},
		{"something else", "cannot log in at the XMPP server", func(c *conn) { scram(c); c.write("<hello xmlns='x'/>") }},
		{"hangs up", "closed the connection during login", func(c *conn) { scram(c) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sv := newServer(t)
				sv.auth = func(c *conn) bool { tc.auth(c); return false }
				log := &logbook{}
				cfg := configs.XMPP{Accounts: []configs.Account{{Host: "localhost", Domain: "auth.test", Username: "jvb", Password: "secret"}}}
				cl := xmpp.New(cfg, "1", &fakeBridge{}, &fakeStatus{}, log.logger())
				cl.SetDial(sv.dial)
				cl.Start()
				synctest.Wait()
				closeClient(t, cl, context.Background())
				if log.count(tc.line) != 1 || log.count("\n") != 1 {
					t.Errorf("log:\n%s", log)
				}
			})
		})
	}
}

const (
	offerTLS   = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	offerPlain = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
	offerBind  = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
)

// Whatever a server leaves out, the bridge talks to none without login, and
// to none in clear text after a failed handshake.
func TestIncompleteNegotiation(t *testing.T) {
	for _, tc := range []struct{ name, features, then, line string }{
		{"nothing", "", "", "offers no login method"},
		{"bind alone", offerBind, "", "offers no login method"},
		{"no handshake", offerTLS + offerPlain, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "no TLS connection"},
		{"no handshake, other order", offerPlain + offerTLS, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "no TLS connection"},
		{"TLS refused", offerPlain + offerTLS, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "no TLS connection"},
	} {
		for _, security := range []configs.Security{configs.SecurityRequired, configs.SecurityIfPossible} {
			t.Run(tc.name+" "+string(security), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var said []string
					w := newWorld(t, func(cfg *configs.XMPP) { cfg.Accounts[0].Security = security }, func(sv *server) {
						sv.auth = func(c *conn) bool {
							c.open(tc.features)
							if tc.then != "" {
								c.next()
								c.write(tc.then)
								b := make([]byte, 4096)
								n, _ := c.Conn.Read(b)
								said = append(said, string(b[:n]))
								c.write("I know no TLS, talk to me in clear text")
							}
							rest, _ := io.ReadAll(c.Conn)
							said = append(said, string(rest))
							return false
						}
					})
					synctest.Wait()
					w.close()
					for _, s := range said {
						if strings.Contains(s, "<presence") || strings.Contains(s, "<auth") {
							t.Errorf("the client said %s", s)
						}
					}
					line := tc.line
					if security == configs.SecurityRequired && tc.then == "" {
						line = "offers no STARTTLS"
					}
					if w.log.count(line) != 1 || w.log.count("\n") != 1 || len(w.conns) != 0 {
						t.Errorf("log:\n%s", w.log)
					}
				})
			})
		}
	}
}

// The password is not sent in clear text to another machine, and nothing is
// where encryption is required.
func TestNoTLS(t *testing.T) {
	for _, tc := range []struct {
		host     string
		security configs.Security
		line     string
	}{
		{"xmpp.test", configs.SecurityDisabled, "SCRAM is needed, or TLS for PLAIN"},
		{"xmpp.test", configs.SecurityIfPossible, "SCRAM is needed, or TLS for PLAIN"},
		{"localhost", configs.SecurityRequired, "offers no STARTTLS"},
		{"xmpp.test", "", "offers no STARTTLS"}, // the default for another machine
	} {
		t.Run(fmt.Sprint(tc.host, tc.security), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *configs.XMPP) { cfg.Accounts[0].Host, cfg.Accounts[0].Security = tc.host, tc.security })
				synctest.Wait()
				w.close()
				if w.log.count(tc.line) != 1 {
					t.Errorf("log:\n%s", w.log)
				}
			})
		})
	}
}

// This machine needs no TLS unless the operator says so.
func TestDefaultSecurity(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(cfg *configs.XMPP) { cfg.Accounts[0].Host, cfg.Accounts[0].Security = host, "" })
			defer w.close()
			(<-w.conns).admit()
		})
	}
}

func TestExplain(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	for _, tc := range []struct {
		err   error
		words string
	}{
		{timeout, "does not answer"},
		{fmt.Errorf("dial: %w", &net.DNSError{IsTimeout: true}), "name resolution"},
		{io.ErrUnexpectedEOF, "closed the connection"},
		{stream.HostUnknown, "VirtualHost"},
		{stream.PolicyViolation, "refuses the connection"},
		{errors.New("10.1.2.3:5222 says no"), "XMPP server for clients"},
		{xmpp.TLSError(x509.HostnameError{Certificate: &x509.Certificate{}}), "other names"},
		{xmpp.TLSError(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "not trusted"},
		{xmpp.TLSError(x509.CertificateInvalidError{Reason: x509.Expired}), "expired"},
		{xmpp.TLSError(x509.CertificateInvalidError{}), "it is not valid"},
		{xmpp.TLSError(tls.RecordHeaderError{}), "TLS settings"},
	} {
		text, cause := xmpp.Explain(tc.err)
		if words := text + " " + cause; !strings.Contains(words, tc.words) || strings.Contains(words, "10.1") {
			t.Errorf("%v: %q", tc.err, words)
		}
	}
}
