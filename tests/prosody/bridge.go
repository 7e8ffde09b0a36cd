package prosody

import (
	"fmt"
	"os"
	"strings"
)

// Bridge says how the jvb.conf of one bridge differs from that of a Debian
// installation. The zero value is a bridge with the default ports.
type Bridge struct {
	Nickname    string // in the brewery; "bridge" if empty
	MediaPort   int    // UDP; 0: not written, so the default holds
	PrivatePort int    // HTTP on loopback; 0: not written
	PublicPort  int    // HTTP for colibri websockets; 0: websockets are off
	WSDomain    string // host[:port] that clients are told; localhost:<PublicPort> if empty
	NoLoopback  bool   // bind no loopback address for media
	SkipVerify  bool   // accept any certificate of the server
	Extra       string // further HOCON, appended
}

// BridgeConfig returns the jvb.conf of a bridge at this server.
func (s *Server) BridgeConfig(b Bridge) string {
	var t strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&t, format+"\n", a...) }
	line("videobridge {")
	if b.PublicPort != 0 || b.PrivatePort != 0 {
		line("  http-servers {")
		if b.PublicPort != 0 {
			line("    public {\n      host = %q\n      port = %d\n    }", "0.0.0.0", b.PublicPort)
		}
		if b.PrivatePort != 0 {
			line("    private {\n      host = %q\n      port = %d\n    }", "127.0.0.1", b.PrivatePort)
		}
		line("  }")
	}
	if b.PublicPort != 0 {
		line("  websockets {\n    enabled = true\n    domain = %q\n    tls = false\n    server-id = %q\n  }",
			or(b.WSDomain, fmt.Sprintf("localhost:%d", b.PublicPort)), or(b.Nickname, "bridge"))
	}
	if b.MediaPort != 0 {
		line("  ice {\n    udp {\n      port = %d\n    }\n    advertise-private-candidates = true\n  }", b.MediaPort)
	}
	// Tests and demos have private addresses only.
	line("  health {\n    require-valid-address = false\n  }")
	line("  apis {\n    xmpp-client {\n      configs {\n        shard {")
	line("          HOSTNAME=%q", s.Address)
	line("          PORT=%d", s.Port)
	line("          DOMAIN=%q", s.AuthDomain())
	line("          USERNAME=%q", BridgeUser)
	line("          PASSWORD=%q", BridgePassword)
	line("          MUC_JIDS=%q", s.Brewery())
	line("          MUC_NICKNAME=%q", or(b.Nickname, "bridge"))
	if b.SkipVerify {
		line("          DISABLE_CERTIFICATE_VERIFICATION=true")
	}
	line("        }\n      }\n    }\n    rest {\n      enabled = true\n    }\n  }")
	line("}")
	line("ice4j {\n  harvest {\n    mapping {\n      aws {\n        enabled = false\n      }\n      stun {\n        addresses = []\n      }\n    }\n  }\n}")
	line("steg {\n  ice {\n    allow-loopback = %t\n  }\n}", !b.NoLoopback)
	if b.Extra != "" {
		line("%s", b.Extra)
	}
	return t.String()
}

// WriteBridgeConfig writes a bridge's jvb.conf into the server's directory
// and returns the file's name.
func (s *Server) WriteBridgeConfig(b Bridge) (string, error) {
	file := s.path("jvb-" + or(b.Nickname, "bridge") + ".conf")
	return file, os.WriteFile(file, []byte(s.BridgeConfig(b)), 0o600)
}
