package message

// Message is one message of the bridge channel.
type Message interface {
	// Class is the value of the property colibriClass.
	Class() string
}

// Constraints limit one video source for one receiver.
type Constraints struct {
	MaxHeight    int     `json:"maxHeight"`    // -1: unlimited, 0: no video
	MaxFrameRate float64 `json:"maxFrameRate"` // -1: unlimited
}

// Messages of clients.
type (
	// ReceiverVideoConstraints says what a receiver wants to see. Nil means
	// absent: what was said before stays.
	ReceiverVideoConstraints struct {
		LastN               *int                   `json:"lastN,omitempty"` // -1: no limit
		SelectedSources     []string               `json:"selectedSources,omitzero"`
		OnStageSources      []string               `json:"onStageSources,omitzero"`
		DefaultConstraints  *Constraints           `json:"defaultConstraints,omitempty"`
		Constraints         map[string]Constraints `json:"constraints,omitzero"` // by source name
		AssumedBandwidthBps *int64                 `json:"assumedBandwidthBps,omitempty"`
	}

	// ReceiverAudioSubscription says what a receiver wants to hear. The
	// older form with mode and list is translated by Parse.
	ReceiverAudioSubscription struct {
		All     bool     `json:"all"`
		Include []string `json:"include,omitempty"` // source names
		Exclude []string `json:"exclude,omitempty"`
	}

	// LastNChangedEvent sets last-n alone.
	LastNChangedEvent struct {
		LastN int `json:"lastN"`
	}

	// SourceVideoTypeMessage tells what kind of video a source carries.
	// EndpointID names the source's owner between bridges.
	SourceVideoTypeMessage struct {
		VideoType  VideoType `json:"videoType"`
		SourceName string    `json:"sourceName"`
		EndpointID string    `json:"endpointId,omitempty"`
	}

	// VideoTypeMessage is SourceVideoTypeMessage for an endpoint's first
	// video source.
	VideoTypeMessage struct {
		VideoType VideoType `json:"videoType"`
	}

	// ClientHello asks for a ServerHello.
	ClientHello struct{}
)

// Messages of the bridge.
type (
	// ServerHello greets a web socket.
	ServerHello struct {
		Version string `json:"version,omitempty"`
	}

	// DominantSpeakerEndpointChangeEvent announces the order of speakers.
	DominantSpeakerEndpointChangeEvent struct {
		DominantSpeakerEndpoint string   `json:"dominantSpeakerEndpoint"`
		PreviousSpeakers        []string `json:"previousSpeakers"`
		Silence                 bool     `json:"silence"`
	}

	// EndpointConnectivityStatusChangeEvent announces that an endpoint fell
	// silent on the network, or came back. On the wire Active is a string.
	EndpointConnectivityStatusChangeEvent struct {
		Endpoint string `json:"endpoint"`
		Active   bool   `json:"active,string"`
	}

	// ForwardedSources lists the video sources that a receiver gets.
	ForwardedSources struct {
		ForwardedSources []string `json:"forwardedSources"`
	}

	// SenderSourceConstraints tells a sender how much of a source anybody
	// wants: -1 all it can, 0 nothing.
	SenderSourceConstraints struct {
		SourceName string `json:"sourceName"`
		MaxHeight  int    `json:"maxHeight"`
	}

	// VideoSourcesMap tells which source is sent on which SSRCs.
	VideoSourcesMap struct {
		MappedSources []VideoSource `json:"mappedSources"`
	}

	// AudioSourcesMap tells which source is sent on which SSRC.
	AudioSourcesMap struct {
		MappedSources []AudioSource `json:"mappedSources"`
	}

	// ConnectionStats tells a receiver the bridge's estimate, in bit/s.
	ConnectionStats struct {
		EstimatedDownlinkBandwidth int64 `json:"estimatedDownlinkBandwidth"`
	}

	// SyntheticSourceSendingChangeEvent tells that a synthetic source starts
	// or stops at an RTP timestamp of 48 kHz.
	SyntheticSourceSendingChangeEvent struct {
		SourceName string `json:"sourceName"`
		Sending    bool   `json:"sending"`
		Timestamp  uint32 `json:"timestamp"`
	}

	// AddReceiver tells the bridge that owns a source what the sending
	// bridge's receivers want of it.
	AddReceiver struct {
		BridgeID         string      `json:"bridgeId"`
		SourceName       string      `json:"sourceName"`
		VideoConstraints Constraints `json:"videoConstraints"`
	}
)

