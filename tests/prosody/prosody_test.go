package prosody_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"steg/tests/prosody"
)

// start starts a server for one test. Without Prosody the test is skipped,
// except in continuous integration.
func start(t *testing.T) *prosody.Server {
	t.Helper()
	s, err := prosody.Start(prosody.Options{Dir: t.TempDir()})
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip("prosody is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func TestStartRestartStop(t *testing.T) {
	s := start(t)
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.HostPort())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", s.HostPort()); err == nil {
		c.Close()
		t.Error("still accepts clients after Stop")
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("directory is left: %v", err)
	}
}

func TestBridgeConfig(t *testing.T) {
	s := &prosody.Server{Domain: "meet.test", Address: "127.0.0.1", Port: 5222}
	got := s.BridgeConfig(prosody.Bridge{Nickname: "one", MediaPort: 10000, PublicPort: 9090})
	for _, want := range []string{`MUC_NICKNAME="one"`, "port = 10000", "port = 9090", `domain = "localhost:9090"`,
		`MUC_JIDS="jvbbrewery@internal.auth.meet.test"`, "allow-loopback = true"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Count(got, "{") != strings.Count(got, "}") {
		t.Error("braces do not match")
	}
}
