package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// names resolves the one host name that the tests use.
func names(host string) ([]netip.Addr, error) {
	if host == "bridge.example.com" {
		return []netip.Addr{netip.MustParseAddr("2001:db8::9"), netip.MustParseAddr("198.51.100.9")}, nil
	}
	return nil, errors.New("no such host")
}

// golden is what a configuration led to.
type golden struct {
	Config    *Config
	Passwords []string
	Warnings  []string
}

// checkGolden compares with testdata/<name>.golden.
func checkGolden(t *testing.T, name string, c *Config, warnings []Warning) {
	t.Helper()
	g := golden{Config: c}
	for _, a := range c.XMPP.Accounts {
		g.Passwords = append(g.Passwords, a.Password.Reveal())
	}
	for _, w := range warnings {
		g.Warnings = append(g.Warnings, w.String())
	}
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(g); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; got\n%s", file, got.Bytes())
	}
}

func TestLoadGolden(t *testing.T) {
	for name, env := range map[string][]string{
		"debian":            {"JVB_PORT=5347", "JVB_SECRET=x"},
		"debian-websockets": {"SECOND_PASSWORD=second"},
		"docker":            {"JVB_PORT=1", "XMPP_SERVER=other"},
		"legacy":            {},
		"nixos":             {"VIDEOBRIDGE_PASS=from the environment"},
		"tuned":             {"MEDIA_PORT=12345", "HOSTNAME=b7"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name, "jvb.conf")
			c, warnings, err := Load(Options{File: file, Env: env, Lookup: names})
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, name, c, warnings)
		})
	}
}

