package bridge

import (
	"sync"
	"time"

	"steg/bridge/ingress"
	"steg/bridge/message"
	"steg/bridge/packet"
)

// parseVideoType reads a type as the focus writes it; anything unknown is a
// camera.
func parseVideoType(s string) (message.VideoType, bool) {
	switch t := message.VideoType(upper(s)); t {
	case message.VideoCamera, message.VideoDesktop, message.VideoDesktopHighFPS, message.VideoNone:
		return t, true
	case "DISABLED":
		return message.VideoNone, true
	default:
		return message.VideoCamera, false
	}
}

// source is one audio or video signal of an endpoint.
type source struct {
	// Set once.
	packet.Source
	owner     *Endpoint
	in        *ingress.Source
	synthetic bool
	keyframes keyframeLimit

	// Control state, owned by the conference's queue.
	video      message.VideoType
	constraint int  // greatest height that any receiver wants; -1: no limit
	told       bool // the owner knows a constraint
}

// keyframeLimit bounds keyframe requests towards one source, whoever asks. It
// is a leaf lock.
type keyframeLimit struct {
	mu       sync.Mutex
	last     time.Duration
	pending  bool // one was refused; it goes out when the interval is over
	encoding int
	fir      uint8
}

// allow reports whether a request may go out now. A refused one is kept: due
// lets it out later, so that nobody waits for a request that was swallowed.
func (k *keyframeLimit) allow(encoding int, now, interval time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != 0 && now-k.last < interval {
		k.pending, k.encoding = true, max(encoding, 0)
		return false
	}
	k.last, k.pending = now, false
	return true
}

// due returns the encoding of a request that waited out its interval.
func (k *keyframeLimit) due(now, interval time.Duration) (encoding int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.pending || now-k.last < interval {
		return 0, false
	}
	k.last, k.pending = now, false
	return k.encoding, true
}

// satisfied forgets a waiting request: a keyframe came.
func (k *keyframeLimit) satisfied() {
	k.mu.Lock()
	k.pending = false
	k.mu.Unlock()
}

// nextFIR numbers full intra requests (RFC 5104 section 4.3.1).
func (k *keyframeLimit) nextFIR() uint8 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fir++
	return k.fir
}
