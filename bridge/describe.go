package bridge

import (
	"net/netip"
	"strings"

	"steg/bridge/packet"
	"steg/bridge/transport"
	"steg/colibri"
)

func lower(s string) string { return strings.ToLower(s) }

func upper(s string) string { return strings.ToUpper(s) }

// describe writes a transport's description as Colibri has it.
func (e *Endpoint) describe(d transport.Description, sctp bool) *colibri.Transport {
	ice := &colibri.IceUDP{
		Ufrag:        d.Ufrag,
		Pwd:          d.Pwd,
		RTCPMux:      true,
		Fingerprints: []colibri.Fingerprint{{Hash: d.FingerprintHash, Setup: d.Setup, Value: d.Fingerprint}},
	}
	for _, url := range e.webSocketURLs() {
		ice.WebSockets = append(ice.WebSockets, colibri.WebSocket{URL: url})
	}
	for _, c := range d.Candidates {
		cand := colibri.Candidate{
			Component: c.Component, Foundation: c.Foundation, Generation: c.Generation, ID: c.ID,
			Network: c.Network, Priority: c.Priority, Protocol: c.Protocol, Type: c.Type,
			IP: colibri.Address(c.Addr.Addr().String()), Port: c.Addr.Port(),
		}
		if c.RelAddr.IsValid() {
			cand.RelAddr, cand.RelPort = colibri.Address(c.RelAddr.Addr().String()), c.RelAddr.Port()
		}
		ice.Candidates = append(ice.Candidates, cand)
	}
	t := &colibri.Transport{ICE: ice}
	if sctp {
		t.SCTP = &colibri.SCTP{Role: "server", Port: transport.SCTPPort}
	}
	return t
}

// webSocketURLs are where the endpoint may open its bridge channel, besides a
// data channel.
func (e *Endpoint) webSocketURLs() []string {
	ws := e.conference.bridge.cfg.WebSockets
	if !ws.Enabled {
		return nil
	}
	scheme := "ws"
	if ws.TLS {
		scheme = "wss"
	}
	var urls []string
	for _, domain := range ws.Domains {
		urls = append(urls, scheme+"://"+domain+"/colibri-ws/"+ws.ServerID+"/"+e.conference.id+"/"+e.id+"?pwd="+e.password)
	}
	return urls
}

// remoteCandidate reads a candidate of a client; names in place of addresses
// and transports other than UDP are left out.
func remoteCandidate(c colibri.Candidate) (transport.Candidate, bool) {
	addr, err := netip.ParseAddr(string(c.IP))
	if err != nil || lower(c.Protocol) != "udp" {
		return transport.Candidate{}, false
	}
	return transport.Candidate{
		Foundation: c.Foundation, Component: c.Component, Generation: c.Generation, ID: c.ID,
		Network: c.Network, Priority: c.Priority, Protocol: "udp", Type: c.Type,
		Addr: netip.AddrPortFrom(addr, c.Port),
	}, true
}

// codecs by the names that are signalled, in lower case.
func codecOf(name string) packet.Codec {
	switch lower(name) {
	case "opus":
		return packet.CodecOpus
	case "red":
		return packet.CodecRED
	case "telephone-event":
		return packet.CodecTelephoneEvent
	case "vp8":
		return packet.CodecVP8
	case "vp9":
		return packet.CodecVP9
	case "av1":
		return packet.CodecAV1
	case "h264":
		return packet.CodecH264
	case "rtx":
		return packet.CodecRTX
	}
	return packet.CodecUnknown
}

func payloadType(p *colibri.PayloadType) packet.PayloadType {
	pt := packet.PayloadType{
		ID:        p.ID,
		Codec:     codecOf(p.Name),
		ClockRate: p.ClockRate,
		NACK:      p.HasFeedback("nack", ""),
		PLI:       p.HasFeedback("nack", "pli"),
		FIR:       p.HasFeedback("ccm", "fir"),
		REMB:      p.HasFeedback("goog-remb", ""),
		TCC:       p.HasFeedback("transport-cc", ""),
	}
	if apt, ok := parseByte(p.Parameter("apt")); ok {
		pt.APT = apt
	}
	return pt
}

func parseByte(s string) (uint8, bool) {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' || n > 127 {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return uint8(n), s != "" && n <= 127
}

// setExtension notes the id of a header extension that the bridge uses.
func setExtension(x *packet.Extensions, h colibri.HdrExt) {
	switch h.URI {
	case "urn:ietf:params:rtp-hdrext:ssrc-audio-level":
		x.AudioLevel = h.ID
	case "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time":
		x.AbsSendTime = h.ID
	case "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01":
		x.TCC = h.ID
	case "urn:ietf:params:rtp-hdrext:sdes:mid":
		x.MID = h.ID
	case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id":
		x.RID = h.ID
	case "urn:3gpp:video-orientation":
		x.VideoOrientation = h.ID
	case "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension":
		x.DependencyDesc = h.ID
	case "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00":
		x.VLA = h.ID
	}
}
