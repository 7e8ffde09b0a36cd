package transport

import "testing"

func TestAcceptable(t *testing.T) {
	record := func(kind, epoch byte, body ...byte) []byte {
		return append([]byte{kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, byte(len(body))}, body...)
	}
	for _, c := range []struct {
		name string
		b    []byte
		// during and after the handshake
		during, after bool
	}{
		{"empty", nil, false, false},
		{"cut off", record(22, 0, 1, 2, 3)[:15], false, false},
		{"no body", record(22, 0), false, false},
		{"handshake", record(22, 0, 1, 2, 3), true, false},
		{"encrypted handshake", record(22, 1, 1, 2, 3), true, true},
		{"change cipher spec", record(20, 0, 1), true, false},
		{"bad change cipher spec", record(20, 0, 2), false, false},
		{"late change cipher spec", record(20, 1, 1), false, false},
		{"alert", record(21, 0, 2, 40), true, false},
		{"bad alert", record(21, 0, 2), false, false},
		{"encrypted alert", record(21, 1, 1, 2, 3, 4), true, true},
		{"data", record(23, 1, 1), true, true},
		{"data in the clear", record(23, 0, 1), false, false},
		{"other type", record(25, 1, 1), false, false},
		{"two records", append(record(22, 0, 1), record(20, 0, 1)...), true, false},
		{"one good, one bad", append(record(23, 1, 1), 23, 0xfe), false, false},
		{"other version", append([]byte{22, 3, 3}, record(22, 0, 1)[3:]...), false, false},
	} {
		if got := acceptable(c.b, true); got != c.during {
			t.Errorf("%s: %v during the handshake", c.name, got)
		}
		if got := acceptable(c.b, false); got != c.after {
			t.Errorf("%s: %v after the handshake", c.name, got)
		}
	}
}
