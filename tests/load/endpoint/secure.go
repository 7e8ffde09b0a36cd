package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/sctp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"

	"steg/colibri"
)

// The data channel as browsers open it.
const (
	channelLabel    = "JVB data channel"
	channelProtocol = "http://jitsi.org/protocols/colibri"
	channelMaximum  = 64 << 10
)

// secureState is what stands on top of ICE. Its fields are set once, by
// connect, under Endpoint.mu.
type secureState struct {
	in      *packetio.Buffer // DTLS records for pion
	dtls    *dtls.Conn
	decrypt *srtp.Context
	encrypt *srtp.Context
	assoc   *sctp.Association
	channel *datachannel.DataChannel
}

// recordConn is the net.PacketConn under pion's DTLS.
type recordConn struct{ e *Endpoint }

func (c recordConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := c.e.secure.in.Read(b, nil)
	return n, c.LocalAddr(), err
}

func (c recordConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.e.mu.Lock()
	from, to := c.e.addr, c.e.ice.selected
	c.e.mu.Unlock()
	return len(b), c.e.net.socket.sendOne(from, to, b)
}

func (c recordConn) Close() error                      { return c.e.secure.in.Close() }
func (c recordConn) LocalAddr() net.Addr               { return &net.UDPAddr{IP: net.IPv4zero} }
func (c recordConn) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (c recordConn) SetReadDeadline(t time.Time) error { return c.e.secure.in.SetReadDeadline(t) }
func (c recordConn) SetWriteDeadline(time.Time) error  { return nil }

// sendOne sends a single datagram outside of the sending goroutine.
func (s *socket) sendOne(from netip.Addr, to netip.AddrPort, b []byte) error {
	oob := pktinfo(from)
	_, _, err := s.conn.WriteMsgUDPAddrPort(b, oob, to)
	return err
}

// Connect brings up ICE, DTLS and, if the bridge offered one, the data
// channel, towards the bridge's transport.
func (e *Endpoint) Connect(ctx context.Context, remote *colibri.Transport) error {
	if remote == nil || remote.ICE == nil || len(remote.ICE.Fingerprints) == 0 {
		return errors.New("connect: no transport")
	}
	e.mu.Lock()
	e.ice.setRemote(remote.ICE)
	e.mu.Unlock()
	select {
	case <-e.ice.ready:
	case <-ctx.Done():
		return fmt.Errorf("ICE of %s: %w", e.o.ID, ctx.Err())
	}
	if err := e.secureMedia(ctx, remote.ICE.Fingerprints); err != nil {
		return fmt.Errorf("DTLS of %s: %w", e.o.ID, err)
	}
	if remote.SCTP != nil {
		if err := e.openChannel(); err != nil {
			return fmt.Errorf("data channel of %s: %w", e.o.ID, err)
		}
	}
	return nil
}

// secureMedia is the DTLS client (RFC 5764).
func (e *Endpoint) secureMedia(ctx context.Context, prints []colibri.Fingerprint) error {
	profiles := e.o.Profiles
	if len(profiles) == 0 {
		profiles = []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
	}
	verify := func(raw [][]byte, _ [][]*x509.Certificate) error {
		for _, p := range prints {
			if len(raw) > 0 && p.Hash == "sha-256" && strings.EqualFold(p.Value, fingerprint(raw[0])) {
				return nil
			}
		}
		return errors.New("certificate does not have the signalled fingerprint")
	}
	conn, err := dtls.ClientWithOptions(recordConn{e}, &net.UDPAddr{IP: net.IPv4zero},
		dtls.WithCertificates(e.net.certs...), dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithInsecureSkipVerify(true), dtls.WithVerifyPeerCertificate(verify),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), dtls.WithLoggerFactory(quiet()))
	if err != nil {
		return err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return err
	}
	profile, _ := conn.SelectedSRTPProtectionProfile()
	state, _ := conn.ConnectionState()
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return err
	}
	keys := config.Keys
	encrypt, err := srtp.CreateContext(keys.LocalMasterKey, keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return err
	}
	decrypt, err := srtp.CreateContext(keys.RemoteMasterKey, keys.RemoteMasterSalt, config.Profile)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secure.dtls, e.secure.encrypt, e.secure.decrypt = conn, encrypt, decrypt
	return nil
}

func (e *Endpoint) openChannel() error {
	assoc, err := sctp.ClientWithOptions(
		sctp.WithNetConn(e.secure.dtls), sctp.WithLoggerFactory(quiet()), sctp.WithMaxMessageSize(channelMaximum))
	if err != nil {
		return err
	}
	channel, err := datachannel.Dial(assoc, 0, &datachannel.Config{
		ChannelType: datachannel.ChannelTypeReliable, Label: channelLabel, Protocol: channelProtocol, LoggerFactory: quiet(),
	})
	if err != nil {
		_ = assoc.Close()
		return err
	}
	e.mu.Lock()
	e.secure.assoc, e.secure.channel = assoc, channel
	e.mu.Unlock()
	e.running.Add(1)
	go e.channelLoop(channel)
	return nil
}

func (e *Endpoint) channelLoop(channel *datachannel.DataChannel) {
	defer e.running.Done()
	buf := make([]byte, channelMaximum)
	for {
		n, isString, err := channel.ReadDataChannel(buf)
		if err != nil {
			return
		}
		if isString {
			e.message(buf[:n])
		}
	}
}

// fingerprint is the form of RFC 8122.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", sum)), " ", ":")
}

// quiet keeps pion's logs, which contain addresses, away.
func quiet() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled, ScopeLevels: map[string]logging.LogLevel{}}
}
