package bridge

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"steg/bridge/message"
)

// sender is an open bridge channel: a web socket or a data channel. Send takes
// a message that nobody changes any more, never blocks, and fails when its
// queue is full or the channel is closed.
type sender interface {
	Send(text []byte) error
}

// stateClass orders the state that an endpoint is told; a new channel gets the
// classes in this order, after ServerHello.
type stateClass int

const (
	senderConstraints stateClass = iota
	forwardedSources
	audioSources
	videoSources
	connectivity
	dominantSpeaker
	stateClasses
)

// outbox holds what one endpoint is to be told over its bridge channel.
//
// State (what is forwarded, who speaks, which SSRC carries what) is kept as
// the latest value of each slot. It goes out when it changes, waits while no
// channel is open or the channel's queue is full, and is told again as a whole
// when a channel opens. Events are sent now or dropped and counted.
//
// An endpoint may have two channels; messages go to the one that opened or
// carried data last. Safe for concurrent use; the mutex is a leaf and is held
// while Send queues a message.
type outbox struct {
	mu       sync.Mutex
	channels []sender // open ones, the last is in use
	hello    []byte   // waiting for the channel in use, or nil
	state    [stateClasses][]slot
	dropped  uint64
	closed   bool
}

// slot is the latest value of one piece of state.
type slot struct {
	key  string // source name, SSRC or endpoint id; "" where the class has one slot
	text []byte // a message; of the source maps: one mapping
	sent bool   // over the channel in use
	told bool   // over any channel, some value
}

func newOutbox() *outbox {
	o := &outbox{}
	o.state[forwardedSources] = []slot{{text: message.Marshal(&message.ForwardedSources{})}}
	return o
}

// Open puts a new channel to use and tells it all state; hello is nil for a
// channel without greeting.
func (o *outbox) Open(s sender, hello []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.channels = append(o.channels, s)
	o.hello = hello
	o.tellAll()
}

// Use makes s, which has carried data, the channel in use.
func (o *outbox) Use(s sender) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := len(o.channels) - 1
	if i := slices.Index(o.channels, s); i >= 0 && i < last {
		o.channels[i], o.channels[last] = o.channels[last], s
		o.hello = nil
	}
}

// Closed takes a channel out of use. What it may have lost is told again over
// the one that is left.
func (o *outbox) Closed(s sender) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.Index(o.channels, s)
	if i < 0 {
		return
	}
	inUse := i == len(o.channels)-1
	o.channels = slices.Delete(o.channels, i, i+1)
	if inUse {
		o.hello = nil
		o.tellAll()
	}
}

// close forgets channels and state; nothing is sent from now on.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.channels, o.hello = nil, nil
	clear(o.state[:])
}

// IsOpen says whether the endpoint has a channel.
func (o *outbox) IsOpen() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.channels) > 0
}

// Retry sends state that found no place before; it reports whether some is
// still waiting for the channel that is open.
func (o *outbox) Retry() (waiting bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.flush()
}

// Event sends a message now or never; it reports whether it was sent.
func (o *outbox) Event(text []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.channels) > 0 && o.channels[len(o.channels)-1].Send(text) == nil {
		return true
	}
	o.dropped++
	return false
}

// Dropped counts the events that were not sent.
func (o *outbox) Dropped() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

// ForwardedSources keeps the message of that class.
func (o *outbox) ForwardedSources(text []byte) { o.set(forwardedSources, "", text) }

// DominantSpeaker keeps the DominantSpeakerEndpointChangeEvent.
func (o *outbox) DominantSpeaker(text []byte) { o.set(dominantSpeaker, "", text) }

// SenderConstraints keeps the SenderSourceConstraints of one own source of the
// endpoint; nil text forgets the source.
func (o *outbox) SenderConstraints(source string, text []byte) {
	o.set(senderConstraints, source, text)
}

// AudioMappings keeps entries of AudioSourcesMap by SSRC; what the receiver
// does not know yet is sent as one message.
func (o *outbox) AudioMappings(entries ...message.AudioSource) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range entries {
		o.putMapping(audioSources, e.SSRC, e)
	}
	o.flush()
}

