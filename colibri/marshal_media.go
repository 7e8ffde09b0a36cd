package colibri

func (m *Media) addTo(parent *node) {
	n := parent.add("media").set("type", string(m.Type))
	for i := range m.PayloadTypes {
		m.PayloadTypes[i].addTo(n)
	}
	for _, h := range m.HdrExts {
		n.addNS(nsHdrExt, "rtp-hdrext").setInt("id", int64(h.ID)).set("uri", h.URI)
	}
	if m.ExtmapAllowMixed {
		n.addNS(nsHdrExt, "extmap-allow-mixed")
	}
}

func (pt *PayloadType) addTo(parent *node) {
	n := parent.addNS(nsRTP, "payload-type").
		setInt("id", int64(pt.ID)).
		setNonEmpty("name", pt.Name)
	if pt.ClockRate > 0 {
		n.setInt("clockrate", int64(pt.ClockRate))
	}
	if pt.Channels > 1 {
		n.setInt("channels", int64(pt.Channels))
	}
	for _, p := range pt.Parameters {
		n.add("parameter").setNonEmpty("name", p.Name).set("value", p.Value)
	}
	for _, fb := range pt.Feedback {
		n.addNS(nsFeedback, "rtcp-fb").set("type", fb.Type).setNonEmpty("subtype", fb.Subtype)
	}
}

func (s *Sources) addTo(parent *node) {
	if s == nil {
		return
	}
	n := parent.add("sources")
	for i := range s.MediaSources {
		s.MediaSources[i].addTo(n)
	}
}

func (ms *MediaSource) addTo(parent *node) {
	n := parent.add("media-source").
		set("type", string(ms.Type)).
		set("id", ms.ID).
		setTrue("synthetic", ms.Synthetic)
	for _, s := range ms.SSRCs {
		n.addNS(nsSource, "source").
			set("ssrc", formatSSRC(s.SSRC)).
			setNonEmpty("name", s.Name).
			setNonEmpty("videoType", s.VideoType)
	}
	for _, g := range ms.Groups {
		gn := n.addNS(nsSource, "ssrc-group").set("semantics", g.Semantics)
		for _, s := range g.SSRCs {
			gn.add("source").set("ssrc", formatSSRC(s))
		}
	}
}

func (t *Transport) addTo(parent *node) {
	if t == nil {
		return
	}
	n := parent.add("transport").
		setTrue("ice-controlling", t.ICEControlling).
		setTrue("use-unique-port", t.UseUniquePort).
		setTrue("ice-restart", t.ICERestart)
	t.ICE.addTo(n)
	if t.SCTP != nil {
		s := n.add("sctp").setNonEmpty("role", t.SCTP.Role)
		if t.SCTP.Port != 0 {
			s.setInt("port", int64(t.SCTP.Port))
		}
	}
}

func (ice *IceUDP) addTo(parent *node) {
	if ice == nil {
		return
	}
	n := parent.addNS(nsICE, "transport").setNonEmpty("ufrag", ice.Ufrag).setNonEmpty("pwd", ice.Pwd)
	if ice.Generation != nil {
		n.setInt("ice-generation", int64(*ice.Generation))
	}
	if ice.RTCPMux {
		n.add("rtcp-mux")
	}
	for _, f := range ice.Fingerprints {
		n.addNS(nsDTLS, "fingerprint").
			set("hash", f.Hash).
			setNonEmpty("setup", f.Setup).
			setTrue("cryptex", f.Cryptex).
			text = f.Value
	}
	for _, w := range ice.WebSockets {
		n.addNS(NamespaceColibri, "web-socket").setNonEmpty("url", w.URL).setTrue("active", w.Active)
	}
	for i := range ice.Candidates {
		ice.Candidates[i].addTo(n)
	}
}

func (c *Candidate) addTo(parent *node) {
	n := parent.add("candidate").
		setInt("component", int64(c.Component)).
		set("foundation", c.Foundation).
		setInt("generation", int64(c.Generation)).
		set("id", c.ID).
		setInt("network", int64(c.Network)).
		setInt("priority", int64(c.Priority)).
		set("protocol", c.Protocol).
		set("type", c.Type).
		set("ip", string(c.IP)).
		setInt("port", int64(c.Port))
	if c.RelAddr != "" {
		n.set("rel-addr", string(c.RelAddr)).setInt("rel-port", int64(c.RelPort))
	}
}
