package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	stdlog "log"

	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"

	"steg/colibri"
	"steg/configs"
)

// Channel is an open web socket as the bridge sees it. Send takes a message
// that nobody changes any more and never blocks; it fails when the queue is
// full or the socket closed. Close does not wait either.
//
// It is an alias, so that the bridge can implement Conferences without
// importing this package.
type Channel = interface {
	Send(text []byte) error
	Close(code int, reason string)
}

// Conferences finds the endpoint that a web socket belongs to.
type Conferences interface {
	// AuthorizeWebSocket compares passwords in constant time; ok is false for
	// an unknown conference, an unknown endpoint and a wrong password alike.
	//
	// attach is called once the socket is open. It returns what takes the
	// messages of the client, one after the other in their order, and what is
	// called once after the last of them; both nil if the endpoint has
	// expired meanwhile.
	AuthorizeWebSocket(conferenceID, endpointID, password string) (attach func(Channel) (message func(text []byte), closed func()), ok bool)
}

// Status is how the bridge is. Both must be cheap.
type Status interface {
	Healthy() error
	Statistics() []colibri.Stat
}

// Drainer switches drain mode: the focus places no new conference here.
type Drainer interface {
	Drain() bool
	SetDrain(on bool)
}

// Options says what to serve.
type Options struct {
	HTTP       configs.HTTP
	REST       configs.REST
	WebSockets configs.WebSockets
	Version    string // of the bridge
	Log        zerolog.Logger

	Conferences Conferences
	Status      Status
	Drainer     Drainer
}

const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second
	maxHeader      = 16 << 10 // bytes
	maxConnections = 4096     // of each server, so that files are left for everything else
)

// Server is the public and the private HTTP server.
type Server struct {
	// Set once.
	log             zerolog.Logger
	sockets         *sockets
	public, private *listener // nil: off
	loops           sync.WaitGroup
}

// listener is one HTTP server on its socket.
type listener struct {
	http *http.Server
	net  net.Listener
}

// Listen binds the sockets of the servers that are switched on.
func Listen(o Options) (*Server, error) {
	s := &Server{log: o.Log, sockets: newSockets(o)}
	var err error
	if o.WebSockets.Enabled {
		if s.public, err = s.listen(o.HTTP.Public, s.sockets); err != nil {
			return nil, fmt.Errorf("public HTTP server (videobridge.http-servers.public): %w", err)
		}
	}
	private := o.HTTP.Private
	if private.Host == "" {
		private.Host = "127.0.0.1"
	}
	if s.private, err = s.listen(private, privateHandler(o)); err != nil {
		if s.public != nil {
			_ = s.public.net.Close()
		}
		return nil, fmt.Errorf("private HTTP server (videobridge.http-servers.private; port = -1 switches it off): %w", err)
	}
	return s, nil
}

// listen returns nil without an error if the server is switched off.
func (s *Server) listen(c configs.Listener, h http.Handler) (*listener, error) {
	port, encrypted := c.Port, c.CertFile != ""
	if encrypted {
		port = c.TLSPort
	}
	if port < 0 {
		return nil, nil
	}
	var certificates []tls.Certificate
	if encrypted {
		certificate, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load certificate: %w", err)
		}
		certificates = []tls.Certificate{certificate}
	}
	socket, err := net.Listen("tcp", net.JoinHostPort(c.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err // names the address
	}
	socket = netutil.LimitListener(socket, maxConnections)
	if encrypted {
		socket = tls.NewListener(socket, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certificates})
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a web socket starts with HTTP/1.1
	return &listener{net: socket, http: &http.Server{
		Handler:           s.guard(h),
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       requestTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(newErrorLog(s.log), "", 0),
	}}, nil
}

// Start serves until Close.
func (s *Server) Start() {
	for _, l := range []*listener{s.public, s.private} {
		if l != nil {
			s.loops.Go(func() { s.acceptLoop(l) })
		}
	}
}

func (s *Server) acceptLoop(l *listener) {
	if err := l.http.Serve(l.net); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error().Msg("HTTP server stopped")
	}
}

// Close closes the web sockets and lets other requests end until ctx is over.
// No web socket and no goroutine of Start is left when it returns.
func (s *Server) Close(ctx context.Context) error {
	s.sockets.close()
	var errs []error
	for _, l := range []*listener{s.public, s.private} {
		if l == nil {
			continue
		}
		if err := l.http.Shutdown(ctx); err != nil {
			errs = append(errs, l.http.Close())
		}
		_ = l.net.Close() // if it never started
	}
	s.loops.Wait()
	s.sockets.wait(ctx)
	return errors.Join(errs...)
}

// PublicAddr is the address of the public server, nil if it is off.
func (s *Server) PublicAddr() net.Addr { return s.public.addr() }

// PrivateAddr is the address of the private server, nil if it is off.
func (s *Server) PrivateAddr() net.Addr { return s.private.addr() }

func (l *listener) addr() net.Addr {
	if l == nil {
		return nil
	}
	return l.net.Addr()
}

// guard keeps a panic from ending in net/http, which would log the address of
// the client with it.
func (s *Server) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer recovered(s.log, func() { w.WriteHeader(http.StatusInternalServerError) })
		h.ServeHTTP(w, r)
	})
}

// recovered, when deferred, ends a panic and calls then.
func recovered(log zerolog.Logger, then func()) {
	if recover() != nil {
		// The value may hold text of the client: only the stack is told.
		log.Error().Bytes("stack", debug.Stack()).Msg("HTTP handler panicked")
		then()
	}
}

// errorLog takes what net/http has to complain about. Almost all of it is
// about one client and names its address, so nothing is passed on as it is.
type errorLog struct{ accept *configs.Repeated }

func newErrorLog(log zerolog.Logger) errorLog {
	return errorLog{configs.NewRepeated(log, "HTTP server cannot accept connections", time.Second)}
}

// Write implements io.Writer.
func (e errorLog) Write(line []byte) (int, error) {
	if strings.HasPrefix(string(line), "http: Accept error") {
		e.accept.Hit()
	}
	return len(line), nil
}
