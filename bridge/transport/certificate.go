package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"
	"time"
)

// certificate identifies the bridge in handshakes; peers compare its
// fingerprint with the signalled one.
type certificate struct {
	tls         tls.Certificate
	fingerprint string
	made        time.Time
}

// certificates keeps the process's certificate and replaces it daily.
// Connections stay with the one that they signalled.
type certificates struct {
	mu     sync.Mutex
	newest *certificate
}

const (
	certificateRenewal = 24 * time.Hour
	certificateBefore  = 24 * time.Hour
	certificateAfter   = 7 * 24 * time.Hour
)

// current is the certificate for new connections.
func (c *certificates) current() (*certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.newest != nil && now.Sub(c.newest.made) < certificateRenewal {
		return c.newest, nil
	}
	made, err := newCertificate(now)
	if err != nil {
		return nil, err
	}
	c.newest = made
	return made, nil
}

func newCertificate(now time.Time) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := pkix.Name{CommonName: "steg"}
	template := x509.Certificate{
		SerialNumber:       big.NewInt(now.UnixMilli()),
		Subject:            name,
		Issuer:             name,
		NotBefore:          now.Add(-certificateBefore),
		NotAfter:           now.Add(certificateAfter),
		SignatureAlgorithm: x509.ECDSAWithSHA256,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &certificate{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: formatFingerprint(sum[:]),
		made:        now,
	}, nil
}

// formatFingerprint writes a hash as RFC 8122 section 5 does.
func formatFingerprint(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}
