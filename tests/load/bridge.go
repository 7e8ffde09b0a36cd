package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"steg/colibri"
	"steg/tests/focus"
	"steg/tests/load/endpoint"
	"steg/tests/prosody"
	"steg/tests/rig"
)

// bridgeUnderTest is a running bridge.
type bridgeUnderTest struct {
	pid       int
	signaller endpoint.Signaller
	start     time.Duration // until it was in the brewery; 0: unknown
	goruntime func(context.Context) goruntime
	output    func() string
	stop      func()
}

func startBridge(ctx context.Context, o options) (*bridgeUnderTest, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	switch {
	case o.command != "":
		return startCommand(ctx, o.command)
	case o.bridge == "child":
		return startChild(o.profile)
	case o.bridge == "program":
		return startProgram(ctx)
	}
	return nil, fmt.Errorf("unknown kind of bridge %q", o.bridge)
}

// goruntime is what only a bridge in a child process tells of itself; 0:
// unknown.
type goruntime struct {
	goroutines  int
	allocations uint64 // since it started
}

func unknown(context.Context) goruntime { return goruntime{} }

// overXMPP sends requests through the focus.
func overXMPP(f *focus.Focus, b focus.Bridge) endpoint.Signaller {
	return endpoint.SignallerFunc(func(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
		return f.Modify(ctx, b, req)
	})
}

// startProgram builds and starts cmd/steg.
func startProgram(ctx context.Context) (*bridgeUnderTest, error) {
	r, err := rig.Start(ctx, rig.Options{})
	if err != nil {
		return nil, err
	}
	return &bridgeUnderTest{
		start: r.StartTime,
		pid:   r.PID(), signaller: overXMPP(r.Focus, r.Bridge), goruntime: unknown, output: r.Output,
		stop: func() { _ = r.Stop() },
	}, nil
}

// startCommand starts a foreign bridge behind a Prosody of its own.
func startCommand(ctx context.Context, command string) (*bridgeUnderTest, error) {
	s, err := prosody.Start(prosody.Options{})
	if err != nil {
		return nil, err
	}
	b := &bridgeUnderTest{goruntime: unknown}
	var cmd *exec.Cmd
	b.stop = func() {
		if cmd != nil && cmd.Process != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			timer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
		}
		_ = s.Stop()
	}
	config, err := s.WriteBridgeConfig(prosody.Bridge{MediaPort: 10000, PrivatePort: 18080, SkipVerify: true})
	if err != nil {
		b.stop()
		return nil, err
	}
	out, err := os.Create(filepath.Join(filepath.Dir(config), "bridge.log"))
	if err != nil {
		b.stop()
		return nil, err
	}
	defer out.Close()
	b.output = func() string {
		text, _ := os.ReadFile(out.Name()) // nothing is better than no error
		return string(text)
	}
	cmd = exec.Command("sh", "-c", command)
	cmd.Env = append(append(os.Environ(), s.Env()...), "CONFIG="+config)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		cmd = nil
		b.stop()
		return nil, err
	}
	b.pid = cmd.Process.Pid
	if err := b.enter(ctx, s); err != nil {
		err = fmt.Errorf("%w\n%s", err, b.output())
		b.stop()
		return nil, err
	}
	return b, nil
}

// enter waits for the bridge in the brewery.
func (b *bridgeUnderTest) enter(ctx context.Context, s *prosody.Server) error {
	f, err := focus.Dial(ctx, focus.Options{
		HostPort: s.HostPort(), Domain: s.AuthDomain(), CAFile: s.CAFile, Brewery: s.Brewery(),
		User: prosody.FocusUser, Password: prosody.FocusPassword,
	})
	if err != nil {
		return err
	}
	stop := b.stop
	b.stop = func() { f.Close(); stop() }
	seen, err := f.WaitBridge(ctx, "", func(b focus.Bridge) bool { return b.Stats["healthy"] != "false" })
	if err != nil {
		return err
	}
	b.signaller = overXMPP(f, seen)
	return nil
}

// child is this program as a bridge (serve.go), which takes a request a
// line: a number, a blank, and XML; and answers in the same form.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[int]chan string
}

func startChild(profile profiles) (*bridgeUnderTest, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, "-as-bridge", "-cpuprofile", profile.cpu, "-memprofile", profile.heap), waiting: make(map[int]chan string)}
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.readLoop(stdout)
	}()
	return &bridgeUnderTest{
		pid: c.cmd.Process.Pid, signaller: c, output: func() string { return "" },
		goruntime: func(ctx context.Context) (g goruntime) {
			if text, err := c.ask(ctx, "runtime"); err == nil {
				_, _ = fmt.Sscan(text, &g.goroutines, &g.allocations) // 0 is unknown
			}
			return g
		},
		stop: func() {
			_ = c.stdin.Close()
			<-read
			_ = c.cmd.Wait()
		},
	}, nil
}

func (c *child) readLoop(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		number, text, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		c.mu.Lock()
		if answer := c.waiting[n]; answer != nil {
			delete(c.waiting, n)
			answer <- text
		}
		c.mu.Unlock()
	}
}

func (c *child) ask(ctx context.Context, text string) (string, error) {
	answer := make(chan string, 1)
	c.mu.Lock()
	c.last++
	c.waiting[c.last] = answer
	_, err := fmt.Fprintf(c.stdin, "%d %s\n", c.last, text)
	c.mu.Unlock()
	if err != nil {
		return "", errors.New("the child process has ended")
	}
	select {
	case text := <-answer:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Modify implements endpoint.Signaller.
func (c *child) Modify(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	text, err := c.ask(ctx, string(colibri.Marshal(req)))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "<error") {
		e, err := colibri.ParseError([]byte(text))
		if err != nil {
			return nil, err
		}
		return nil, e
	}
	return colibri.ParseModified([]byte(text))
}
