package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"steg/bridge/packet"
	"steg/configs"
)

// profileOf knows the configuration's names. NULL profiles are left out on
// purpose.
func profileOf(name string) (dtls.SRTPProtectionProfile, bool) {
	switch name {
	case "AEAD_AES_128_GCM":
		return dtls.SRTP_AEAD_AES_128_GCM, true
	case "AEAD_AES_256_GCM":
		return dtls.SRTP_AEAD_AES_256_GCM, true
	case "AES128_CM_HMAC_SHA1_80":
		return dtls.SRTP_AES128_CM_HMAC_SHA1_80, true
	case "AES128_CM_HMAC_SHA1_32":
		return dtls.SRTP_AES128_CM_HMAC_SHA1_32, true
	}
	return 0, false
}

func parseProfiles(cfg configs.SRTP) ([]dtls.SRTPProtectionProfile, error) {
	names := cfg.Profiles
	if len(names) == 0 {
		names = []string{"AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"}
	}
	var list []dtls.SRTPProtectionProfile
	for _, name := range names {
		p, ok := profileOf(strings.TrimPrefix(name, "SRTP_"))
		if !ok {
			return nil, fmt.Errorf("unknown SRTP profile %q", name)
		}
		list = append(list, p)
	}
	return list, nil
}

const (
	receiveWindow = 1024 // packets, replay protection inward
	sendWindowLen = 1024 // packets, outward
	maxSSRCs      = 1024 // SRTP streams inward that keys keep state of
	maxOutSSRCs   = 4096 // outward, where a long conference sees many come and go
)

// keys are the SRTP contexts of a transport. They are published once, by one
// atomic store. The inward half belongs to the sender's ingress mutex, the
// outward half to the receiver's egress mutex.
type keys struct {
	// Inward.
	in      *srtp.Context
	inRTP   rtp.Header // scratch, so that parsing allocates nothing
	inRTCP  rtcp.Header
	inSSRCs map[uint32]struct{}
	inCtl   map[uint32]struct{}

	// Outward.
	out        *srtp.Context
	outRTP     rtp.Header
	outRTCP    rtcp.Header
	outWindows map[uint32]*sendWindow
}

// newKeys derives both contexts from a finished handshake.
func newKeys(profile srtp.ProtectionProfile, exporter srtp.KeyingMaterialExporter, isClient bool) (*keys, error) {
	cfg := srtp.Config{Profile: profile}
	if err := cfg.ExtractSessionKeysFromDTLS(exporter, isClient); err != nil {
		return nil, err
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, profile,
		srtp.SRTPReplayProtection(receiveWindow), srtp.SRTCPReplayProtection(receiveWindow))
	if err != nil {
		return nil, err
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, profile)
	if err != nil {
		return nil, err
	}
	return &keys{
		in: in, out: out,
		inSSRCs: map[uint32]struct{}{}, inCtl: map[uint32]struct{}{},
		outWindows: map[uint32]*sendWindow{},
	}, nil
}

// admit says whether set may hold ssrc; the stream enters it once a packet
// authenticated.
func admit(set map[uint32]struct{}, ssrc uint32) (known, ok bool) {
	_, known = set[ssrc]
	return known, known || len(set) < maxSSRCs
}

// DecryptRTP authenticates and decrypts an SRTP packet in place and returns
// the plain packet. The caller serialises calls per transport, together with
// DecryptRTCP.
func (t *Transport) DecryptRTP(datagram []byte) ([]byte, error) {
	k := t.keys.Load()
	if k == nil {
		return nil, ErrNotReady
	}
	if len(datagram) < 12 {
		return nil, packet.ErrMalformed
	}
	ssrc := binary.BigEndian.Uint32(datagram[8:])
	known, ok := admit(k.inSSRCs, ssrc)
	if !ok {
		return nil, ErrSSRCs
	}
	plain, err := k.in.DecryptRTP(datagram, datagram, &k.inRTP)
	if err != nil {
		return nil, t.refused(err)
	}
	if !known {
		k.inSSRCs[ssrc] = struct{}{}
	}
	t.touch(time.Duration(t.mux.clock.Load()))
	return plain, nil
}

