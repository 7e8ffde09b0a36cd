package prosody

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Binary is the name of the server program.
const Binary = "prosody"

// The accounts that every server has.
const (
	BridgeUser     = "jvb"
	BridgePassword = "bridge-secret"
	FocusUser      = "focus"
	FocusPassword  = "focus-secret"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 5 * time.Second
	startTries   = 3 // another process may take the free port first
)

// Options say where a server listens. The zero value works.
type Options struct {
	Address string // IP address to listen on; 127.0.0.1 if empty
	Port    int    // TCP port for clients; 0 takes a free one
	Domain  string // domain of the installation; meet.test if empty
	Dir     string // where the data directory is made; the system's temporary directory if empty
	Log     string // least level of the server's own log: debug, info, warn (default), error
}

// Server is one running Prosody. Its methods may be called from any
// goroutine.
type Server struct {
	// Set once.
	Domain  string // domain of the installation
	Address string // IP address for clients
	Port    int    // TCP port for clients
	Dir     string // data, configuration, certificates; removed by Stop
	CAFile  string // certificate of the authority that signed the server's certificate (PEM)

	log string

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil while stopped
	exited chan struct{} // closed when cmd has ended
	output *tail
}

// Start starts a server and waits until it accepts clients.
func Start(o Options) (*Server, error) {
	if _, err := exec.LookPath(Binary); err != nil {
		return nil, fmt.Errorf("start prosody: %w", err)
	}
	dir, err := os.MkdirTemp(o.Dir, "prosody-")
	if err != nil {
		return nil, err
	}
	s := &Server{Domain: or(o.Domain, "meet.test"), Address: or(o.Address, "127.0.0.1"), Dir: dir, log: or(o.Log, "warn")}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	for try := 1; ; try++ {
		if s.Port = o.Port; s.Port == 0 {
			if s.Port, err = freePort(s.Address); err != nil {
				break
			}
		}
		if err = s.Launch(); err == nil || o.Port != 0 || try == startTries {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// AuthDomain is the virtual host of jvb and focus.
func (s *Server) AuthDomain() string { return "auth." + s.Domain }

// Brewery is the room in which bridges announce themselves.
func (s *Server) Brewery() string { return "jvbbrewery@internal.auth." + s.Domain }

// HostPort is where clients connect.
func (s *Server) HostPort() string { return net.JoinHostPort(s.Address, strconv.Itoa(s.Port)) }

// Env is the environment in which a Go program trusts the server's
// certificate, to be appended to the program's own.
func (s *Server) Env() []string { return []string{"SSL_CERT_FILE=" + s.CAFile} }

// Launch starts the process of a server whose process has ended, on the same
// port with the same accounts, and waits until it accepts clients.
func (s *Server) Launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("start prosody: it is running")
	}
	file := filepath.Join(s.Dir, "prosody.cfg.lua")
	if err := os.WriteFile(file, s.configuration(), 0o600); err != nil {
		return err
	}
	s.output = &tail{}
	s.cmd = exec.Command(Binary, "-F", "--config", file)
	s.cmd.Dir = s.Dir
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	// A test that is killed leaves no server behind.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("start prosody: %w", err)
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // how it ended shows in its output
		close(exited)
	}(s.cmd, s.exited)
	if err := s.await(); err != nil {
		s.halt()
		return err
	}
	return nil
}

// await waits until the server accepts connections on its port.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.HostPort())
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("start prosody: it ended:\n%s", s.output)
		case <-ctx.Done():
			return fmt.Errorf("start prosody: no answer:\n%s", s.output)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Halt ends the process and keeps everything for the next Launch. Clients
// see their connections close.
func (s *Server) Halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
}

func (s *Server) halt() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

// Restart ends the process and starts it again. Rooms are lost, accounts
// stay, as on a restart of a real installation.
func (s *Server) Restart() error {
	s.Halt()
	return s.Launch()
}

// Stop ends the process and removes its directory.
func (s *Server) Stop() error {
	s.Halt()
	return os.RemoveAll(s.Dir)
}

// Output returns the last lines that the server wrote.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

func freePort(address string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// tail keeps the end of what a process writes.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - tailBytes; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