// VideoMappings is AudioMappings for VideoSourcesMap.
func (o *outbox) VideoMappings(entries ...message.VideoSource) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range entries {
		o.putMapping(videoSources, e.SSRC, e)
	}
	o.flush()
}

func (o *outbox) putMapping(class stateClass, ssrc uint32, entry any) {
	text, err := json.Marshal(entry)
	if err != nil {
		panic("outbox: " + err.Error()) // cannot be: strings and integers only
	}
	o.put(class, ssrcKey(ssrc), text)
}

// Unmap forgets the entries of SSRCs that carry nothing any more.
func (o *outbox) Unmap(ssrcs ...uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ssrc := range ssrcs {
		o.put(audioSources, ssrcKey(ssrc), nil)
		o.put(videoSources, ssrcKey(ssrc), nil)
	}
}

func ssrcKey(ssrc uint32) string { return strconv.FormatUint(uint64(ssrc), 10) }

// Connectivity keeps the EndpointConnectivityStatusChangeEvent about another
// endpoint; nil text forgets that endpoint. Receivers suppose that an endpoint
// is active, so nothing is said of one that never was anything else.
func (o *outbox) Connectivity(endpoint string, active bool, text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := o.find(connectivity, endpoint); active && (i < 0 || !o.state[connectivity][i].told) {
		text = nil
	}
	o.put(connectivity, endpoint, text)
	o.flush()
}

func (o *outbox) set(class stateClass, key string, text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(class, key, text)
	o.flush()
}

func (o *outbox) find(class stateClass, key string) int {
	return slices.IndexFunc(o.state[class], func(s slot) bool { return s.key == key })
}

func (o *outbox) put(class stateClass, key string, text []byte) {
	if o.closed {
		return
	}
	i := o.find(class, key)
	switch {
	case text == nil && i >= 0:
		o.state[class] = slices.Delete(o.state[class], i, i+1)
	case text == nil:
	case i < 0:
		o.state[class] = append(o.state[class], slot{key: key, text: text})
	case !bytes.Equal(o.state[class][i].text, text):
		o.state[class][i].text = text
		o.state[class][i].sent = false
	}
}

// tellAll sends all state over the channel in use, if any.
func (o *outbox) tellAll() {
	for _, slots := range o.state {
		for i := range slots {
			slots[i].sent = false
		}
	}
	o.flush()
}

// flush sends what has not been sent, in the order of the classes, up to the
// first message that finds no place; it reports whether nothing is left.
func (o *outbox) flush() bool {
	if len(o.channels) == 0 {
		return true
	}
	s := o.channels[len(o.channels)-1]
	if o.hello != nil {
		if s.Send(o.hello) != nil {
			return false
		}
		o.hello = nil
	}
	for class, slots := range o.state {
		sent := false
		switch stateClass(class) {
		case audioSources:
			sent = sendMap(s, "AudioSourcesMap", slots)
		case videoSources:
			sent = sendMap(s, "VideoSourcesMap", slots)
		default:
			sent = sendSlots(s, slots)
		}
		if !sent {
			return false
		}
	}
	return true
}

func sendSlots(s sender, slots []slot) bool {
	for i := range slots {
		if slots[i].sent {
			continue
		}
		if s.Send(slots[i].text) != nil {
			return false
		}
		slots[i].sent, slots[i].told = true, true
	}
	return true
}

// sendMap sends the mappings that the receiver does not know as one message.
func sendMap(s sender, class string, slots []slot) bool {
	var text []byte
	for _, m := range slots {
		switch {
		case m.sent:
			continue
		case text == nil:
			text = append(text, `{"colibriClass":"`+class+`","mappedSources":[`...)
		default:
			text = append(text, ',')
		}
		text = append(text, m.text...)
	}
	if text == nil {
		return true
	}
	if s.Send(append(text, "]}"...)) != nil {
		return false
	}
	for i := range slots {
		slots[i].sent, slots[i].told = true, true
	}
	return true
}
