package xmpp

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"steg/configs"
)

const (
	connectTimeout = 20 * time.Second // from dialling to the bound resource
	minBackoff     = time.Second
	maxBackoff     = 30 * time.Second
	stableAfter    = 10 * time.Second // a connection that lived so long starts the back-off anew
)

// account keeps one login alive.
type account struct {
	// Set once.
	client  *Client
	cfg     configs.Account
	log     zerolog.Logger
	rooms   []string // bare JIDs of the breweries
	warn    *warnings
	publish chan struct{} // wants presence at once; holds one
	strange *configs.Repeated
	broken  *configs.Repeated
}

func newAccount(c *Client, cfg configs.Account) *account {
	if cfg.Domain == "" {
		cfg.Domain = cfg.Host
	}
	if cfg.Port == 0 {
		cfg.Port = 5222
	}
	if cfg.Security == "" {
		cfg.Security = configs.SecurityRequired
		if isLocal(cfg.Host) {
			cfg.Security = configs.SecurityIfPossible
		}
	}
	log := c.log.With().Str("account", cfg.ID).Str("host", cfg.Host).Int("port", cfg.Port).Logger()
	a := &account{
		client: c, cfg: cfg, log: log, warn: newWarnings(log), publish: make(chan struct{}, 1),
		strange: configs.NewRepeated(log, "refused requests from outside the brewery: is the room service closed to other users?", warnEvery),
		broken:  configs.NewRepeated(log, "refused requests that cannot be read: do the versions of focus and bridge fit?", warnEvery),
	}
	for _, room := range cfg.MUCs {
		if room = strings.TrimSpace(room); room != "" {
			a.rooms = append(a.rooms, room)
		}
	}
	return a
}

// isLocal tells whether a host is this machine by its name.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// run connects, serves and connects again until the client stops.
func (a *account) run() {
	backoff := minBackoff
	for a.client.stop.Err() == nil {
		s, err := a.connect()
		if err == nil {
			born := time.Now()
			err = s.serve()
			if time.Since(born) >= stableAfter {
				backoff = minBackoff
			}
			if a.client.stop.Err() == nil {
				a.client.disconnects.Add(1)
				a.lost(err)
			}
		} else if a.client.stop.Err() == nil {
			a.failed(err)
		}
		if !sleep(a.client.stop, jitter(backoff)) {
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// jitter lengthens d by up to a half, so that the bridges of a deployment do
// not come back all at once.
func jitter(d time.Duration) time.Duration {
	return min(d+rand.N(d/2+1), maxBackoff)
}

// sleep waits for d and tells whether ctx still lives then.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
