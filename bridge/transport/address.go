package transport

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"steg/configs"
)

// localAddresses lists the addresses that may be bound, in the order of the
// interfaces, IPv4 and IPv6 as the system has them. IPv6 zones are numbers.
func localAddresses(cfg configs.ICE) ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []netip.Addr
	for _, ifc := range interfaces {
		if !interfaceAllowed(cfg, ifc) {
			continue
		}
		addrs, err := ifc.Addrs()
		if err != nil {
			continue // the interface went away
		}
		for _, a := range addrs {
			ipnet, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			addr, ok := netip.AddrFromSlice(ipnet.IP)
			if !ok {
				continue
			}
			addr = addr.Unmap()
			if addressAllowed(cfg, addr) && !slices.Contains(found, addr) {
				if addr.Is6() && addr.IsLinkLocalUnicast() {
					addr = addr.WithZone(strconv.Itoa(ifc.Index))
				}
				found = append(found, addr)
			}
		}
	}
	return found, nil
}

func interfaceAllowed(cfg configs.ICE, ifc net.Interface) bool {
	if ifc.Flags&net.FlagUp == 0 {
		return false
	}
	if ifc.Flags&net.FlagLoopback != 0 && !cfg.AllowLoopback {
		return false
	}
	if len(cfg.AllowedInterfaces) > 0 && !slices.Contains(cfg.AllowedInterfaces, ifc.Name) {
		return false
	}
	return !slices.Contains(cfg.BlockedInterfaces, ifc.Name)
}

func addressAllowed(cfg configs.ICE, a netip.Addr) bool {
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast():
		return false
	case a.IsLoopback() && !cfg.AllowLoopback:
		return false
	case a.IsLinkLocalUnicast() && !cfg.LinkLocal:
		return false
	case a.Is6() && !cfg.IPv6:
		return false
	case len(cfg.AllowedAddresses) > 0 && !slices.Contains(cfg.AllowedAddresses, a):
		return false
	}
	return !slices.Contains(cfg.BlockedAddresses, a)
}

// isPrivate tells addresses that only a site reaches: RFC 1918, unique local
// and the old site-local range.
func isPrivate(a netip.Addr) bool {
	if a.IsPrivate() {
		return true
	}
	b := a.As16()
	return a.Is6() && b[0] == 0xfe && b[1]&0xc0 == 0xc0 // fec0::/10
}

// candidatesOf makes the signalled candidates of the bound addresses: a host
// candidate each, and a server reflexive one for each mapping that matches.
// Priorities follow RFC 8445 section 5.1.2.1.
func candidatesOf(hosts []netip.AddrPort, mappings []configs.Mapping) []Candidate {
	const hostPreference, srflxPreference = 126, 100
	priority := func(typePref, i int) uint32 {
		return uint32(typePref)<<24 | uint32(0xffff-i)<<8 | 255
	}
	var list []Candidate
	seen := map[netip.AddrPort]bool{}
	for i, host := range hosts {
		seen[host] = true
		list = append(list, Candidate{
			Priority: priority(hostPreference, i), Type: "host", Addr: host,
		})
	}
	for i, host := range hosts {
		for _, mp := range mappings {
			if !matches(mp, host) {
				continue
			}
			port := host.Port()
			if mp.PublicPort != 0 {
				port = uint16(mp.PublicPort)
			}
			public := netip.AddrPortFrom(mp.Public.Unmap(), port)
			if !public.IsValid() || seen[public] {
				continue
			}
			seen[public] = true
			list = append(list, Candidate{
				Priority: priority(srflxPreference, i), Type: "srflx", Addr: public, RelAddr: host,
			})
		}
	}
	for i := range list {
		list[i].Component = 1
		list[i].Protocol = "udp"
		list[i].Foundation = strconv.Itoa(i + 1)
	}
	return list
}

// matches tells whether a mapping is about a bound address. One without a
// local address is about all of its family.
func matches(mp configs.Mapping, host netip.AddrPort) bool {
	if mp.LocalPort != 0 && mp.LocalPort != int(host.Port()) {
		return false
	}
	if !mp.Local.IsValid() {
		return mp.Public.Unmap().Is4() == host.Addr().Is4()
	}
	return mp.Local == host.Addr()
}

// withoutPrivate leaves out private host candidates and hides private
// related addresses.
func withoutPrivate(list []Candidate) []Candidate {
	var public []Candidate
	for _, c := range list {
		if isPrivate(c.Addr.Addr()) {
			continue
		}
		if c.RelAddr.IsValid() && isPrivate(c.RelAddr.Addr()) {
			c.RelAddr = netip.AddrPortFrom(netip.IPv4Unspecified(), 9)
		}
		public = append(public, c)
	}
	return public
}
