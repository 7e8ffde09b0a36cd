package transport

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/sctp"
)

const (
	channelMessages = 256     // queued towards one peer
	channelBytes    = 1 << 20 // same, in bytes
	readChunk       = 4096    // first size of a channel's read buffer
	maxAssociations = 16      // a peer may set SCTP up anew this often
	rtoMax          = 3000    // milliseconds
)

// Channel is a data channel that the peer opened.
type Channel struct {
	t     *Transport
	dc    *datachannel.DataChannel
	label string

	mu      sync.Mutex // guards what follows
	queue   [][]byte
	queued  int // bytes
	writing bool
	closed  bool
}

// Label is the name that the peer gave the channel.
func (c *Channel) Label() string { return c.label }

// Send queues a text message. It never waits: without room it returns
// ErrFull and the message is lost.
func (c *Channel) Send(text []byte) error {
	if len(text) > MaxMessage {
		return ErrTooLong
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case len(c.queue) >= channelMessages || c.queued+len(text) > channelBytes:
		return ErrFull
	}
	c.queue = append(c.queue, append([]byte(nil), text...))
	c.queued += len(text)
	if !c.writing {
		c.writing = true
		// The reader of this channel is running, so Close waits for both.
		c.t.wg.Go(c.writeLoop)
	}
	return nil
}

// writeLoop lives while there is something to send. A write waits for room
// in the association and ends with it.
func (c *Channel) writeLoop() {
	for {
		c.mu.Lock()
		if c.closed || len(c.queue) == 0 {
			c.writing = false
			c.queue, c.queued = nil, 0
			c.mu.Unlock()
			return
		}
		text := c.queue[0]
		c.queue = c.queue[1:]
		c.queued -= len(text)
		c.mu.Unlock()
		if _, err := c.dc.WriteDataChannel(text, true); err != nil {
			c.close()
		}
	}
}

func (c *Channel) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// readLoop hands messages on until the stream or the association ends.
func (c *Channel) readLoop() {
	buf := make([]byte, readChunk)
	for {
		n, _, err := c.dc.ReadDataChannel(buf)
		if errors.Is(err, io.ErrShortBuffer) && len(buf) < MaxMessage {
			// The message stays queued; n says how long it is.
			if n > MaxMessage {
				break
			}
			buf = make([]byte, max(n, len(buf)*2))
			continue
		}
		if err != nil {
			break
		}
		c.t.peer.ChannelMessage(c, buf[:n])
		if len(buf) > readChunk && n <= readChunk {
			buf = make([]byte, readChunk)
		}
	}
	c.close()
	_ = c.dc.Close()
	c.t.peer.ChannelClosed(c)
}

// runSCTP serves associations over DTLS until that ends. The bridge never
// initiates one.
func (t *Transport) runSCTP(conn *dtls.Conn) {
	for range maxAssociations {
		lower := &sctpConn{Conn: conn}
		assoc, err := sctp.ServerWithOptions(
			sctp.WithNetConn(lower),
			sctp.WithLoggerFactory(muted{}),
			sctp.WithMaxMessageSize(MaxMessage),
			sctp.WithRTOMax(rtoMax),
			sctp.WithMTU(dtlsMTU-40), // the record's own bytes
			sctp.WithBlockWrite(true),
		)
		if err == nil {
			t.serveChannels(assoc)
			_ = assoc.Close()
		}
		if lower.ended() {
			return
		}
		_ = conn.SetReadDeadline(time.Time{})
	}
	discard(conn)
}

// serveChannels accepts what the peer opens, up to the limit.
func (t *Transport) serveChannels(assoc *sctp.Association) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	open := 0
	for {
		stream, err := assoc.AcceptStream()
		if err != nil {
			return
		}
		mu.Lock()
		full := open >= max(1, t.mux.cfg.SCTP.MaxChannels)
		if !full {
			open++
		}
		mu.Unlock()
		if full {
			t.mux.count.dropChannels.Add(1)
			continue
		}
		wg.Go(func() {
			t.serveChannel(stream)
			mu.Lock()
			open--
			mu.Unlock()
		})
	}
}

// serveChannel answers the opening message (RFC 8832) and reads.
func (t *Transport) serveChannel(stream *sctp.Stream) {
	stream.SetDefaultPayloadType(sctp.PayloadTypeWebRTCString)
	dc, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: muted{}})
	if err != nil {
		_ = stream.Close()
		return
	}
	t.mux.count.channels.Add(1)
	c := &Channel{t: t, dc: dc, label: dc.Label}
	t.peer.ChannelOpen(c)
	c.readLoop()
}

// sctpConn is the DTLS connection as one association sees it. Closing it
// ends the association's read, not the connection: SRTP lives on its keys
// and the peer would take the end of DTLS for the end of the call.
type sctpConn struct {
	*dtls.Conn
	mu   sync.Mutex
	over bool
}

// Read implements net.Conn and notes the end of the connection.
func (c *sctpConn) Read(b []byte) (int, error) {
	n, err := readDTLS(c.Conn, b)
	if errors.Is(err, io.EOF) {
		c.mu.Lock()
		c.over = true
		c.mu.Unlock()
	}
	return n, err
}

// Close implements net.Conn.
func (c *sctpConn) Close() error {
	return c.Conn.SetReadDeadline(time.Now())
}

func (c *sctpConn) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}
