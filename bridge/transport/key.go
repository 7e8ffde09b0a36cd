package transport

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// remoteKey is a participant's address as one local address sees it. It has
// no pointers and no padding, so that a map of it is cheap; IPv4 is kept in
// mapped form.
type remoteKey struct {
	hi, lo uint64
	scope  uint32 // zone of a link-local address
	port   uint16
	local  uint16 // index of the local address
}

const mappedPrefix = 0xffff << 32

// keyOfSockaddr reads the address that the kernel filled in.
func keyOfSockaddr(sa *unix.RawSockaddrInet6, local uint16) remoteKey {
	if sa.Family == unix.AF_INET {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return remoteKey{
			lo:    mappedPrefix | uint64(binary.BigEndian.Uint32(sa4.Addr[:])),
			port:  swap16(sa4.Port),
			local: local,
		}
	}
	return remoteKey{
		hi:    binary.BigEndian.Uint64(sa.Addr[:8]),
		lo:    binary.BigEndian.Uint64(sa.Addr[8:]),
		scope: sa.Scope_id,
		port:  swap16(sa.Port),
		local: local,
	}
}

// keyOf is the key of a parsed address.
func keyOf(ap netip.AddrPort, local uint16) remoteKey {
	b := ap.Addr().As16()
	k := remoteKey{
		hi:    binary.BigEndian.Uint64(b[:8]),
		lo:    binary.BigEndian.Uint64(b[8:]),
		port:  ap.Port(),
		local: local,
	}
	if zone := ap.Addr().Zone(); zone != "" {
		n, _ := strconv.ParseUint(zone, 10, 32) // zones are written by addrPort, as numbers
		k.scope = uint32(n)
	}
	return k
}

// addrPort is the inverse of keyOf.
func (k remoteKey) addrPort() netip.AddrPort {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	a := netip.AddrFrom16(b).Unmap()
	if k.scope != 0 && a.Is6() {
		a = a.WithZone(strconv.FormatUint(uint64(k.scope), 10))
	}
	return netip.AddrPortFrom(a, k.port)
}

// sockaddr is the key in the form that the kernel takes; v4 says whether the
// local socket is an IPv4 socket.
func (k remoteKey) sockaddr(v4 bool) (sa unix.RawSockaddrInet6, length uint32) {
	if v4 {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa))
		sa4.Family = unix.AF_INET
		sa4.Port = swap16(k.port)
		binary.BigEndian.PutUint32(sa4.Addr[:], uint32(k.lo))
		return sa, unix.SizeofSockaddrInet4
	}
	sa.Family = unix.AF_INET6
	sa.Port = swap16(k.port)
	binary.BigEndian.PutUint64(sa.Addr[:8], k.hi)
	binary.BigEndian.PutUint64(sa.Addr[8:], k.lo)
	sa.Scope_id = k.scope
	return sa, unix.SizeofSockaddrInet6
}

// swap16 turns network byte order, as it lies in memory, into a number and
// back.
func swap16(p uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&p))
	return binary.BigEndian.Uint16(b[:])
}
