package transport

import (
	"encoding/binary"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5/deadline"
)

// dtlsQueue is how many datagrams wait for the DTLS goroutine; ClientHellos
// that come before signalling wait here too.
const dtlsQueue = 64

// pipe is the net.PacketConn of pion/dtls: readers put datagrams in, writes
// go straight to a socket. It lives as long as the transport.
type pipe struct {
	mux    *Mux
	write  func(b []byte)
	queue  chan *datagram
	closed chan struct{}
	once   sync.Once
	limit  *deadline.Deadline // of reads
	done   atomic.Int64       // when the handshake ended, 0: not yet
}

func newPipe(m *Mux) *pipe {
	return &pipe{
		mux:    m,
		queue:  make(chan *datagram, dtlsQueue),
		closed: make(chan struct{}),
		limit:  deadline.New(),
	}
}

// plainTail is for how long after the handshake records in the clear still
// pass: the peer may have to repeat its last flight.
const plainTail = 30 * time.Second

// deliver queues a copy of b, unless the queue is full or b is nothing that
// the DTLS layer should see.
func (p *pipe) deliver(b []byte, from remoteKey, now time.Duration) {
	done := time.Duration(p.done.Load())
	if !acceptable(b, done == 0 || now < done+plainTail) {
		p.mux.count.dropKind.Add(1)
		return
	}
	d := p.mux.newDatagram(b, from)
	select {
	case p.queue <- d:
	default:
		p.mux.freeDatagram(d)
		p.mux.count.dropQueue.Add(1)
	}
}

// acceptable checks the record headers of a datagram (RFC 6347 section 4.1).
// pion/dtls gives a handshake up over a datagram that it cannot cut into
// records, and answers some records in the clear with a fatal alert, even
// after the handshake; anybody who knows a participant's address could send
// such.
//
//	|  type  |   version (fe ff, fe fd)  | epoch | sequence | length |
//	|   1    |             2             |   2   |    6     |   2    |
func acceptable(b []byte, plain bool) bool {
	const header = 13
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		if len(b) < header || b[1] != 0xfe || (b[2] != 0xfd && b[2] != 0xff) {
			return false
		}
		n := int(binary.BigEndian.Uint16(b[11:]))
		if n == 0 || len(b) < header+n {
			return false
		}
		if inClear := b[3] == 0 && b[4] == 0; inClear {
			if !plain || !acceptableInClear(b[0], b[header:header+n]) {
				return false
			}
		} else if b[0] < contentAlert || b[0] > contentApplicationData {
			// The library takes a ChangeCipherSpec of any epoch undecrypted.
			return false
		}
		b = b[header+n:]
	}
	return true
}

// The content types of RFC 5246 section 6.2.1.
const (
	contentChangeCipherSpec = 20
	contentAlert            = 21
	contentHandshake        = 22
	contentApplicationData  = 23
)

// acceptableInClear checks a record that is not encrypted.
func acceptableInClear(content byte, body []byte) bool {
	switch content {
	case contentChangeCipherSpec:
		return len(body) == 1 && body[0] == 1
	case contentAlert:
		return len(body) == 2 && (body[0] == 1 || body[0] == 2)
	case contentHandshake:
		return true
	}
	return false
}

func (p *pipe) close() {
	p.once.Do(func() { close(p.closed) })
}

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.closed:
		return 0, nil, net.ErrClosed
	case <-p.limit.Done():
		return 0, nil, os.ErrDeadlineExceeded
	default:
	}
	select {
	case d := <-p.queue:
		n := copy(b, d.buf[:d.n])
		p.mux.freeDatagram(d)
		return n, pipeAddr{}, nil
	case <-p.limit.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	p.write(b)
	return len(b), nil
}

// writeDTLS sends a DTLS datagram on the present path.
func (t *Transport) writeDTLS(b []byte) {
	path := t.path.Load()
	if path == nil {
		t.mux.count.dropUnselected.Add(1)
		return
	}
	t.mux.write(path.local.sockets[0], b, path.key.addrPort())
}

// Close implements net.PacketConn.
func (p *pipe) Close() error {
	p.close()
	return nil
}

// LocalAddr implements net.PacketConn.
func (p *pipe) LocalAddr() net.Addr { return pipeAddr{} }

// SetDeadline implements net.PacketConn.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.limit.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn; writes do not block.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// pipeAddr stands for either end: the DTLS layer needs to know neither.
type pipeAddr struct{}

// Network implements net.Addr.
func (pipeAddr) Network() string { return "udp" }

// String implements net.Addr.
func (pipeAddr) String() string { return "transport" }
