// Package rig starts a whole installation on this machine: Prosody, a bridge
// built from this module, and a focus that has seen the bridge. Tests of the
// whole program and the demo stand on it. It is the one place that knows how
// the bridge's program is called.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	// The bridge runs as a program of its own. Its packages are named here so
	// that "go test" does not repeat an old result when one of them changes.
	_ "steg/bridge"
	_ "steg/bridge/rest"
	_ "steg/xmpp"

	"steg/tests/focus"
	"steg/tests/prosody"
)

const (
	program     = "steg/cmd/steg"
	stopTimeout = 5 * time.Second
	tailBytes   = 1 << 20
)

// Options say how an installation differs from the usual one. The zero value
// works.
type Options struct {
	Binary    string         // the bridge's program; built if empty
	Race      bool           // build it with the race detector
	MediaPort int            // UDP port for media; 0 takes a free one
	Bridge    prosody.Bridge // further settings; ports that are 0 are filled in
	Output    io.Writer      // also gets what the bridge writes; may be nil
	Dir       string         // for temporary files
}

// Rig is a running installation.
type Rig struct {
	Prosody *prosody.Server
	Focus   *focus.Focus
	Bridge  focus.Bridge // as first seen by the focus

	StartTime time.Duration // from the start of the bridge's process to its presence in the brewery

	MediaPort   int // UDP
	PrivatePort int // HTTP on loopback: health, statistics
	PublicPort  int // HTTP for websockets

	dir    string
	config string
	binary string
	output *tail

	mu     sync.Mutex
	cmd    *exec.Cmd // nil while the bridge is stopped
	exited chan struct{}
}

// Start starts all of it and waits until the bridge has announced itself as
// healthy. On an error nothing is left running.
func Start(ctx context.Context, o Options) (*Rig, error) {
	dir, err := os.MkdirTemp(o.Dir, "steg-rig-")
	if err != nil {
		return nil, err
	}
	r := &Rig{dir: dir, output: &tail{also: o.Output}, binary: o.Binary}
	if err := r.start(ctx, o); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context, o Options) error {
	var err error
	if r.binary == "" {
		r.binary = filepath.Join(r.dir, "steg")
		if err := Build(ctx, r.binary, o.Race); err != nil {
			return err
		}
	}
	if err := r.choosePorts(o); err != nil {
		return err
	}
	if r.Prosody, err = prosody.Start(prosody.Options{Dir: r.dir}); err != nil {
		return err
	}
	b := o.Bridge
	b.MediaPort, b.PrivatePort, b.PublicPort = r.MediaPort, r.PrivatePort, r.PublicPort
	if r.config, err = r.Prosody.WriteBridgeConfig(b); err != nil {
		return err
	}
	// The focus first, so that it sees when the bridge comes.
	if r.Focus, err = r.DialFocus(ctx); err != nil {
		return err
	}
	launched := time.Now()
	if err := r.Launch(); err != nil {
		return err
	}
	err = r.await(ctx)
	r.StartTime = time.Since(launched)
	return err
}

// Build compiles the bridge.
func Build(ctx context.Context, to string, race bool) error {
	args := []string{"build", "-o", to}
	if race {
		args = append(args, "-race")
	}
	out, err := exec.CommandContext(ctx, "go", append(args, program)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the bridge: %w\n%s", err, out)
	}
	return nil
}

// choosePorts fills in the ports that nobody asked for.
func (r *Rig) choosePorts(o Options) error {
	r.MediaPort, r.PrivatePort, r.PublicPort = o.MediaPort, o.Bridge.PrivatePort, o.Bridge.PublicPort
	if r.MediaPort == 0 {
		c, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		r.MediaPort = c.LocalAddr().(*net.UDPAddr).Port
		_ = c.Close()
	}
	for _, port := range []*int{&r.PrivatePort, &r.PublicPort} {
		if *port != 0 {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		*port = l.Addr().(*net.TCPAddr).Port
		defer l.Close() // held until both are known, so that they differ
	}
	return nil
}

// DialFocus logs another focus in.
func (r *Rig) DialFocus(ctx context.Context) (*focus.Focus, error) {
	return focus.Dial(ctx, focus.Options{
		HostPort: r.Prosody.HostPort(), Domain: r.Prosody.AuthDomain(), CAFile: r.Prosody.CAFile, Brewery: r.Prosody.Brewery(),
		User: prosody.FocusUser, Password: prosody.FocusPassword,
	})
}

// Launch starts the bridge's program, which must not be running.
func (r *Rig) Launch() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil {
		return errors.New("start the bridge: it is running")
	}
	cmd := exec.Command(r.binary, "run", "-config", r.config)
	cmd.Env = append(os.Environ(), r.Prosody.Env()...)
	cmd.Stdout, cmd.Stderr = r.output, r.output
	// Its own group: an interrupt from the keyboard is for the caller only.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the bridge: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended shows in its output
		close(exited)
	}()
	r.cmd, r.exited = cmd, exited
	return nil
}

// await waits for the bridge in the brewery, or for its end.
func (r *Rig) await(ctx context.Context) error {
	r.mu.Lock()
	exited := r.exited
	r.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-exited:
			cancel(errors.New("the bridge has ended"))
		case <-ctx.Done():
		}
	}()
	b, err := r.Focus.WaitBridge(ctx, "", func(b focus.Bridge) bool { return b.Stats["healthy"] != "false" })
	if err != nil {
		return fmt.Errorf("%w (%w)\nbridge: %s\nprosody: %s", err, context.Cause(ctx), r.Output(), r.Prosody.Output())
	}
	r.Bridge = b
	return nil
}

// Exited is closed when the bridge's process has ended.
func (r *Rig) Exited() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exited
}

// PID is the bridge's process, 0 while it is stopped.
func (r *Rig) PID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// Signal sends a signal to the bridge.
func (r *Rig) Signal(s os.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return errors.New("the bridge is not running")
	}
	return r.cmd.Process.Signal(s)
}

// Halt ends the bridge, by force if it does not end by itself.
func (r *Rig) Halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exited:
	case <-time.After(stopTimeout):
		_ = r.cmd.Process.Kill()
		<-r.exited
	}
	r.cmd = nil
}

// Stop ends everything and removes all files.
func (r *Rig) Stop() error {
	r.Halt()
	if r.Focus != nil {
		r.Focus.Close()
	}
	var err error
	if r.Prosody != nil {
		err = r.Prosody.Stop()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// Output returns the end of what the bridge wrote.
func (r *Rig) Output() string { return r.output.String() }

// tail keeps the end of what a process writes.
type tail struct {
	also io.Writer

	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - tailBytes; over > 0 {
		t.buf.Next(over)
	}
	if t.also != nil {
		_, _ = t.also.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
