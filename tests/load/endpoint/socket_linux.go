package endpoint

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize   = 64
	bufferSize  = 2048
	controlSize = 128
	socketBytes = 16 << 20
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// socket is one UDP socket that sends from, and receives on, any address of
// the machine.
type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	port uint16
}

func openSocket() (*socket, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &socket{conn: conn, port: uint16(conn.LocalAddr().(*net.UDPAddr).Port)}
	s.raw, err = conn.SyscallConn()
	if err == nil {
		err = s.configure()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("set up socket: %w", err)
	}
	return s, nil
}

func (s *socket) configure() error {
	_ = s.conn.SetReadBuffer(socketBytes)
	_ = s.conn.SetWriteBuffer(socketBytes)
	var err error
	ctlErr := s.raw.Control(func(fd uintptr) {
		// The first two need privileges and, like the third, only help.
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBytes)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBytes)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
		if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	if err == nil {
		err = ctlErr
	}
	return err
}

// datagram is one received datagram, valid until the next read.
type datagram struct {
	from, to netip.AddrPort
	at       int64 // nanoseconds of the real-time clock when the kernel got it
	data     []byte
}

// reader is the receiving half of a socket, for one goroutine.
type reader struct {
	s       *socket
	headers [batchSize]mmsghdr
	iov     [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrInet4
	control [batchSize][controlSize]byte
	buffers [batchSize][bufferSize]byte
	batch   []datagram
	dropped uint32 // by the kernel, as the queue was full
}

func newReader(s *socket) *reader {
	r := &reader{s: s, batch: make([]datagram, 0, batchSize)}
	for i := range r.headers {
		r.iov[i].Base = &r.buffers[i][0]
		r.iov[i].SetLen(bufferSize)
		h := &r.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.iov[i]
		h.SetIovlen(1)
		h.Control = &r.control[i][0]
	}
	return r
}

// read waits for datagrams.
func (r *reader) read() ([]datagram, error) {
	for i := range r.headers {
		r.headers[i].hdr.Namelen = unix.SizeofSockaddrInet4
		r.headers[i].hdr.SetControllen(controlSize)
	}
	var n uintptr
	var errno syscall.Errno
	err := r.s.raw.Read(func(fd uintptr) bool {
		n, _, errno = unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.headers[0])), batchSize,
			unix.MSG_DONTWAIT, 0, 0)
		return errno != unix.EAGAIN
	})
	if err != nil {
		return nil, err
	}
	if errno != 0 {
		return nil, errno
	}
	r.batch = r.batch[:0]
	for i := range int(n) {
		d := datagram{data: r.buffers[i][:r.headers[i].n]}
		d.from = netip.AddrPortFrom(netip.AddrFrom4(r.names[i].Addr), ntohs(r.names[i].Port))
		r.parseControl(i, &d)
		r.batch = append(r.batch, d)
	}
	return r.batch, nil
}

// parseControl takes destination and time of arrival from the control
// messages (cmsg(3)).
func (r *reader) parseControl(i int, d *datagram) {
	b := r.control[i][:r.headers[i].hdr.Controllen]
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < unix.SizeofCmsghdr || int(h.Len) > len(b) {
			return
		}
		data := b[unix.SizeofCmsghdr:h.Len]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
			d.to = netip.AddrPortFrom(netip.AddrFrom4(info.Addr), r.s.port)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= 16:
			d.at = int64(binary.NativeEndian.Uint64(data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(data[8:]))
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			r.dropped = binary.NativeEndian.Uint32(data)
		}
		b = b[min(len(b), unix.CmsgSpace(len(data))):]
	}
}

func ntohs(v uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], v)
	return binary.BigEndian.Uint16(b[:])
}

// writer collects datagrams of one endpoint and sends them at once. It is
// for one goroutine at a time.
type writer struct {
	s       *socket
	headers [batchSize]mmsghdr
	iov     [batchSize]unix.Iovec
	name    unix.RawSockaddrInet4
	control [unix.SizeofCmsghdr + unix.SizeofInet4Pktinfo + 4]byte
	buffers [batchSize][bufferSize]byte
	n       int
}

func newWriter(s *socket) *writer {
	w := &writer{s: s}
	w.name.Family = unix.AF_INET
	h := (*unix.Cmsghdr)(unsafe.Pointer(&w.control[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	for i := range w.headers {
		w.iov[i].Base = &w.buffers[i][0]
		m := &w.headers[i].hdr
		m.Name = (*byte)(unsafe.Pointer(&w.name))
		m.Namelen = unix.SizeofSockaddrInet4
		m.Iov = &w.iov[i]
		m.SetIovlen(1)
		m.Control = &w.control[0]
		m.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
	}
	return w
}

// next is the buffer for the next datagram; commit adds its first n bytes.
func (w *writer) next() []byte { return w.buffers[w.n][:] }

func (w *writer) commit(n int) {
	w.iov[w.n].SetLen(n)
	w.n++
}

func (w *writer) full() bool { return w.n == batchSize }

// flush sends what was added. Datagrams that the kernel refuses are lost, as
// on any network.
func (w *writer) flush(from netip.Addr, to netip.AddrPort) int {
	if w.n == 0 {
		return 0
	}
	info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&w.control[unix.SizeofCmsghdr]))
	info.Spec_dst = from.As4()
	w.name.Addr = to.Addr().Unmap().As4()
	w.name.Port = ntohs(to.Port())
	sent := 0
	for sent < w.n {
		var n uintptr
		var errno syscall.Errno
		err := w.s.raw.Write(func(fd uintptr) bool {
			n, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.headers[sent])),
				uintptr(w.n-sent), unix.MSG_DONTWAIT, 0, 0)
			return errno != unix.EAGAIN
		})
		if err != nil || errno != 0 {
			break
		}
		sent += int(n)
	}
	runtime.KeepAlive(w)
	w.n = 0
	return sent
}

// pktinfo is the control message that sets the source address.
func pktinfo(from netip.Addr) []byte {
	b := make([]byte, unix.CmsgSpace(unix.SizeofInet4Pktinfo))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	(*unix.Inet4Pktinfo)(unsafe.Pointer(&b[unix.SizeofCmsghdr])).Spec_dst = from.As4()
	return b
}
