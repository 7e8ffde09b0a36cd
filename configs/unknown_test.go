package configs

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysWithoutEffect(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"stock templates", "videobridge { stats { enabled = true, transports = [{ type = muc }] }, sctp.use-usrsctp = true }", ""},
		{"stun switch", "ice4j.harvest.mapping.stun.enabled = false", ""},
		{"tcp off", "videobridge.ice.tcp { enabled = false, port = 4443, mapped-port = 1 }", ""},
		{"tcp on", "videobridge.ice.tcp { enabled = true, port = 4443 }", "videobridge.ice.tcp.enabled: no effect: there is no ICE over TCP"},
		{"aws off", "ice4j.harvest.mapping.aws.enabled = FALSE", ""},
		{"aws on", "ice4j.harvest.mapping.aws.enabled = true", "ice4j.harvest.mapping.aws.enabled: no effect: Steg asks no cloud"},
		{"java's queue", "jmt.transceiver.recv.queue-size = 3", "jmt.transceiver: no effect: tunes the Java program"},
		{"top-level section", "tracing { enabled = true, service-name = x }", "tracing: no effect"},
		{"redaction on", "videobridge.redact-remote-addresses = true", ""},
		{"relays on", "videobridge.relay { enabled = true, relay-id = a }", "videobridge.relay.enabled: no effect yet: several bridges"},
		{"reducer on", "videobridge.load-management.reducer-enabled = true", "videobridge.load-management.reducer-enabled: no effect yet"},
		{"a default repeated", "videobridge.load-management.reducer-enabled = false", ""},
		{"redaction off", "videobridge.redact-remote-addresses = false", "videobridge.redact-remote-addresses: no effect"},
		{"typing mistake", "videobridge.ice.udp.prot = 1", "videobridge.ice.udp.prot: unknown key; did you mean videobridge.ice.udp.port?"},
		{"unknown object", "videobridge.foo { bar = 1, baz = 2 }", "videobridge.foo: unknown key"},
		{"unknown section", "jicofo { bar = 1 }", "jicofo.bar: unknown key"},
		{"helper", "my { port = 7 }\nvideobridge.ice.udp.port = ${my.port}", ""},
		{"unused helper", "my-port = 7", "my-port: unknown key"},
		{"value in place of a section", "videobridge.health = 5", "videobridge.health: unknown key"},
		{"empty object", "videobridge.foo {}", ""},
		{"null", "videobridge.cc.jvb-last-n = null", ""},
		{"unknown account property", "videobridge.apis.xmpp-client.configs.a { HOSTNAME = h, USERNAME = u, PASSWORD = p, MUC_JIDS = \"a@b\", MUC_NICKNAME = n, MUC_NICK = x }",
			"videobridge.apis.xmpp-client.configs.a.MUC_NICK: unknown property"},
		{"included from elsewhere", `include url("http://x/y")`, "include url(...) is skipped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "jvb.conf")
			write(t, file, tt.text)
			_, warnings, err := Load(Options{File: file, Env: []string{"STEG_LOG_LEVEL="}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range warnings {
				if !strings.Contains(w.Text, "no XMPP account") {
					got = append(got, strings.TrimPrefix(w.Key+": "+w.Text, ": "))
				}
				if w.File != "" && w.Line == 0 {
					t.Errorf("no line: %v", w)
				}
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