func TestLoadDockerVariables(t *testing.T) {
	for name, env := range map[string][]string{
		"env-minimal": {"JVB_AUTH_PASSWORD=secret", "HOSTNAME=e2f6a0c1b2d3"},
		"env-full": {
			"XMPP_SERVER=a.example.com,b.example.com:6222, [2001:db8::1]:5269", "XMPP_PORT=5223", "XMPP_AUTH_DOMAIN=auth.example.com",
			"XMPP_INTERNAL_MUC_DOMAIN=internal.example.com", "JVB_BREWERY_MUC=brewery", "JVB_AUTH_USER=bridge",
			"JVB_AUTH_PASSWORD=pa$$ #w", "JVB_MUC_NICKNAME=b1", "HOSTNAME=h", "JVB_PORT=20000",
			"JVB_ADVERTISE_IPS=203.0.113.7#30000,192.168.1.10,bridge.example.com,", "JVB_ADVERTISE_PRIVATE_CANDIDATES=0",
			"JVB_DISABLE_STUN=1", "DISABLE_AWS_HARVESTER=false", "JVB_REQUIRE_VALID_ADDRESS=true", "COLIBRI_REST_ENABLED=1",
			"SHUTDOWN_REST_ENABLED=yes", "ENABLE_OCTO=1", "JVB_OCTO_BIND_ADDRESS=10.0.0.1", "JVB_CC_TRUST_BWE=no",
			"ENABLE_VLA=1", "BWE_ESTIMATOR_ENGINE=GoogleCc", "JVB_USE_USRSCTP=1", "STEG_LOG_LEVEL=info",
		},
		"env-own-server": {
			"ENABLE_JVB_XMPP_SERVER=1", "XMPP_SERVER=unused", "JVB_AUTH_PASSWORD=x", "HOSTNAME=h", "DOCKER_HOST_ADDRESS=192.0.2.1",
		},
		"env-no-xmpp": {"JVB_DISABLE_XMPP=1", "COLIBRI_REST_ENABLED=true"},
	} {
		t.Run(name, func(t *testing.T) {
			c, warnings, err := Load(Options{Env: env, Search: true, Lookup: names, root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, name, c, warnings)
		})
	}
}

func TestLoadDockerWithoutPassword(t *testing.T) {
	_, _, err := Load(Options{Env: []string{"XMPP_SERVER=x"}, root: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "JVB_AUTH_PASSWORD is not set") {
		t.Errorf("got %v", err)
	}
}

func TestLoadReportsAllErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "jvb.conf")
	write(t, file, `videobridge {
  ice.udp.port = 100000
  sctp.enabled = maybe
  cc.max-oversend-bitrate = 5 apples
  stats.interval = soon
  loudest { num-loudest = 0 }
  relay.enabled = true
  health = 5
  http-servers.private.port = { a = 1 }
  load-management.conference-last-n-limits { many = 3 }
  apis.xmpp-client.configs { a { PORT = x, PASSWORD = {} } }
}
jmt.dtls.cipher-suites = [RSA]
jmt.bwe.estimator { min-bw = 2 mbps, max-bw = 1 mbps }
ice4j.harvest.mapping.static-mappings = [{ local-address = 10.0.0.1, public-address = no.such.host }]
ice4j.harvest.blocked-addresses = [300.1.1.1]
steg.http.public.cert = "/x"
`)
	_, _, err := Load(Options{File: file, Env: []string{}, Lookup: names})
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), dir+"/", ""), "\n")
	want := []string{
		`jvb.conf:5: videobridge.stats.interval is "soon", but must be a time such as 500 ms, 15 seconds or 1 minute, at least 100ms`,
		`jvb.conf:5: videobridge.apis.xmpp-client.presence-interval is "soon"`,
		`jvb.conf:11: videobridge.apis.xmpp-client.configs.a.PORT is "x", but must be a port from 1 to 65535`,
		`jvb.conf:9: videobridge.http-servers.private.port is "an object", but must be a port from 1 to 65535, or -1 for none`,
		`jvb.conf:2: videobridge.ice.udp.port is "100000", but must be a port from 1 to 65535`,
		`jvb.conf:16: ice4j.harvest.blocked-addresses is "a list", but must be a list, each item an IP address`,
		`jvb.conf:15: ice4j.harvest.mapping.static-mappings.public-address is "no.such.host", but must be an IP address, or a name that can be resolved`,
		`jvb.conf:3: videobridge.sctp.enabled is "maybe", but must be true or false`,
		`jvb.conf:13: jmt.dtls.cipher-suites is "a list"`,
		`jvb.conf:6: videobridge.loudest.num-loudest is "0", but must be a whole number of at least 1`,
		`jvb.conf:4: videobridge.cc.max-oversend-bitrate is "5 apples", but must be a bandwidth such as 500 kbps or 10 mbps`,
		`jvb.conf:10: videobridge.load-management.conference-last-n-limits is "many", but must be the size of a conference = last-n, such as 20 = 10`,
		`jvb.conf:7: videobridge.relay.relay-id must be set to the unique name of this bridge when relays are enabled`,
		`jvb.conf:14: jmt.bwe.estimator.min-bw must be at most jmt.bwe.estimator.max-bw`,
		`jvb.conf:17: steg.http.public.cert must be given together with steg.http.public.key`,
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			t.Errorf("missing: %s", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d errors, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	var wrong *ValueError
	if !errors.As(err, &wrong) || wrong.Key == "" || wrong.Line == 0 {
		t.Errorf("no ValueError inside: %v", wrong)
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, _, err := Load(Options{File: filepath.Join(t.TempDir(), "gone.conf"), Env: []string{}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestSearch(t *testing.T) {
	const account = `{ HOSTNAME = h, USERNAME = u, PASSWORD = p, MUC_JIDS = "a@b", MUC_NICKNAME = n }`
	conf := "videobridge.apis.xmpp-client.configs.x " + account + "\nvideobridge.ice.udp.port = "
	for _, tt := range []struct {
		name  string
		files map[string]string
		env   []string
		port  int
		ids   string
		warns int
	}{
		{"nothing", nil, []string{"JVB_PORT=5347"}, 10000, "", 2},
		{"debian", map[string]string{"etc/jitsi/videobridge/jvb.conf": conf + "1"}, nil, 1, "x", 0},
		{
			"debian's old file alone", map[string]string{
				"etc/jitsi/videobridge/sip-communicator.properties": "org.jitsi.videobridge.SINGLE_PORT_HARVESTER_PORT=7",
			}, nil, 7, "", 1,
		},
		{
			"docker before debian", map[string]string{
				"etc/jitsi/videobridge/jvb.conf": conf + "1", "config/jvb.conf": conf + "2", "run/jvb/config/jvb.conf": conf + "3",
			}, nil, 3, "x", 0,
		},
		{
			"volume with additions", map[string]string{
				"config/jvb.conf": conf + "2", "config/custom-jvb.conf": "videobridge.ice.udp.port = 9",
			}, nil, 9, "x", 0,
		},
		{
			"additions included already", map[string]string{
				"config/jvb.conf":        "include \"custom-jvb.conf\"\n" + conf + "2",
				"config/custom-jvb.conf": "videobridge.ice.udp.port = 9",
			}, nil, 2, "x", 0,
		},
		{
			"variables with additions", map[string]string{"config/custom-jvb.conf": "videobridge.ice.udp.port = 9"},
			[]string{"JVB_AUTH_PASSWORD=x", "JVB_PORT=8", "HOSTNAME=h", "JVB_DISABLE_STUN=1"}, 9, "shard0", 0,
		},
		{
			"named by the unit", map[string]string{"opt/j.conf": conf + "4", "etc/jitsi/videobridge/jvb.conf": conf + "1"},
			[]string{`JAVA_SYS_PROPS=-Dx=y -Dconfig.file=/opt/j.conf`}, 4, "x", 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range tt.files {
				write(t, filepath.Join(root, name), text)
			}
			c, warnings, err := Load(Options{Env: append([]string{}, tt.env...), Search: true, root: root})
			if err != nil {
				t.Fatal(err)
			}
			if ids := accountIDs(c); c.ICE.Port != tt.port || ids != tt.ids || len(warnings) != tt.warns {
				t.Errorf("got port %d, accounts %s, warnings %v", c.ICE.Port, ids, warnings)
			}
		})
	}
}

func accountIDs(c *Config) string {
	var ids []string
	for _, a := range c.XMPP.Accounts {
		ids = append(ids, a.ID)
	}
	return strings.Join(ids, " ")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
