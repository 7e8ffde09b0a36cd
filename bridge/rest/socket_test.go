package rest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"steg/bridge/rest"
	"steg/configs"
)

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const goodPath = "/colibri-ws/jvb1/c1/e1?pwd=s3cret"

// dial opens a web socket and returns both ends.
func dial(t *testing.T, s *rest.Server, b *fakeBridge, o *websocket.DialOptions) (*websocket.Conn, *fakeEndpoint) {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+s.PublicAddr().String()+goodPath, o)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, within(t, b.sockets)
}

// within receives from c.
func within[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(5 * time.Second):
		t.Fatal("nothing happened in 5 s")
	}
	return v
}

func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, text, err := c.Read(ctx)
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return strconv.Itoa(int(closed.Code)) + " " + closed.Reason
	}
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestSocketRefused(t *testing.T) {
	s, log := serve(t, newFakeBridge(), nil)
	tests := []struct {
		path string
		want int
	}{
		{"/", 404},
		{"/about/health", 404},
		{"/colibri-ws/jvb1/c1?pwd=s3cret", 404},
		{"/colibri-ws/jvb2/c1/e1?pwd=s3cret", 404},
		{"/colibri-relay-ws/jvb1/c1/e1?pwd=s3cret", 404},
		{"/colibri-ws/jvb1/c2/e1?pwd=s3cret", 403},
		{"/colibri-ws/jvb1/c1/e2?pwd=s3cret", 403},
		{"/colibri-ws/jvb1/c1/e1?pwd=wrong", 403},
		{"/colibri-ws/jvb1/c1/e1?x=1&pwd=s3cret", 403},
		{"/colibri-ws/jvb1/c1/e1", 403},
	}
	for _, tt := range tests {
		_, answer, err := websocket.Dial(t.Context(), "ws://"+s.PublicAddr().String()+tt.path, nil)
		if err == nil || answer == nil || answer.StatusCode != tt.want {
			t.Errorf("%s: %v %v", tt.path, answer, err)
		}
	}
	if got := request(t, "GET", "http://"+s.PublicAddr().String()+goodPath); !strings.HasPrefix(got, "426") {
		t.Errorf("no upgrade: %s", got)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

func TestSocket(t *testing.T) {
	b := newFakeBridge()
	s, log := serve(t, b, nil)
	for _, mode := range []websocket.CompressionMode{
		websocket.CompressionDisabled, websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover,
	} {
		// The page comes from another host.
		c, e := dial(t, s, b, &websocket.DialOptions{
			CompressionMode: mode, HTTPHeader: http.Header{"Origin": {"https://meet.example"}},
		})
		for _, text := range []string{"one", strings.Repeat("long ", 10000)} {
			if err := e.Send([]byte(text)); err != nil {
				t.Error(err)
			}
			if got := read(t, c); got != text {
				t.Errorf("client got %.20q, want %.20q", got, text)
			}
			if err := errors.Join(c.Write(t.Context(), websocket.MessageBinary, []byte("binary")),
				c.Write(t.Context(), websocket.MessageText, []byte(text))); err != nil {
				t.Error(err)
			}
			if got := within(t, e.messages); got != text {
				t.Errorf("bridge got %.20q, want %.20q", got, text)
			}
		}
		go func() { e.Close(1000, "replaced"); e.Close(1001, "again") }()
		if got := read(t, c); got != "1000 replaced" {
			t.Errorf("client got %q", got)
		}
		within(t, e.closed)
		if err := e.Send([]byte("late")); !errors.Is(err, rest.ErrClosed) {
			t.Errorf("send after close: %v", err)
		}
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

func TestSocketClosedByClient(t *testing.T) {
	b := newFakeBridge()
	s, _ := serve(t, b, nil)
	c, e := dial(t, s, b, nil)
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	within(t, e.closed)
	c, e = dial(t, s, b, nil)
	_ = c.CloseNow()
	within(t, e.closed)
}

func TestSocketOfExpiredEndpoint(t *testing.T) {
	b := newFakeBridge()
	b.expired = true
	s, _ := serve(t, b, nil)
	c, _, err := websocket.Dial(t.Context(), "ws://"+s.PublicAddr().String()+goodPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, c); got != "1001 endpoint closed" {
		t.Errorf("client got %q", got)
	}
}

func TestSocketLimits(t *testing.T) {
	b := newFakeBridge()
	s, _ := serve(t, b, nil)
	// Small on the wire, too large when unpacked.
	c, e := dial(t, s, b, &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err := c.Write(t.Context(), websocket.MessageText, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	within(t, e.closed)
	if len(e.messages) > 0 {
		t.Error("a message beyond the limit came through")
	}

	// A client that does not read must not block anybody.
	_, e = dial(t, s, b, nil)
	text := bytes.Repeat([]byte("x"), 60000)
	var err error
	for n := 0; err == nil && n < 10000; n++ {
		err = e.Send(text)
	}
	if !errors.Is(err, rest.ErrFull) {
		t.Errorf("flooded: %v", err)
	}
}

func TestSocketSilence(t *testing.T) {
	b := newFakeBridge()
	s, _ := serve(t, b, func(o *rest.Options) {
		o.WebSockets.PingInterval = 20 * time.Millisecond
		o.WebSockets.IdleTimeout = 150 * time.Millisecond
	})
	pings := make(chan struct{}, 100)
	c, e := dial(t, s, b, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		select {
		case pings <- struct{}{}:
		default:
		}
		return true
	}})
	reader := c.CloseRead(t.Context())
	for range 12 {
		within(t, pings)
	}
	select {
	case <-e.closed:
		t.Error("closed although the client answers pings")
	case <-reader.Done():
		t.Error("closed although the client answers pings")
	default:
	}
	_, e = dial(t, s, b, nil) // does not read, hence does not answer
	within(t, e.closed)
}

func TestSocketHandlerPanics(t *testing.T) {
	b := newFakeBridge()
	s, log := serve(t, b, nil)
	c, e := dial(t, s, b, nil)
	if err := c.Write(t.Context(), websocket.MessageText, []byte("panic")); err != nil {
		t.Error(err)
	}
	within(t, e.closed)
	c, e = dial(t, s, b, nil)
	if err := c.Write(t.Context(), websocket.MessageText, []byte("fine")); err != nil {
		t.Error(err)
	}
	within(t, e.messages)
	_ = c.CloseNow()
	_ = s.Close(t.Context()) // and nobody writes to the log
	if got := log.String(); !strings.Contains(got, "panicked") || strings.Contains(got, "message of a client") ||
		strings.Contains(got, "127.0.0.1") {
		t.Errorf("log: %s", got)
	}
}

func TestServerClosesSockets(t *testing.T) {
	b := newFakeBridge()
	s, _ := serve(t, b, nil)
	c, e := dial(t, s, b, nil)
	_, stuck := dial(t, s, b, nil) // does not take part in the closing handshake
	done := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		done <- s.Close(ctx)
	}()
	if got := read(t, c); got != "1001 bridge shuts down" {
		t.Errorf("client got %q", got)
	}
	within(t, e.closed)
	within(t, stuck.closed)
	if err := within(t, done); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	b := newFakeBridge()
	s, log := serve(t, b, func(o *rest.Options) {
		o.HTTP.Public.Port, o.HTTP.Public.TLSPort = -1, 0
		o.HTTP.Public.CertFile, o.HTTP.Public.KeyFile = cert, key
	})
	address := s.PublicAddr().String()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	c, _, err := websocket.Dial(t.Context(), "wss://"+address+goodPath, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	e := within(t, b.sockets)
	if err := e.Send([]byte("secret")); err != nil {
		t.Error(err)
	}
	if got := read(t, c); got != "secret" {
		t.Errorf("client got %q", got)
	}
	_ = c.CloseNow()
	// net/http complains about these, with the client's address.
	_, _, _ = websocket.Dial(t.Context(), "ws://"+address+goodPath, nil)
	if plain, err := net.Dial("tcp", address); err == nil {
		_, _ = plain.Write([]byte("no TLS at all\r\n\r\n"))
		_, _ = plain.Read(make([]byte, 100))
		_ = plain.Close()
	}
	_ = s.Close(t.Context())
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
	if _, err := rest.Listen(rest.Options{HTTP: configs.HTTP{
		Public:  configs.Listener{Port: -1},
		Private: configs.Listener{TLSPort: 0, CertFile: cert, KeyFile: cert},
	}}); err == nil {
		t.Error("a key that is none was taken")
	}
}

// certificate writes a certificate for loopback and its key as PEM files.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err1 := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	parsed, err3 := x509.ParseCertificate(cert)
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	err4 := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600)
	err5 := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}
