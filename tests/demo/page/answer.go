package page

import (
	"errors"
	"strings"

	"steg/colibri"
)

// transportOf reads a browser's side of the transport out of its answer. The
// sections of a bundle all say the same, so the first value of each counts.
// Candidates are left out: the bridge learns addresses from checks.
func transportOf(sdp string) (*colibri.IceUDP, error) {
	ice := &colibri.IceUDP{RTCPMux: true}
	var setup string
	var print colibri.Fingerprint
	first := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	for line := range strings.Lines(sdp) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch name {
		case "a=ice-ufrag":
			first(&ice.Ufrag, value)
		case "a=ice-pwd":
			first(&ice.Pwd, value)
		case "a=setup":
			first(&setup, value)
		case "a=fingerprint":
			hash, text, _ := strings.Cut(value, " ")
			first(&print.Hash, strings.ToLower(hash))
			first(&print.Value, text)
		}
	}
	if ice.Ufrag == "" || ice.Pwd == "" || print.Value == "" || setup == "" {
		return nil, errors.New("the answer describes no transport")
	}
	print.Setup = setup
	ice.Fingerprints = []colibri.Fingerprint{print}
	return ice, nil
}
