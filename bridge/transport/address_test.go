package transport

import (
	"net/netip"
	"reflect"
	"testing"

	"steg/configs"
)

func TestCandidates(t *testing.T) {
	host4 := netip.MustParseAddrPort("10.2.0.9:10000")
	host6 := netip.MustParseAddrPort("[2001:db8::9]:10000")
	list := candidatesOf([]netip.AddrPort{host4, host6}, []configs.Mapping{
		{Local: host4.Addr(), Public: netip.MustParseAddr("203.0.113.20")},
		{Local: host4.Addr(), Public: netip.MustParseAddr("203.0.113.20")},                                    // twice
		{Local: host4.Addr(), Public: host4.Addr()},                                                           // to itself
		{Local: netip.MustParseAddr("10.9.9.9"), Public: netip.MustParseAddr("203.0.113.21")},                 // not ours
		{Local: host4.Addr(), Public: netip.MustParseAddr("203.0.113.22"), LocalPort: 9},                      // other port
		{Local: host4.Addr(), Public: netip.MustParseAddr("203.0.113.23"), LocalPort: 10000, PublicPort: 443}, // port changed
		{Public: netip.MustParseAddr("2001:db8::99")},                                                         // of any address
	})
	base := Candidate{Component: 1, Protocol: "udp"}
	mk := func(foundation, kind string, prio uint32, addr, rel string) Candidate {
		c := base
		c.Foundation, c.Type, c.Priority = foundation, kind, prio
		c.Addr = netip.MustParseAddrPort(addr)
		if rel != "" {
			c.RelAddr = netip.MustParseAddrPort(rel)
		}
		return c
	}
	want := []Candidate{
		mk("1", "host", 2130706431, "10.2.0.9:10000", ""),
		mk("2", "host", 2130706175, "[2001:db8::9]:10000", ""),
		mk("3", "srflx", 1694498815, "203.0.113.20:10000", "10.2.0.9:10000"),
		mk("4", "srflx", 1694498815, "203.0.113.23:443", "10.2.0.9:10000"),
		mk("5", "srflx", 1694498559, "[2001:db8::99]:10000", "[2001:db8::9]:10000"),
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got  %+v\nwant %+v", list, want)
	}
	public := withoutPrivate(list)
	want = want[1:]
	want[1].RelAddr = netip.MustParseAddrPort("0.0.0.0:9")
	want[2].RelAddr = want[1].RelAddr
	if !reflect.DeepEqual(public, want) {
		t.Errorf("public: got  %+v\nwant %+v", public, want)
	}
}

func TestAddressAllowed(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		cfg        configs.ICE
		ok         bool
	}{
		{name: "public", addr: "203.0.113.1", ok: true},
		{name: "private", addr: "192.168.1.1", ok: true},
		{name: "loopback", addr: "127.0.0.1"},
		{name: "loopback allowed", addr: "127.0.0.1", cfg: configs.ICE{AllowLoopback: true}, ok: true},
		{name: "link local", addr: "169.254.0.1"},
		{name: "link local 6", addr: "fe80::1", cfg: configs.ICE{IPv6: true}},
		{name: "link local allowed", addr: "fe80::1", cfg: configs.ICE{IPv6: true, LinkLocal: true}, ok: true},
		{name: "IPv6 off", addr: "2001:db8::1"},
		{name: "IPv6", addr: "2001:db8::1", cfg: configs.ICE{IPv6: true}, ok: true},
		{name: "not listed", addr: "203.0.113.1", cfg: configs.ICE{AllowedAddresses: []netip.Addr{loopback4}}},
		{name: "blocked", addr: "203.0.113.1", cfg: configs.ICE{BlockedAddresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}}},
	} {
		if got := addressAllowed(c.cfg, netip.MustParseAddr(c.addr)); got != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestMayCheck(t *testing.T) {
	m := &Mux{addrs: []*localAddr{{addr: netip.MustParseAddrPort("203.0.113.9:10000")}}}
	for _, c := range []struct {
		addr    string
		private bool
		ok      bool
	}{
		{"198.51.100.1:5000", false, true},
		{"192.168.1.1:5000", false, false},
		{"192.168.1.1:5000", true, true},
		{"[fd00::1]:5000", false, false},
		{"127.0.0.1:5000", true, false},
		{"[::1]:5000", true, false},
		{"[::ffff:127.0.0.1]:5000", true, false},
		{"224.0.0.1:5000", true, false},
		{"0.0.0.0:5000", true, false},
		{"169.254.169.254:80", true, false},
		{"[fe80::1]:5000", true, false},
		{"198.51.100.1:0", true, false},
		{"203.0.113.9:10000", true, false}, // the bridge itself
	} {
		tr := &Transport{mux: m, opts: Options{PrivateCandidates: c.private}}
		if got := tr.mayCheck(Candidate{Protocol: "udp", Addr: netip.MustParseAddrPort(c.addr)}); got != c.ok {
			t.Errorf("%s, private %v: %v", c.addr, c.private, got)
		}
	}
}
