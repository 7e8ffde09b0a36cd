package prosody_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"steg/tests/prosody"
)

func TestStartRestartStop(t *testing.T) {
	s := prosody.StartForTest(t)
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
