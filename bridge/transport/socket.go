package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// PortError reports a media port that cannot be bound.
type PortError struct {
	Port int
	Err  error
}

// Error says what to do.
func (e *PortError) Error() string {
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		return fmt.Sprintf("UDP port %d is taken by another process (is another videobridge running?): "+
			"stop it or set videobridge.ice.udp.port", e.Port)
	}
	return fmt.Sprintf("bind UDP port %d: %v", e.Port, e.Err)
}

// Unwrap gives the cause, without the address.
func (e *PortError) Unwrap() error { return e.Err }

// localAddr is one bound address with its sockets, which share the port;
// the kernel spreads remote addresses over them.
type localAddr struct {
	index   uint16
	addr    netip.AddrPort
	v4      bool
	sockets []*socket
	netAddr *net.UDPAddr
}

// socket is one UDP socket. Any goroutine may send through it; its reader
// alone receives.
type socket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	noGSO atomic.Bool // the device refuses segmentation
}

// listenAddr binds n sockets to addr. With port 0 the first one decides the
// port.
func listenAddr(addr netip.AddrPort, n, receiveBuffer int) (*localAddr, error) {
	network := "udp6"
	if addr.Addr().Is4() {
		network = "udp4"
	}
	// A socket without SO_REUSEPORT fails where any other process holds the
	// port; with it, a second bridge of the same user would silently take a
	// share of the datagrams.
	probe, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, bareError(err)
	}
	port := probe.LocalAddr().(*net.UDPAddr).Port
	if err := probe.Close(); err != nil {
		return nil, bareError(err)
	}
	addr = netip.AddrPortFrom(addr.Addr(), uint16(port))
	la := &localAddr{addr: addr, v4: addr.Addr().Is4(), netAddr: net.UDPAddrFromAddrPort(addr)}
	cfg := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return setOptions(c, receiveBuffer)
	}}
	for range n {
		pc, err := cfg.ListenPacket(context.Background(), network, addr.String())
		if err != nil {
			la.close()
			return nil, bareError(err)
		}
		conn := pc.(*net.UDPConn)
		raw, err := conn.SyscallConn()
		if err != nil {
			la.close()
			return nil, bareError(err)
		}
		la.sockets = append(la.sockets, &socket{conn: conn, raw: raw})
	}
	return la, nil
}

func setOptions(c syscall.RawConn, receiveBuffer int) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		if failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); failed != nil {
			return
		}
		// Buffers are best effort: the privileged form first, then what the
		// system's limit allows.
		if receiveBuffer > 0 {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
			}
		}
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// sendBuffer holds a burst to a few hundred receivers.
const sendBuffer = 8 << 20

func (la *localAddr) close() {
	for _, s := range la.sockets {
		_ = s.conn.Close()
	}
}

// bareError is the system's error number in err, if there is one: the text
// around it names addresses.
func bareError(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return errors.New("socket error")
}

// listenAll binds every allowed address. Addresses that vanished meanwhile
// are left out; a taken port is an error.
func listenAll(cfg Config, readers int) (bound []*localAddr, skipped int, err error) {
	addrs, err := localAddresses(cfg.ICE)
	if err != nil {
		return nil, 0, fmt.Errorf("list interfaces: %w", bareError(err))
	}
	port := cfg.ICE.Port
	var last error
	for _, a := range addrs {
		la, err := listenAddr(netip.AddrPortFrom(a, uint16(port)), readers, cfg.ICE.ReceiveBuffer)
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
			for _, b := range bound {
				b.close()
			}
			return nil, 0, &PortError{Port: port, Err: err}
		}
		if err != nil {
			last = err
			skipped++
			continue
		}
		la.index = uint16(len(bound))
		port = int(la.addr.Port())
		bound = append(bound, la)
	}
	if len(bound) == 0 {
		if last != nil {
			return nil, 0, &PortError{Port: port, Err: last}
		}
		return nil, 0, ErrNoAddress
	}
	return bound, skipped, nil
}

// networkAddress is the form in which candidates name an address.
func networkAddress(host string, port int) (netip.AddrPort, error) {
	return netip.ParseAddrPort(net.JoinHostPort(host, strconv.Itoa(port)))
}
