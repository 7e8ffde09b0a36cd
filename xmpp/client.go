package xmpp

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"steg/colibri"
	"steg/configs"
)

// Bridge carries out the requests of a focus.
type Bridge interface {
	// Modify takes one request. It never blocks: it is called on the reader
	// of a connection, in the order of arrival. answer is called once, at
	// any time and from any goroutine, with either a value or an error; an
	// error that is not a *colibri.Error becomes internal-server-error. ctx
	// ends when the connection that brought the request is gone.
	Modify(ctx context.Context, req *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error))
}

// Status says how the bridge is. Its methods return at once, from figures
// that are kept up to date elsewhere, and are called from any goroutine.
type Status interface {
	Healthy() error             // nil if well; the text goes to the focus
	Statistics() []colibri.Stat // the whole list; Client applies the filter
}

// Client keeps one connection to the XMPP server of each account.
type Client struct {
	// Set once.
	cfg      configs.XMPP
	version  string
	bridge   Bridge
	status   Status
	log      zerolog.Logger
	publish  map[string]bool // names of statistics that are published; nil: all
	accounts []*account
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	roots    *x509.CertPool // trusted authorities; nil: the system's

	stop    context.Context // ends when Close begins: leave the rooms, connect no more
	stopNow context.CancelFunc
	cut     context.Context // ends when Close loses patience
	cutNow  context.CancelFunc
	running sync.WaitGroup

	// Atomic. Monitoring only.
	disconnects atomic.Uint64
	joined      atomic.Int64 // rooms that the bridge is in
}

// New returns a client that does nothing until Start. version is what the
// bridge calls its software version.
func New(cfg configs.XMPP, version string, b Bridge, s Status, log zerolog.Logger) *Client {
	c := &Client{cfg: cfg, version: version, bridge: b, status: s, log: log, dial: new(net.Dialer).DialContext}
	c.stop, c.stopNow = context.WithCancel(context.Background())
	c.cut, c.cutNow = context.WithCancel(context.Background())
	if cfg.StatsFilter {
		c.publish = make(map[string]bool, len(cfg.StatsWhitelist))
		for _, name := range cfg.StatsWhitelist {
			c.publish[name] = true
		}
	}
	for _, a := range cfg.Accounts {
		c.accounts = append(c.accounts, newAccount(c, a))
	}
	return c
}

// Start connects all accounts and keeps them connected until Close.
func (c *Client) Start() {
	for _, a := range c.accounts {
		if a.cfg.SkipVerify {
			a.log.Warn().Msg("DISABLE_CERTIFICATE_VERIFICATION is set: whoever can divert the connection to the XMPP server can control this bridge")
		}
		c.running.Go(a.run)
	}
}

// Close leaves the rooms and ends the streams as the protocol wants it, for
// as long as ctx allows, and then cuts what is left. It returns when nothing
// of the client runs any more; the error is that of ctx.
func (c *Client) Close(ctx context.Context) error {
	c.stopNow()
	defer c.cutNow()
	defer context.AfterFunc(ctx, c.cutNow)()
	c.running.Wait()
	return ctx.Err()
}

// Publish sends presence with the current statistics at once, to all rooms.
// It never blocks; calls in quick succession may share one presence.
func (c *Client) Publish() {
	for _, a := range c.accounts {
		select {
		case a.publish <- struct{}{}:
		default: // one is due already
		}
	}
}

// Joined tells whether the bridge is in a brewery, so that a focus sees it.
func (c *Client) Joined() bool { return c.joined.Load() > 0 }

// Disconnects counts the connections that were lost after their login.
func (c *Client) Disconnects() uint64 { return c.disconnects.Load() }
