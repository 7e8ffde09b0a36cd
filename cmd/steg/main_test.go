package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"steg/configs"
)

func TestCommand(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "jvb.conf")
	if err := os.WriteFile(wrong, []byte("videobridge {\n  ice.udp.port = soon\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		args     []string
		code     int
		out, err string // must be contained
	}{
		{"nothing", nil, exitUsage, "", "steg run"},
		{"version", []string{"version"}, exitOK, "steg " + version, ""},
		{"help", []string{"--help"}, exitOK, "steg run", ""},
		{"unknown", []string{"walk"}, exitUsage, "", `unknown command "walk"`},
		{"argument", []string{"run", "now"}, exitUsage, "", `unexpected argument "now"`},
		{"flag", []string{"run", "--speed"}, exitUsage, "", "speed"},
		{"no file", []string{"run", "--config", "/nonexistent/jvb.conf"}, exitConfig, "", "/nonexistent/jvb.conf"},
		{"wrong value", []string{"run", "--config", wrong}, exitConfig, "", wrong + ":2: videobridge.ice.udp.port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, err bytes.Buffer
			if code := command(tt.args, &out, &err); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.out) || !strings.Contains(err.String(), tt.err) {
				t.Errorf("printed %q and %q", out.String(), err.String())
			}
		})
	}
}

// testConfig is a bridge on loopback without an account.
func testConfig() *configs.Config {
	cfg := configs.Default()
	cfg.ICE.Port, cfg.ICE.AllowLoopback = 0, true
	cfg.HTTP.Private.Port = -1
	return cfg
}

func TestServeEndsWithSignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	done := make(chan error, 1)
	go func() { done <- serve(testConfig(), zerolog.Nop(), signals) }()
	signals <- syscall.SIGTERM
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
}

func TestTakenPortsAreNamed(t *testing.T) {
	media, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	http, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer http.Close()
	mediaPort, httpPort := media.LocalAddr().(*net.UDPAddr).Port, http.Addr().(*net.TCPAddr).Port
	for name, tt := range map[string]struct {
		change func(*configs.Config)
		want   string
	}{
		"media": {func(c *configs.Config) { c.ICE.Port = mediaPort }, fmt.Sprint(mediaPort)},
		"HTTP":  {func(c *configs.Config) { c.HTTP.Private.Port = httpPort }, fmt.Sprint(httpPort)},
	} {
		cfg := testConfig()
		tt.change(cfg)
		err := serve(cfg, zerolog.Nop(), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
