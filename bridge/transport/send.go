package transport

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// How much one system call carries. The processor is held during it, so the
// work is bounded to a fraction of a millisecond.
const (
	maxMessages = 64
	maxSegments = 256 // in all messages of a call
	gsoSegments = 64  // in one message, a limit of the kernel
	gsoBytes    = 65507
)

// control is the ancillary data UDP_SEGMENT of udp(7): one segment's size.
type control struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte
}

// sender turns runs of packets into sendmmsg calls. A message carries
// packets of one size to one address, the last may be shorter; the kernel or
// the device cuts it up (GSO). Packets are not copied: each is one iovec.
type sender struct {
	mux  *Mux
	sock *socket

	hdrs  [maxMessages]mmsghdr
	ctls  [maxMessages]control
	paths [maxMessages]*path
	iovs  [maxSegments]unix.Iovec

	messages, segments int
	next               int              // first message not handed over yet
	send               func(fd uintptr) // transmit, as a value made once
	single             mmsghdr          // scratch of the plain fallback

	calls, packets, bytes, drops uint64 // of this flush

	refuse bool // tests: segmentation fails
}

func (s *sender) init(m *Mux) {
	s.mux = m
	s.send = s.transmit
}

func (s *sender) begin(sock *socket) { s.sock = sock }

// add appends the packets of r, cut into messages.
func (s *sender) add(r *run, entries []entry) {
	p := r.path
	gso := !p.noGSO.Load() && !s.sock.noGSO.Load()
	for i := r.first; i >= 0; {
		if s.messages == maxMessages || s.segments == maxSegments {
			s.submit()
		}
		size := entries[i].n
		total, count, start := uint32(0), 0, s.segments
		for i >= 0 && s.segments < maxSegments {
			e := &entries[i]
			if count > 0 && (!gso || count == gsoSegments || e.n > size || total+e.n > gsoBytes) {
				break
			}
			s.iovs[s.segments].Base = e.base
			s.iovs[s.segments].SetLen(int(e.n))
			s.segments++
			count++
			total += e.n
			i = e.next
			if e.n < size {
				break // a shorter packet ends the message
			}
		}
		s.message(p, start, count, size)
		s.bytes += uint64(total)
	}
}

func (s *sender) message(p *path, start, count int, size uint32) {
	h := &s.hdrs[s.messages].hdr
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&p.sa)), p.saLen
	h.Iov = &s.iovs[start]
	h.SetIovlen(count)
	h.Control = nil
	h.SetControllen(0)
	if count > 1 {
		c := &s.ctls[s.messages]
		c.hdr.Level, c.hdr.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.hdr.SetLen(unix.CmsgLen(2))
		c.size = uint16(size)
		h.Control = (*byte)(unsafe.Pointer(c))
		h.SetControllen(unix.CmsgSpace(2))
	}
	s.paths[s.messages] = p
	s.messages++
}

// submit hands the collected messages to the kernel.
func (s *sender) submit() {
	if s.messages == 0 {
		return
	}
	s.next = 0
	if err := s.sock.raw.Control(s.send); err != nil {
		s.drops += uint64(s.segments) // the socket is closed
	}
	clear(s.paths[:s.messages])
	s.messages, s.segments = 0, 0
}

// end submits the rest and counts.
func (s *sender) end() {
	s.submit()
	c := &s.mux.count
	c.datagramsOut.Add(s.packets)
	c.bytesOut.Add(s.bytes)
	c.sendCalls.Add(s.calls)
	if s.drops > 0 {
		c.dropSend.Add(s.drops)
	}
	s.packets, s.bytes, s.calls, s.drops = 0, 0, 0, 0
}

// transmit runs inside RawConn.Control, which keeps the descriptor open.
func (s *sender) transmit(fd uintptr) {
	full := 0
	for s.next < s.messages {
		if s.refuse && s.count(s.next) > 1 {
			s.refused(fd, unix.EMSGSIZE)
			continue
		}
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd,
			uintptr(unsafe.Pointer(&s.hdrs[s.next])), uintptr(s.messages-s.next), unix.MSG_DONTWAIT, 0, 0)
		s.calls++
		if errno == 0 {
			for range int(n) {
				s.packets += uint64(s.count(s.next))
				s.next++
			}
			continue
		}
		// The error is that of the first message; those before it are sent.
		switch errno {
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS:
			if full++; full > 4 { // there is no room and none in sight
				for ; s.next < s.messages; s.next++ {
					s.drops += uint64(s.count(s.next))
				}
				return
			}
			s.drops += uint64(s.count(s.next))
			s.next++
		default:
			s.refused(fd, errno)
		}
	}
}

func (s *sender) count(i int) int { return int(s.hdrs[i].hdr.Iovlen) }

// refused deals with a message that the kernel does not take. If it was
// segmented its packets are sent one by one, and later ones to the same
// address too: EMSGSIZE and EINVAL say that the route's MTU is smaller than
// a segment, EIO that the device cannot do checksums.
func (s *sender) refused(fd uintptr, errno syscall.Errno) {
	i := s.next
	s.next++
	if s.count(i) == 1 {
		s.drops++
		return
	}
	switch errno {
	case unix.EMSGSIZE, unix.EINVAL:
		s.paths[i].noGSO.Store(true)
	case unix.EIO, unix.EOPNOTSUPP, unix.ENOPROTOOPT:
		s.sock.noGSO.Store(true)
	default:
		s.drops += uint64(s.count(i))
		return
	}
	first := unsafe.Slice(s.hdrs[i].hdr.Iov, s.count(i))
	for j := range first {
		s.single = mmsghdr{}
		s.single.hdr.Name, s.single.hdr.Namelen = s.hdrs[i].hdr.Name, s.hdrs[i].hdr.Namelen
		s.single.hdr.Iov = &first[j]
		s.single.hdr.SetIovlen(1)
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd,
			uintptr(unsafe.Pointer(&s.single)), 1, unix.MSG_DONTWAIT, 0, 0)
		s.calls++
		if errno != 0 {
			s.drops++
			continue
		}
		s.packets++
	}
}
