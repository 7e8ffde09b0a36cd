package transport

import (
	"context"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	_ "crypto/sha1" // of old peers' fingerprints
	_ "crypto/sha256"
	_ "crypto/sha512"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"

	"steg/configs"
)

const (
	defaultHandshake = 30 * time.Second
	flightInterval   = 250 * time.Millisecond // first retransmission; it doubles
	dtlsMTU          = 1200
)

// dtlsSuites are the configured cipher suites that pion/dtls has.
type dtlsSuites struct {
	server []dtls.CipherSuiteID // those of the bridge's own ECDSA certificate
	client []dtls.CipherSuiteID
}

// parseSuites reads the configured names. Ones that cannot be spoken are
// left out: the Jitsi default names a DHE suite.
func parseSuites(cfg configs.DTLS) (dtlsSuites, error) {
	ids := map[string]dtls.CipherSuiteID{}
	for _, id := range []dtls.CipherSuiteID{
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		dtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	} {
		ids[dtls.CipherSuiteName(id)] = id
	}
	names := cfg.CipherSuites
	if len(names) == 0 {
		names = []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
	}
	var s dtlsSuites
	for _, name := range names {
		id, ok := ids[name]
		if !ok {
			continue
		}
		s.client = append(s.client, id)
		if strings.Contains(name, "_ECDSA_") {
			s.server = append(s.server, id)
		}
	}
	if len(s.server) == 0 {
		return s, errNoSuites
	}
	return s, nil
}

// hashOf names the hash functions of RFC 8122 that may be accepted.
func hashOf(name string) crypto.Hash {
	switch strings.ToLower(name) {
	case "sha-512":
		return crypto.SHA512
	case "sha-384":
		return crypto.SHA384
	case "sha-256":
		return crypto.SHA256
	case "sha-1":
		return crypto.SHA1
	}
	return 0
}

func parseHashes(cfg configs.DTLS) ([]string, error) {
	if len(cfg.AcceptedHashes) == 0 {
		return []string{"sha-512", "sha-384", "sha-256", "sha-1"}, nil
	}
	var list []string
	for _, h := range cfg.AcceptedHashes {
		if hashOf(h) == 0 {
			return nil, fmt.Errorf("unknown fingerprint hash %q", h)
		}
		list = append(list, strings.ToLower(h))
	}
	return list, nil
}

// verifier checks a certificate against the signalled fingerprints of the
// strongest accepted hash; any of several values may match.
type verifier struct {
	hash crypto.Hash
	sums [][]byte
}

func newVerifier(list []Fingerprint, accepted []string) (*verifier, error) {
	for _, name := range accepted {
		v := &verifier{hash: hashOf(name)}
		for _, f := range list {
			if strings.ToLower(f.Hash) != name {
				continue
			}
			sum, err := hex.DecodeString(strings.ReplaceAll(f.Value, ":", ""))
			if err == nil && len(sum) == v.hash.Size() {
				v.sums = append(v.sums, sum)
			}
		}
		if len(v.sums) > 0 {
			return v, nil
		}
	}
	return nil, ErrFingerprint
}

var errWrongCertificate = errors.New("certificate does not match the signalled fingerprint")

func (v *verifier) check(certs [][]byte, _ [][]*x509.Certificate) error {
	if len(certs) == 0 {
		return errWrongCertificate
	}
	h := v.hash.New()
	h.Write(certs[0])
	sum := h.Sum(nil)
	if !slices.ContainsFunc(v.sums, func(want []byte) bool {
		return subtle.ConstantTimeCompare(sum, want) == 1
	}) {
		return errWrongCertificate
	}
	return nil
}

// startDTLS begins the handshake once there is an address to speak to, a
// role, and a fingerprint to check. Until then what the peer sends waits in
// the pipe. The caller holds mu.
func (t *Transport) startDTLS() {
	if t.handshaking || t.closed || t.role == roleUnknown || t.verify == nil || t.path.Load() == nil {
		return
	}
	conn, err := t.newDTLS()
	if err != nil {
		t.mux.count.dtlsFailures.Add(1)
		t.wg.Go(t.fail)
		t.handshaking = true
		return
	}
	t.handshaking = true
	t.dtls = conn
	isClient := t.role == roleClient
	t.wg.Go(func() { t.runDTLS(conn, isClient) })
}

func (t *Transport) newDTLS() (*dtls.Conn, error) {
	shared := []dtls.Option{
		dtls.WithCertificates(t.cert.tls),
		dtls.WithSRTPProtectionProfiles(t.mux.profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // no authority: the fingerprint decides
		dtls.WithVerifyPeerCertificate(t.verify.check),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithMTU(dtlsMTU),
		dtls.WithLoggerFactory(muted{}),
	}
	if t.role == roleClient {
		opts := []dtls.ClientOption{dtls.WithCipherSuites(t.mux.suites.client...)}
		for _, o := range shared {
			opts = append(opts, o)
		}
		return dtls.ClientWithOptions(t.dtlsIn, pipeAddr{}, opts...)
	}
	opts := []dtls.ServerOption{
		dtls.WithCipherSuites(t.mux.suites.server...),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		// ICE has proved that the peer is where it says; a cookie would cost
		// a round trip.
		dtls.WithInsecureSkipVerifyHello(true),
	}
	for _, o := range shared {
		opts = append(opts, o)
	}
	return dtls.ServerWithOptions(t.dtlsIn, pipeAddr{}, opts...)
}

// runDTLS shakes hands, publishes the keys and then carries SCTP.
func (t *Transport) runDTLS(conn *dtls.Conn, isClient bool) {
	timeout := t.mux.cfg.DTLS.HandshakeTimeout
	if timeout <= 0 {
		timeout = defaultHandshake
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := conn.HandshakeContext(ctx)
	if err == nil {
		err = t.setKeys(conn, isClient)
	}
	if err != nil {
		t.mux.count.dtlsFailures.Add(1)
		_ = conn.Close()
		t.fail()
		return
	}
	t.dtlsIn.done.Store(int64(t.mux.Now()))
	t.checkReady()
	if t.opts.SCTP {
		t.runSCTP(conn)
		return
	}
	discard(conn)
}

func (t *Transport) setKeys(conn *dtls.Conn, isClient bool) error {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return errors.New("no common SRTP profile")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("no DTLS state")
	}
	k, err := newKeys(srtp.ProtectionProfile(profile), &state, isClient)
	if err != nil {
		return err
	}
	t.keys.Store(k)
	return nil
}

// discard reads until the connection ends, so that alerts are seen.
func discard(conn *dtls.Conn) {
	buf := make([]byte, 2048)
	for {
		if _, err := readDTLS(conn, buf); err != nil {
			return
		}
	}
}

// maxBadRecords is how many unreadable records in a row end a connection.
const maxBadRecords = 1000

// readDTLS reads one record. pion/dtls reports a bad record like the end of
// the connection; here only the end and a deadline are errors, so that a
// forged datagram cannot take the data channel down.
func readDTLS(conn *dtls.Conn, b []byte) (int, error) {
	for range maxBadRecords {
		n, err := conn.Read(b)
		var failure net.Error
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, dtls.ErrConnClosed):
			return 0, io.EOF
		case errors.As(err, &failure) && failure.Timeout():
			return 0, err
		}
	}
	return 0, io.EOF
}