// VideoSource is one entry of a VideoSourcesMap.
type VideoSource struct {
	Source    string    `json:"source"`
	Owner     string    `json:"owner"`
	SSRC      uint32    `json:"ssrc"`
	RTX       int64     `json:"rtx"` // -1: none
	VideoType VideoType `json:"videoType"`
	MID       string    `json:"mid,omitempty"`
}

// AudioSource is one entry of an AudioSourcesMap.
type AudioSource struct {
	Source string `json:"source"`
	Owner  string `json:"owner"`
	SSRC   uint32 `json:"ssrc"`
	MID    string `json:"mid,omitempty"`
}

// VideoType is what a video source carries. Parse folds case.
type VideoType string

// The video types, as they are written.
const (
	VideoCamera         VideoType = "CAMERA"
	VideoDesktop        VideoType = "DESKTOP"
	VideoDesktopHighFPS VideoType = "DESKTOP_HIGH_FPS"
	VideoNone           VideoType = "NONE" // muted
)

// EndpointMessage is a message from one application to another.
type EndpointMessage struct {
	To   string // endpoint id, empty: everybody
	From string // as the sender wrote it, not to be believed
	envelope
}

// EndpointStats carries the statistics of a client to the others.
type EndpointStats struct {
	From string // as the sender wrote it, not to be believed
	envelope
}

// Class implements Message.
func (*ReceiverVideoConstraints) Class() string { return "ReceiverVideoConstraints" }

// Class implements Message.
func (*ReceiverAudioSubscription) Class() string { return "ReceiverAudioSubscription" }

// Class implements Message.
func (*LastNChangedEvent) Class() string { return "LastNChangedEvent" }

// Class implements Message.
func (*SourceVideoTypeMessage) Class() string { return "SourceVideoTypeMessage" }

// Class implements Message.
func (*VideoTypeMessage) Class() string { return "VideoTypeMessage" }

// Class implements Message.
func (*ClientHello) Class() string { return "ClientHello" }

// Class implements Message.
func (*ServerHello) Class() string { return "ServerHello" }

// Class implements Message.
func (*DominantSpeakerEndpointChangeEvent) Class() string {
	return "DominantSpeakerEndpointChangeEvent"
}

// Class implements Message.
func (*EndpointConnectivityStatusChangeEvent) Class() string {
	return "EndpointConnectivityStatusChangeEvent"
}

// Class implements Message.
func (*ForwardedSources) Class() string { return "ForwardedSources" }

// Class implements Message.
func (*SenderSourceConstraints) Class() string { return "SenderSourceConstraints" }

// Class implements Message.
func (*VideoSourcesMap) Class() string { return "VideoSourcesMap" }

// Class implements Message.
func (*AudioSourcesMap) Class() string { return "AudioSourcesMap" }

// Class implements Message.
func (*ConnectionStats) Class() string { return "ConnectionStats" }

// Class implements Message.
func (*SyntheticSourceSendingChangeEvent) Class() string {
	return "SyntheticSourceSendingChangeEvent"
}

// Class implements Message.
func (*AddReceiver) Class() string { return "AddReceiver" }

// Class implements Message.
func (*EndpointMessage) Class() string { return "EndpointMessage" }

// Class implements Message.
func (*EndpointStats) Class() string { return "EndpointStats" }
