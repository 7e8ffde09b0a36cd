package prosody

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// prepare makes the directory of a server: accounts, authority, certificate.
func (s *Server) prepare() error {
	if err := s.writeCertificates(); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	if err := os.Mkdir(s.path("certs"), 0o700); err != nil { // or it complains
		return err
	}
	// Prosody's file names escape all but letters and digits.
	accounts := filepath.Join(s.Dir, "data", strings.NewReplacer(".", "%2e", "-", "%2d").Replace(s.AuthDomain()), "accounts")
	if err := os.MkdirAll(accounts, 0o700); err != nil {
		return err
	}
	for user, password := range map[string]string{BridgeUser: BridgePassword, FocusUser: FocusPassword} {
		// The server replaces a plain password by its hash at the first login.
		text := fmt.Sprintf("return { [\"password\"] = %q; };\n", password)
		if err := os.WriteFile(filepath.Join(accounts, user+".dat"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// configuration is the server's configuration file, with the settings that
// a Jitsi installation has for bridges and focus.
func (s *Server) configuration() []byte {
	return fmt.Appendf(nil, `run_as_root = true
data_path = %[1]q
plugin_paths = {}
log = { { levels = { min = %[2]q }, to = "console" } }
interfaces = { %[3]q }
c2s_ports = { %[4]d }
s2s_ports = {}
component_ports = {}
modules_enabled = { "saslauth", "tls", "disco", "ping", "smacks" }
modules_disabled = { "s2s", "offline", "admin_socket", "http" }
smacks_hibernation_time = 15
smacks_max_unacked_stanzas = 5
c2s_require_encryption = false
c2s_ping_timeout = 5
authentication = "internal_hashed"
storage = "internal"
ssl = { key = %[5]q, certificate = %[6]q }

VirtualHost "auth.%[7]s"

Component "internal.auth.%[7]s" "muc"
    storage = "memory"
    admins = { "focus@auth.%[7]s", "jvb@auth.%[7]s" }
    muc_room_locking = false
    muc_room_default_public_jids = true
    muc_tombstones = false
    restrict_room_creation = false
`, filepath.Join(s.Dir, "data"), s.log, s.Address, s.Port, s.path("server.key"), s.path("server.crt"), s.Domain)
}

func (s *Server) path(name string) string { return filepath.Join(s.Dir, name) }

// writeCertificates makes an authority and a certificate for the server's
// hosts and address, both valid for a day.
func (s *Server) writeCertificates() error {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: s.AuthDomain()},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{s.Domain, s.AuthDomain(), "internal." + s.AuthDomain(), "localhost"},
	}
	if ip := net.ParseIP(s.Address); ip != nil {
		server.IPAddresses = []net.IP{ip}
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	s.CAFile = s.path("ca.crt")
	if err := writeCertificate(s.CAFile, authority, authority, &authorityKey.PublicKey, authorityKey); err != nil {
		return err
	}
	if err := writeCertificate(s.path("server.crt"), server, authority, &serverKey.PublicKey, authorityKey); err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)
}

func writeCertificate(file string, cert, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, public, signer)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
