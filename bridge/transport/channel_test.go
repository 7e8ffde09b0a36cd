package transport

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

// openSCTP makes the client's association.
func (c *client) openSCTP() *sctp.Association {
	c.tb.Helper()
	assoc, err := sctp.ClientWithOptions(sctp.WithNetConn(c.dtls),
		sctp.WithLoggerFactory(muted{}), sctp.WithMaxMessageSize(2*MaxMessage))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.tb.Cleanup(func() { _ = assoc.Close() })
	return assoc
}

func dial(tb testing.TB, assoc *sctp.Association, id uint16, label string) *datachannel.DataChannel {
	tb.Helper()
	dc, err := datachannel.Dial(assoc, id, &datachannel.Config{Label: label, LoggerFactory: muted{}})
	if err != nil {
		tb.Fatal(err)
	}
	return dc
}

func TestChannel(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	if tr.Describe().SCTPPort != SCTPPort {
		t.Error("no SCTP port")
	}
	peer.message = func(c *Channel, text []byte) {
		if err := c.Send(text); err != nil {
			t.Error(err)
		}
	}
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	assoc := c.openSCTP()
	dc := dial(t, assoc, 3, "JVB data channel")
	ch := wait(t, peer.opened, "channel")
	if ch.Label() != "JVB data channel" {
		t.Error(ch.Label())
	}
	buf := make([]byte, 2*MaxMessage)
	for _, text := range []string{"{}", strings.Repeat("x", 200<<10), "{\"a\":1}", ""} {
		if _, err := dc.WriteDataChannel([]byte(text), true); err != nil {
			t.Fatal(err)
		}
		n, isText, err := dc.ReadDataChannel(buf)
		if err != nil || !isText || string(buf[:n]) != text {
			t.Fatalf("echo of %d bytes: %d bytes, text %v, %v", len(text), n, isText, err)
		}
	}
	if err := ch.Send(make([]byte, MaxMessage+1)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	// A second channel is ignored and counted.
	dial(t, assoc, 5, "another")
	eventually(t, "the second channel counted", func() bool { return m.Stats().DropChannels == 1 })
	if len(peer.opened) != 0 {
		t.Error("the second channel was taken")
	}
	// The end of the first makes room.
	if err := dc.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, peer.closed, "ChannelClosed")
	if err := ch.Send(nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	dial(t, assoc, 7, "third")
	wait(t, peer.opened, "third channel")
	// Media outlives SCTP.
	_ = assoc.Close()
	plain := c.sendRTP(1, 60)
	if got := wait(t, peer.rtp, "RTP"); !bytes.Equal(got, plain) {
		t.Error("RTP changed")
	}
}

// A message above the limit costs the sender its channel, nobody else
// anything.
func TestChannelLimits(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	dc := dial(t, c.openSCTP(), 1, "x")
	ch := wait(t, peer.opened, "channel")
	// Nobody reads at the other end: the queue fills and says so.
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		err = ch.Send(bytes.Repeat([]byte{'y'}, 64<<10))
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("an endless queue: %v", err)
	}
	go func() { _, _ = dc.WriteDataChannel(make([]byte, MaxMessage+MaxMessage/2), true) }()
	wait(t, peer.closed, "ChannelClosed")
	tr.Close()
}

// SCTP may be set up anew over the same DTLS connection.
func TestAssociationAgain(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	lower := &sctpConn{Conn: c.dtls}
	for range 2 {
		assoc, err := sctp.ClientWithOptions(sctp.WithNetConn(lower), sctp.WithLoggerFactory(muted{}))
		if err != nil {
			t.Fatal(err)
		}
		dial(t, assoc, 1, "x")
		wait(t, peer.opened, "channel")
		assoc.Abort("again")
		wait(t, peer.closed, "ChannelClosed")
		_ = c.dtls.SetReadDeadline(noDeadline)
	}
}

// Forged DTLS from the endpoint's own address changes nothing.
func TestForgedRecords(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	peer.message = func(c *Channel, text []byte) {
		if err := c.Send(text); err != nil {
			t.Error(err)
		}
	}
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	dc := dial(t, c.openSCTP(), 3, "x")
	wait(t, peer.opened, "channel")
	record := func(kind, epoch byte, seq uint16, body ...byte) []byte {
		head := []byte{kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, byte(seq >> 8), byte(seq), 0, byte(len(body))}
		return append(head, body...)
	}
	for epoch := range byte(3) {
		for kind := byte(20); kind < 27; kind++ {
			for seq := range uint16(20) {
				body := bytes.Repeat([]byte{byte(seq)}, int(seq)*5+1)
				for _, b := range [][]byte{
					record(kind, epoch, 1000+seq, body...),
					record(kind, epoch, seq, 2, 40)[:14],
					append(record(kind, epoch, seq, 1, 0), body...),
				} {
					if _, err := c.conn.Write(b); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if _, err := dc.WriteDataChannel([]byte("still there"), true); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, _, err := dc.ReadDataChannel(buf)
	if err != nil || string(buf[:n]) != "still there" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	tr.dtlsIn.done.Store(-int64(2 * plainTail))
	drops := m.Stats().DropKind
	if _, err := c.conn.Write(record(22, 0, 5000, 1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "late handshake dropped", func() bool { return m.Stats().DropKind == drops+1 })
}
