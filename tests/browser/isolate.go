package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// Address is the host's address inside the namespace that Isolate makes.
const Address = "10.99.0.1"

// isolated is set, in the environment, inside the namespace.
const isolated = "STEG_TEST_ISOLATED"

// Isolated tells whether the program runs in a namespace of its own.
func Isolated() bool { return os.Getenv(isolated) != "" }

// Isolate runs the tests of a package in a network namespace that has
// loopback, Address on one end of a veth pair, and nothing else: it starts
// the test program once more in there. Where that is impossible the tests run
// in place and see it by Isolated. For TestMain.
func Isolate(m *testing.M) int {
	if Isolated() {
		return m.Run()
	}
	name := fmt.Sprintf("steg-test-%d", os.Getpid())
	if err := makeNamespace(name); err != nil {
		fmt.Fprintf(os.Stderr, "no network namespace: %v\n", err)
		return m.Run()
	}
	defer func() { _ = exec.Command("ip", "netns", "delete", name).Run() }()
	return runIn(name)
}

func makeNamespace(name string) error {
	if os.Getuid() != 0 {
		return errors.New("not root")
	}
	in := []string{"-n", name}
	for _, args := range [][]string{
		{"netns", "add", name},
		append(in, "link", "set", "lo", "up"),
		append(in, "link", "add", "v0", "type", "veth", "peer", "name", "v1"),
		append(in, "addr", "add", Address+"/24", "dev", "v0"),
		append(in, "link", "set", "v0", "up"),
		append(in, "link", "set", "v1", "up"),
		append(in, "route", "add", "default", "dev", "v0"),
	} {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			_ = exec.Command("ip", "netns", "delete", name).Run()
			return fmt.Errorf("ip %v: %w: %s", args, err, out)
		}
	}
	return nil
}

// runIn runs this program in a namespace and returns its exit code. Signals
// are passed on, so that an interrupted test still cleans up.
func runIn(name string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", name, self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), isolated+"="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		return 1
	}
}
