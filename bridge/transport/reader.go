package transport

// The inward half of the packet path, in order: receive fills the buffers
// with one system call, handle checks a datagram's length, dispatch goes by
// its first byte (RFC 7983) and hands it to a transport. What the transports'
// owners commit to the reader's batch leaves after the last datagram.

import (
	"errors"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"steg/bridge/packet"
)

const (
	readBatch  = 64
	readBuffer = 2048 // above packet.MaxDatagram, so that longer ones show
)

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// reader is one goroutine on one socket. It runs each batch to completion
// and owns all that is below.
type reader struct {
	mux   *Mux
	local *localAddr
	sock  *socket
	batch *Batch

	hdrs  [readBatch]mmsghdr
	iovs  [readBatch]unix.Iovec
	names [readBatch]unix.RawSockaddrInet6
	bufs  []byte

	recv  func(fd uintptr) bool // receive, as a value made once
	n     int                   // datagrams that receive got
	errno syscall.Errno
}

func newReader(m *Mux, la *localAddr, s *socket) *reader {
	r := &reader{mux: m, local: la, sock: s, batch: m.NewBatch(), bufs: make([]byte, readBatch*readBuffer)}
	for i := range r.hdrs {
		r.iovs[i].Base = &r.bufs[i*readBuffer]
		r.iovs[i].SetLen(readBuffer)
		h := &r.hdrs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
	}
	r.recv = r.receive
	return r
}

// receive takes what the socket holds. It runs inside RawConn.Read: false
// means that there is nothing, and parks the goroutine until there is.
func (r *reader) receive(fd uintptr) bool {
	for i := range r.hdrs {
		r.hdrs[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	// The call does not block, so the thread need not be handed off.
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd,
		uintptr(unsafe.Pointer(&r.hdrs[0])), readBatch, unix.MSG_DONTWAIT, 0, 0)
	r.n, r.errno = int(n), errno
	if errno == unix.EAGAIN || errno == unix.EINTR {
		r.n = 0
		return errno == unix.EINTR
	}
	if errno != 0 {
		r.n = 0
	}
	return true
}

func (r *reader) run() {
	for {
		if err := r.sock.raw.Read(r.recv); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(time.Millisecond) // the poller is out of something
			continue
		}
		if r.n == 0 {
			if r.errno != 0 && r.errno != unix.EINTR {
				time.Sleep(time.Millisecond) // the kernel is out of something
			}
			continue
		}
		now := r.mux.Now()
		r.mux.clock.Store(int64(now))
		bytes := 0
		for i := range r.n {
			n := int(r.hdrs[i].len)
			bytes += n
			r.handle(r.bufs[i*readBuffer:][:min(n, readBuffer)], &r.names[i], now)
		}
		r.mux.count.datagramsIn.Add(uint64(r.n))
		r.mux.count.bytesIn.Add(uint64(bytes))
		r.batch.Flush()
	}
}

func (r *reader) handle(b []byte, from *unix.RawSockaddrInet6, now time.Duration) {
	if len(b) > packet.MaxDatagram {
		r.mux.count.dropLong.Add(1)
		return
	}
	r.dispatch(b, keyOfSockaddr(from, r.local.index), now)
}

// dispatch sends a datagram on its way by its first byte.
func (r *reader) dispatch(b []byte, k remoteKey, now time.Duration) {
	m := r.mux
	if len(b) == 0 {
		m.count.dropShort.Add(1)
		return
	}
	switch c := b[0]; {
	case c >= 128 && c <= 191:
		if len(b) < 8 || (len(b) < 12 && !packet.IsRTCP(b)) {
			m.count.dropShort.Add(1)
			return
		}
		t := m.bindings.get(k)
		if t == nil {
			m.count.dropUnknown.Add(1)
			return
		}
		if t.keys.Load() == nil {
			m.count.dropEarly.Add(1)
			return
		}
		t.peer.Media(r.batch, b, now)
	case c >= 20 && c <= 63:
		t := m.bindings.get(k)
		if t == nil {
			m.count.dropUnknown.Add(1)
			return
		}
		t.dtlsIn.deliver(b, k, now)
	case c <= 3:
		m.handleSTUN(r.sock, b, k, now)
	default:
		m.count.dropKind.Add(1)
	}
}
