package privacy

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Traces are the texts that would tell of a participant, each in the notations
// in which a program may write it.
type Traces struct {
	notations map[string][]string
}

// AddText adds a name, room, id or secret.
func (t *Traces) AddText(secret string) {
	if secret == "" {
		return
	}
	t.add(secret, secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), strings.ReplaceAll(secret, " ", "\\u0020"))
}

// AddAddress adds the address of a participant.
func (t *Traces) AddAddress(a netip.Addr) {
	secret := a.String()
	t.add(secret, secret, a.StringExpanded(), hex.EncodeToString(a.AsSlice()))
	if a.Is4() {
		b := a.As4()
		t.add(secret,
			netip.AddrFrom16(a.As16()).String(),
			fmt.Sprintf("%02x%02x:%02x%02x", b[0], b[1], b[2], b[3]),
			fmt.Sprintf("%d %d %d %d", b[0], b[1], b[2], b[3]), // a byte slice, printed
			fmt.Sprintf("%d, %d, %d, %d", b[0], b[1], b[2], b[3]))
	}
}

func (t *Traces) add(secret string, notations ...string) {
	if t.notations == nil {
		t.notations = make(map[string][]string)
	}
	t.notations[secret] = append(t.notations[secret], notations...)
}

// Len is the number of texts searched for.
func (t *Traces) Len() int { return len(t.notations) }

// Find returns what of the traces stands in a text, in any case.
func (t *Traces) Find(text string) []string {
	text = strings.ToLower(text)
	var found []string
	for secret, notations := range t.notations {
		for _, n := range notations {
			if strings.Contains(text, strings.ToLower(n)) {
				found = append(found, secret)
				break
			}
		}
	}
	return found
}
