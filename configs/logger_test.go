package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestScrub(t *testing.T) {
	const r = redacted
	for _, tt := range []struct{ in, want string }{
		{"from 192.0.2.1 to 10.0.0.1:5000", "from " + r + " to " + r},
		{"(203.0.113.7)", "(" + r + ")"},
		{"at 2001:db8::1, then", "at " + r + ", then"},
		{"[2001:db8::1]:443 said", r + " said"},
		{"[fe80::1%eth0]:10000", r},
		{"fe80::1%25eth0.1 x", r + " x"},
		{"::ffff:192.0.2.1 and 64:ff9b::192.0.2.1", r + " and " + r},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", r},
		{"2001:db8:0:0:0:0:192.0.2.1", r},
		{"x=::1", "x=" + r},
		{"aa:bb:cc:dd:ee:ff", r},
		{"udp4 192.0.2.1:5000 (host)", "udp4 " + r + " (host)"},
		{"ufrag=Ab3+ pwd=xyz/123 end", "ufrag=" + r + " pwd=" + r + " end"},
		{`{"ice-pwd":"abc","ufrag": "x"}`, `{"ice-pwd":"` + r + `","ufrag": "` + r + `"}`},
		{"a=ice-ufrag:abcd", "a=ice-ufrag:" + r},
		{"<transport ufrag='ab' pwd='cd'/>", "<transport ufrag='" + r + "' pwd='" + r + "'/>"},
		{"/colibri-ws/default-id/x/y?pwd=secret HTTP", "/colibri-ws/default-id/x/y?pwd=" + r + " HTTP"},
		{"from room@conference.example.com/abcd", "from " + r},
		{"<jvb@auth.example.com/xY>", "<" + r + ">"},
		{"mail anna@example.com", "mail " + r},
		{"0a1b2c3d-0000-4000-8000-00000000000a.local:5000", r},
		{"dial client.example.net:40000", "dial " + r},
	} {
		if got := newScrubber().text(tt.in); got != tt.want {
			t.Errorf("%q\ngot  %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestScrubKeepsOrdinaryText(t *testing.T) {
	for _, s := range []string{
		"version 2.3.1", "JVB 2.3-301-gabc1234", "10:20:30", "2026-08-20T10:20:30.123456Z", "took 1.5s", "1.2.3",
		"main.go:12:5: no", "/root/go/pkg/mod/github.com/pion/ice/v4@v4.4.8/agent.go:123 +0x1d", "jvb.conf:12: wrong",
		"goroutine 12 [running]:\nsteg/bridge.(*Bridge).Modify(0xc000123456, {0x1, 0x2})\n\t/src/bridge/bridge.go:99 +0x5f",
		"listen [::]:10000", "std :: x", "50 % of 3", "jvbbrewery@internal.auth.example.com", "xmpp.example.com refused the login",
		"ratio 3:4", "0x1f:2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "a=b", "error: eof", "key: value",
		"5b8a1a9e-3e1f-4c62-9a0a-1c8f6d0b7e21", "http: Server closed", "localhost:5222", "",
	} {
		if got := newScrubber().text(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestLoggerRedacts(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, "debug")
	log.Warn().Str("peer", "192.0.2.1:5000").Err(errors.New("read udp 10.0.0.1:1->192.0.2.2:2: \"refused\"")).
		RawJSON("raw", []byte(`{"ip":"2001:db8::1","n":[1,"::1"],"192.0.2.9":"k"}`)).
		Strs("list", []string{"2.3.1", "203.0.113.1"}).Str("time", "192.0.2.3").Int("port", 5).
		Msg("lost \t192.0.2.4 at 10:20:30")
	line := out.String()
	if strings.Contains(line, "192.0.2") || strings.Contains(line, "2001:db8") || strings.Contains(line, "203.0.113") ||
		strings.Contains(line, "10.0.0.1") || strings.Contains(line, `"::1"`) {
		t.Error(line)
	}
	if !json.Valid([]byte(line)) || !strings.HasSuffix(line, "}\n") || strings.Count(line, "\n") != 1 {
		t.Errorf("not one line of JSON: %q", line)
	}
	for _, kept := range []string{`"level":"warn"`, `10:20:30`, `"2.3.1"`, `"port":5`, `\"refused\"`, `lost \t`} {
		if !strings.Contains(line, kept) {
			t.Errorf("%s is missing in %s", kept, line)
		}
	}
}

func TestLoggerPassesTextThatIsNotJSON(t *testing.T) {
	var out bytes.Buffer
	w := &redactingWriter{&out, newScrubber()}
	n, err := io.WriteString(w, "panic: 192.0.2.1\n")
	if n != 17 || err != nil || out.String() != "panic: "+redacted+"\n" {
		t.Errorf("%d %v %q", n, err, out.String())
	}
}

func TestLoggerLevels(t *testing.T) {
	for level, want := range map[string]int{"error": 1, "warn": 2, "": 2, "nonsense": 2, "info": 3, "debug": 4, "DEBUG": 4} {
		var out bytes.Buffer
		log := NewLogger(&out, level)
		log.Error().Msg("e")
		log.Warn().Msg("w")
		log.Info().Msg("i")
		log.Debug().Msg("d")
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%q: %d lines, want %d", level, got, want)
		}
	}
}

func TestPionLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := PionLogger(NewLogger(&out, "warn")).NewLogger("ice")
		log.Infof("from %s", "192.0.2.1")
		log.Debug("x")
		candidate := net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7}
		for range 3 {
			log.Warnf("candidate %s:%d %v %x failed: %v after %d", &candidate, 7, candidate, "ufrag0",
				&net.OpError{Op: "read", Net: "udp", Addr: &candidate, Err: os.ErrDeadlineExceeded}, 3)
		}
		log.Error("lost 192.0.2.1")
		time.Sleep(time.Second)
		log.Warnf("candidate %s:%d %v %x failed: %v after %d", 1, 2, 3, 4, 5, 6)
		var got []string
		for line := range strings.Lines(out.String()) {
			var e struct{ Message, Lib, Level string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Level+" "+e.Lib+" "+e.Message)
		}
		want := []string{
			"warn ice candidate [redacted]:7 [redacted] [redacted] failed: read udp [redacted]: i/o timeout after 3",
			"error ice lost [redacted]",
			"warn ice candidate %!s(int=1):2 3 4 failed: 5 after 6",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
}

func TestRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := NewRepeated(NewLogger(&out, "warn"), "queue full", time.Second)
		for range 5 {
			r.Hit()
		}
		time.Sleep(time.Second)
		r.Hit()
		if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"count":1,`) || !strings.Contains(got, `"count":5,`) {
			t.Error(got)
		}
	})
}

func TestSecretAndAddrNeverPrint(t *testing.T) {
	addr := Addr(netip.MustParseAddrPort("192.0.2.1:5000"))
	for _, v := range []any{Secret("hunter2"), addr, &addr, []Addr{addr}, struct{ S Secret }{"hunter2"}, map[string]Addr{"a": addr}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "192") || strings.Contains(got, "hunter") || strings.Contains(got, "68756e") || strings.Contains(got, "5000") {
				t.Errorf("%s of %T: %s", verb, v, got)
			}
		}
		got, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(got), redacted) {
			t.Errorf("JSON of %T: %s, %v", v, got, err)
		}
	}
	var out bytes.Buffer
	log := zerolog.New(&out)
	log.Warn().Interface("a", addr).Stringer("b", addr).Any("c", Secret("hunter2")).Send()
	if strings.Contains(out.String(), "192") || strings.Contains(out.String(), "hunter") {
		t.Error(out.String())
	}
	if addr.AddrPort().Port() != 5000 || Secret("x").Reveal() != "x" {
		t.Error("the values are lost")
	}
}

func TestRedactError(t *testing.T) {
	peer := &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 7, Zone: "eth0"}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{io.EOF, "EOF"},
		{fmt.Errorf("send: %w", &net.OpError{Op: "write", Net: "udp", Source: peer, Addr: peer, Err: net.ErrClosed}),
			"send: write udp [redacted]->[redacted]: use of closed network connection"},
		{errors.Join(io.EOF, &net.DNSError{Err: "no such host", Name: "anna-laptop"}), "EOF\nlookup [redacted]: no such host"},
		{&net.AddrError{Err: "missing port", Addr: "anna-laptop"}, "address [redacted]: missing port"},
		{&url.Error{Op: "Get", URL: "http://anna/x?y", Err: io.EOF}, `Get "[redacted]": EOF`},
	} {
		got := RedactError(tt.err)
		if tt.err == nil {
			if got != nil {
				t.Errorf("got %v for nil", got)
			}
			continue
		}
		if got.Error() != tt.want || !errors.Is(got, tt.err) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// notations returns the ways in which an address may be written.
func notations(a netip.Addr, port uint16) []string {
	list := []string{
		a.String(), netip.AddrPortFrom(a, port).String(), a.StringExpanded(), strings.ToUpper(a.StringExpanded()),
		net.JoinHostPort(a.String(), fmt.Sprint(port)), net.IP(a.AsSlice()).String(),
	}
	if a.Is4() {
		mapped := netip.AddrFrom16(a.As16())
		b := a.As4()
		return append(list, mapped.String(), mapped.StringExpanded(), fmt.Sprintf("::ffff:%02x%02x:%02x%02x", b[0], b[1], b[2], b[3]),
			"::FFFF:"+a.String(), "64:ff9b::"+a.String(), "::"+a.String())
	}
	return append(list, a.WithZone("eth0").String(), "["+a.WithZone("wlan0").String()+"]:1", strings.ToUpper(a.String()))
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, uint16(5000), "from ", " lost")
	f.Add([]byte{255, 1, 99, 200}, uint16(1), "5", "7.8")
	f.Add([]byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), uint16(443), "x", "y")
	f.Add([]byte("\x20\x01\x0d\xb8\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06"), uint16(443), "ab:", ":cd")
	f.Add([]byte("\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), uint16(443), `\"`, "@a/b")
	f.Add([]byte{10, 0, 0, 1}, uint16(65535), "pwd=", "\n{\"ufrag\":\"")
	scrub := newScrubber()
	f.Fuzz(func(t *testing.T, raw []byte, port uint16, before, after string) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok || a.IsUnspecified() {
			return
		}
		for _, s := range notations(a, port) {
			if strings.Contains(before+after, s) {
				continue
			}
			text := before + s + after
			if got := scrub.text(text); strings.Contains(got, s) {
				t.Errorf("%q stays in %q", s, got)
			}
			var out bytes.Buffer
			log := zerolog.New(&redactingWriter{&out, scrub})
			log.Warn().Str(text, "k").Str("f", text).Err(errors.New(text)).Interface("o", map[string]any{"x": []string{text}}).
				Bytes("b", []byte(text)).Msg(text)
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("%v: %q", err, out.String())
			}
			if got := fmt.Sprint(line); strings.Contains(got, s) || strings.Contains(out.String(), s) {
				t.Errorf("%q stays in %s", s, out.String())
			}
		}
	})
}