// DecryptRTCP is DecryptRTP for an SRTCP compound.
func (t *Transport) DecryptRTCP(datagram []byte) ([]byte, error) {
	k := t.keys.Load()
	if k == nil {
		return nil, ErrNotReady
	}
	if len(datagram) < 8 {
		return nil, packet.ErrMalformed
	}
	ssrc := binary.BigEndian.Uint32(datagram[4:])
	known, ok := admit(k.inCtl, ssrc)
	if !ok {
		return nil, ErrSSRCs
	}
	plain, err := k.in.DecryptRTCP(datagram, datagram, &k.inRTCP)
	if err != nil {
		return nil, t.refused(err)
	}
	if !known {
		k.inCtl[ssrc] = struct{}{}
	}
	t.touch(time.Duration(t.mux.clock.Load()))
	return plain, nil
}

// refused counts a packet that did not pass and names the reason without
// the library's text.
func (t *Transport) refused(err error) error {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
		t.mux.count.authFailures.Add(1)
		return ErrAuth
	}
	t.mux.count.replays.Add(1)
	return ErrReplayed
}

// EncryptRTP protects the plain RTP packet buf[:n] in place and returns its
// new length; buf needs room for Overhead more bytes. A sequence number is
// protected once: another packet under the same number would repeat a nonce
// (RFC 7714 section 9.1), so retransmissions go through RTX. The caller
// serialises calls per transport, together with EncryptRTCP.
func (t *Transport) EncryptRTP(buf []byte, n int) (int, error) {
	k := t.keys.Load()
	if k == nil {
		return 0, ErrNotReady
	}
	if n < 12 {
		return 0, packet.ErrMalformed
	}
	if cap(buf) < n+Overhead {
		return 0, ErrTooLong
	}
	seq, ssrc := binary.BigEndian.Uint16(buf[2:]), binary.BigEndian.Uint32(buf[8:])
	w := k.outWindows[ssrc]
	if w == nil {
		if len(k.outWindows) >= maxOutSSRCs {
			return 0, ErrSSRCs
		}
		w = new(sendWindow)
		k.outWindows[ssrc] = w
	}
	if !w.take(seq) {
		return 0, ErrReplayed
	}
	out, err := k.out.EncryptRTP(buf[:n], buf[:n], &k.outRTP)
	if err != nil {
		return 0, packet.ErrMalformed
	}
	return len(out), nil
}

// EncryptRTCP is EncryptRTP for an RTCP compound; SRTCP numbers by itself.
func (t *Transport) EncryptRTCP(buf []byte, n int) (int, error) {
	k := t.keys.Load()
	if k == nil {
		return 0, ErrNotReady
	}
	if n < 8 {
		return 0, packet.ErrMalformed
	}
	if cap(buf) < n+Overhead {
		return 0, ErrTooLong
	}
	out, err := k.out.EncryptRTCP(buf[:n], buf[:n], &k.outRTCP)
	if err != nil {
		return 0, packet.ErrMalformed
	}
	return len(out), nil
}

// sendWindow remembers which of the last packets of one SSRC were protected.
// It follows the index (RFC 3711 section 3.3.1) that the context works out
// from sequence numbers.
type sendWindow struct {
	started bool
	last    uint64 // highest index
	used    [sendWindowLen / 64]uint64
}

// take claims the index of seq. It reports false for one that was claimed
// before or cannot be told from one.
func (w *sendWindow) take(seq uint16) bool {
	if !w.started {
		w.started, w.last = true, uint64(seq)
		w.set(w.last)
		return true
	}
	diff := int64(int16(seq - uint16(w.last)))
	if diff > 0 {
		next := w.last + uint64(diff)
		for i := w.last + 1; i <= next && i <= w.last+sendWindowLen; i++ {
			w.used[i/64%uint64(len(w.used))] &^= 1 << (i % 64)
		}
		w.last = next
		w.set(next)
		return true
	}
	if -diff >= sendWindowLen || int64(w.last)+diff < 0 {
		return false
	}
	index := w.last - uint64(-diff)
	if w.used[index/64%uint64(len(w.used))]>>(index%64)&1 != 0 {
		return false
	}
	w.set(index)
	return true
}

func (w *sendWindow) set(index uint64) {
	w.used[index/64%uint64(len(w.used))] |= 1 << (index % 64)
}
