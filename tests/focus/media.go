package focus

import (
	"strconv"

	"steg/colibri"
)

// The header extensions that Jicofo offers, with its numbers.
const (
	uriAudioLevel   = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriAbsSendTime  = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportSeq = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriMID          = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriDependency   = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// DefaultMedia is what Jicofo offers to a current browser: Opus, and AV1,
// VP8, H.264 and VP9 with retransmission, with Jicofo's numbers.
func DefaultMedia() []colibri.Media {
	transportCC := colibri.RTCPFeedback{Type: "transport-cc"}
	audio := colibri.Media{
		Type: colibri.Audio, ExtmapAllowMixed: true,
		PayloadTypes: []colibri.PayloadType{
			{ID: 111, Name: "opus", ClockRate: 48000, Channels: 2, Feedback: []colibri.RTCPFeedback{transportCC},
				Parameters: []colibri.Parameter{{Name: "minptime", Value: "10"}, {Name: "useinbandfec", Value: "1"}}},
			{ID: 126, Name: "telephone-event", ClockRate: 8000, Channels: 1},
		},
		HdrExts: []colibri.HdrExt{{ID: 1, URI: uriAudioLevel}, {ID: 10, URI: uriMID}, {ID: 5, URI: uriTransportSeq}},
	}
	video := colibri.Media{
		Type: colibri.Video, ExtmapAllowMixed: true,
		PayloadTypes: []colibri.PayloadType{
			videoType(41, "AV1"), videoType(100, "VP8"),
			videoType(107, "H264", colibri.Parameter{Name: "profile-level-id", Value: "42e01f;level-asymmetry-allowed=1;packetization-mode=1;"}),
			videoType(101, "VP9"),
			rtxType(42, 41), rtxType(96, 100), rtxType(97, 101), rtxType(99, 107),
		},
		HdrExts: []colibri.HdrExt{
			{ID: 11, URI: uriDependency}, {ID: 10, URI: uriMID}, {ID: 3, URI: uriAbsSendTime}, {ID: 5, URI: uriTransportSeq},
		},
	}
	return []colibri.Media{audio, video}
}

func videoType(id uint8, name string, parameters ...colibri.Parameter) colibri.PayloadType {
	return colibri.PayloadType{
		ID: id, Name: name, ClockRate: 90000, Channels: 1, Parameters: parameters,
		Feedback: []colibri.RTCPFeedback{
			{Type: "ccm", Subtype: "fir"}, {Type: "nack"}, {Type: "nack", Subtype: "pli"}, {Type: "transport-cc"},
		},
	}
}

func rtxType(id, apt uint8) colibri.PayloadType {
	return colibri.PayloadType{
		ID: id, Name: "rtx", ClockRate: 90000, Channels: 1,
		Parameters: []colibri.Parameter{{Name: "apt", Value: strconv.Itoa(int(apt))}},
	}
}
