package colibri

// The JSON form of Colibri2 has the same model as XML: an element becomes an
// object, its attributes become members of the same name, and its children
// become members as the forms below say. The form is the one that
// jitsi-xmpp-extensions writes, in which some numbers are text.

// form says how one element looks in JSON.
type form struct {
	space, local string
	numbers      []string // attributes that are written as numbers
	flags        []string // attributes that are written as booleans
	text         string   // member that holds the text
	children     []childForm
}

// childForm says how the children of one kind look.
type childForm struct {
	key   string
	shape shape
	form  *form
	// wrapper is an element around a list, in the parent's namespace.
	wrapper string
	// scalar is the attribute that stands for the whole element where it is
	// the only one.
	scalar string
}

// shape is the way in which children become a member.
type shape int

const (
	shapeList  shape = iota // an array
	shapeOne                // an object
	shapeTrue               // true for an empty element
	shapePairs              // an object of names and values
)

func leaf(space, local string) *form { return &form{space: space, local: local} }

func modifyForm() *form {
	return &form{
		space: Namespace, local: "conference-modify", flags: []string{"create", "expire", "rtcstats-enabled"},
		children: []childForm{
			{key: "endpoints", form: endpointForm()},
			{key: "connects", form: connectForm(), wrapper: "connects"},
			{key: "relays", form: relayForm()},
		},
	}
}

func modifiedForm() *form {
	return &form{
		space: Namespace, local: "conference-modified",
		children: []childForm{
			{key: "endpoints", form: endpointForm()},
			{key: "relays", form: relayForm()},
			{key: "sources", form: mediaSourceForm(), wrapper: "sources"},
		},
	}
}

func endpointForm() *form {
	return &form{
		space: Namespace, local: "endpoint", flags: []string{"create", "expire", "diarize"},
		children: []childForm{
			{key: "medias", form: mediaForm()},
			{key: "transport", shape: shapeOne, form: transportForm()},
			{key: "sources", form: mediaSourceForm(), wrapper: "sources"},
			{key: "force-mute", shape: shapeOne, form: &form{space: Namespace, local: "force-mute", flags: []string{"audio", "video"}}},
			{key: "capabilities", form: leaf(Namespace, "capability"), scalar: "name"},
			{key: "initial-last-n", shape: shapeOne, form: &form{space: Namespace, local: "initial-last-n", numbers: []string{"value"}}},
		},
	}
}

func relayForm() *form {
	return &form{
		space: Namespace, local: "relay", flags: []string{"create", "expire"},
		children: []childForm{
			{key: "medias", form: mediaForm()},
			{key: "transport", shape: shapeOne, form: transportForm()},
			{key: "endpoints", form: endpointForm(), wrapper: "endpoints"},
		},
	}
}

func connectForm() *form {
	return &form{
		space: Namespace, local: "connect", flags: []string{"audio", "video", "create", "expire"},
		children: []childForm{
			{key: "headers", shape: shapePairs, form: leaf(Namespace, "http-header")},
			{key: "ping", shape: shapeOne, form: &form{space: Namespace, local: "ping", numbers: []string{"interval", "timeout"}}},
			{key: "exports", form: leaf(Namespace, "export"), wrapper: "exports", scalar: "name"},
			{key: "requests", form: leaf(Namespace, "request"), wrapper: "requests", scalar: "name"},
		},
	}
}

func mediaForm() *form {
	payloadType := &form{space: nsRTP, local: "payload-type", children: []childForm{
		{key: "parameters", shape: shapePairs, form: leaf(nsRTP, "parameter")},
		{key: "rtcp-fbs", form: leaf(nsFeedback, "rtcp-fb")},
	}}
	return &form{space: Namespace, local: "media", children: []childForm{
		{key: "payload-types", form: payloadType},
		{key: "rtp-hdrexts", form: &form{space: nsHdrExt, local: "rtp-hdrext", numbers: []string{"id"}}},
		{key: "extmap-allow-mixed", shape: shapeTrue, form: leaf(nsHdrExt, "extmap-allow-mixed")},
	}}
}

func mediaSourceForm() *form {
	source := &form{space: nsSource, local: "source", numbers: []string{"ssrc"}}
	return &form{space: Namespace, local: "media-source", flags: []string{"synthetic"}, children: []childForm{
		{key: "sources", form: source, scalar: "ssrc"},
		{key: "ssrc-groups", form: &form{space: nsSource, local: "ssrc-group", children: []childForm{
			{key: "sources", form: source, scalar: "ssrc"},
		}}},
	}}
}

func transportForm() *form {
	return &form{
		space: Namespace, local: "transport", flags: []string{"ice-controlling", "use-unique-port", "ice-restart"},
		children: []childForm{
			{key: "transport", shape: shapeOne, form: &form{space: nsICE, local: "transport", children: []childForm{
				{key: "rtcp-mux", shape: shapeTrue, form: leaf(nsICE, "rtcp-mux")},
				{key: "fingerprints", form: &form{space: nsDTLS, local: "fingerprint", text: "fingerprint"}},
				{key: "web-sockets", form: leaf(NamespaceColibri, "web-socket"), scalar: "url"},
				{key: "candidates", form: leaf(nsICE, "candidate")},
			}}},
			{key: "sctp", shape: shapeOne, form: &form{space: Namespace, local: "sctp", numbers: []string{"port"}}},
		},
	}
}
