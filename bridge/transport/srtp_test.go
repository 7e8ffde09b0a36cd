package transport

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pion/srtp/v3"

	"steg/configs"
)

// naiveWindow keeps every index; it serves to check sendWindow.
type naiveWindow struct {
	last    int64
	started bool
	used    map[int64]bool
}

func (w *naiveWindow) take(seq uint16) bool {
	if !w.started {
		w.started, w.last, w.used = true, int64(seq), map[int64]bool{int64(seq): true}
		return true
	}
	index := w.last + int64(int16(seq-uint16(w.last)))
	if index < 0 || index <= w.last-sendWindowLen || w.used[index] {
		return false
	}
	w.used[index] = true
	w.last = max(w.last, index)
	return true
}

func checkWindow(t *testing.T, seqs []uint16) {
	t.Helper()
	var w sendWindow
	var naive naiveWindow
	for i, seq := range seqs {
		if got, want := w.take(seq), naive.take(seq); got != want {
			t.Fatalf("step %d: number %d: %v, want %v", i, seq, got, want)
		}
	}
}

func TestSendWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seq, seqs := uint16(65000), []uint16{}
	for range 200000 {
		switch r.IntN(10) {
		case 0:
			seqs = append(seqs, seq-uint16(r.IntN(3000)))
		case 1:
			seq += uint16(r.IntN(3000))
		default:
			seq++
		}
		seqs = append(seqs, seq)
	}
	checkWindow(t, seqs)
}

func FuzzSendWindow(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 1, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var seqs []uint16
		for ; len(b) >= 2; b = b[2:] {
			seqs = append(seqs, uint16(b[0])<<8|uint16(b[1]))
		}
		checkWindow(t, seqs)
	})
}

func TestParseProfiles(t *testing.T) {
	for _, c := range []struct {
		names []string
		n     int
		ok    bool
	}{
		{nil, 2, true},
		{[]string{"AEAD_AES_256_GCM", "SRTP_AEAD_AES_128_GCM"}, 2, true},
		{[]string{"NULL_HMAC_SHA1_80"}, 0, false},
	} {
		list, err := parseProfiles(configs.SRTP{Profiles: c.names})
		if len(list) != c.n || (err == nil) != c.ok {
			t.Errorf("%v: %v %v", c.names, list, err)
		}
	}
}

type fakeExporter struct{}

func (fakeExporter) ExportKeyingMaterial(_ string, _ []byte, n int) ([]byte, error) {
	return make([]byte, n), nil
}

// TestManyStreams sends under the SSRCs of all who come and go in a long
// conference.
func TestManyStreams(t *testing.T) {
	k, err := newKeys(srtp.ProtectionProfileAeadAes128Gcm, fakeExporter{}, false)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Transport{mux: &Mux{}}
	tr.keys.Store(k)
	buf := make([]byte, 20, 20+Overhead)
	for ssrc := range uint32(maxOutSSRCs + 1) {
		clear(buf)
		buf[0] = 0x80
		binary.BigEndian.PutUint32(buf[8:], ssrc)
		if _, err := tr.EncryptRTP(buf, len(buf)); (err != nil) != (ssrc == maxOutSSRCs) {
			t.Fatalf("stream %d: %v", ssrc, err)
		}
	}
}
