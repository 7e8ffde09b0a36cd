package bridge

import (
	"sync/atomic"
	"time"

	"steg/bridge/egress"
	"steg/bridge/estimate"
	"steg/bridge/message"
	"steg/bridge/packet"
	"steg/bridge/transport"
	"steg/configs"
)

// bandwidth is the estimate towards one receiver and what is done with it:
// probes go out with every tick of the clock, and allocation hears of changes
// that matter to it.
type bandwidth struct {
	// Set once.
	ignore time.Duration // how long after the first tick the estimate is not believed

	// Guarded by the receiver's outMu.
	estimator *estimate.Estimator
	prober    *egress.Prober

	// Owned by the clock.
	began time.Duration
	hold  hold

	// Atomic. The clock writes the first, the queue the others.
	allowed atomic.Int64 // bit/s of everything; below 0: not known, no limit
	demand  atomic.Int64 // bit/s that would be sent without limit; below 0: not known
	used    atomic.Int64 // bit/s that allocation means to use
	trusted atomic.Bool  // the receiver gives the feedback that an estimate needs
}

// Audio is never held back, so some room is left for it.
const (
	audioStream  = 40_000 // bit/s
	audioStreams = 3      // that are heard at a time
)

func audioRoom(sources int) int64 { return audioStream * int64(min(sources, audioStreams)) }

// newBandwidth returns the estimate of a receiver, and the egress that feeds
// it. It is nil where the configuration does not want estimates to be trusted.
// ssrc is a video stream of the bridge's own.
func newBandwidth(cc configs.CC, c egress.Config, ssrc uint32) (*bandwidth, *egress.Egress) {
	if !cc.TrustBWE {
		return nil, egress.New(c)
	}
	w := &bandwidth{
		ignore: cc.InitialIgnoreBWE,
		estimator: estimate.New(estimate.Config{
			Initial: cc.InitialBandwidth, Min: cc.MinBandwidth, Max: cc.MaxBandwidth,
		}),
	}
	w.allowed.Store(-1)
	w.demand.Store(-1)
	c.Estimator = w.estimator
	out := egress.New(c)
	w.prober = egress.NewProber(out, ssrc)
	return w, out
}

// negotiated takes what the receiver can do. Without RTX it might answer
// lost probes with requests for keyframes, and without transport-wide
// feedback there is nothing to estimate from.
func (w *bandwidth) negotiated(pts []packet.PayloadType, x packet.Extensions) {
	if w == nil {
		return
	}
	rtx := false
	for _, pt := range pts {
		rtx = rtx || pt.Codec == packet.CodecRTX
	}
	w.trusted.Store(rtx && x.TCC != 0)
}

// tick lets the estimator act, sends what it wants probed, and reports
// whether allocation should run again.
func (w *bandwidth) tick(e *Endpoint, b *transport.Batch, now time.Duration) bool {
	if w == nil || !w.trusted.Load() || !e.transport.Ready() {
		return false
	}
	if w.began == 0 {
		w.began = now
	}
	estimate := w.probe(e, b, now)
	if now-w.began < w.ignore {
		return false
	}
	before := w.allowed.Load()
	allowed, changed := w.hold.follow(estimate, now)
	w.allowed.Store(allowed)
	return changed && (before < 0 || allowed < w.used.Load() || before < w.demand.Load())
}

// video is what allocation may give to video, with so many sources of audio;
// below 0 without limit. Without an estimate, w is nil.
func (w *bandwidth) video(audio int) int64 {
	if w == nil {
		return -1
	}
	allowed := w.allowed.Load()
	if allowed < 0 || !w.trusted.Load() {
		return -1
	}
	return max(allowed-audioRoom(audio), allowed/2)
}

// allocated takes what came of an allocation.
func (w *bandwidth) allocated(target, ideal int64, audio int) {
	if w == nil {
		return
	}
	w.used.Store(target + audioRoom(audio))
	w.demand.Store(ideal + audioRoom(audio))
}

// probe returns the present estimate.
func (w *bandwidth) probe(e *Endpoint, b *transport.Batch, now time.Duration) int64 {
	e.outMu.Lock()
	defer e.outMu.Unlock()
	w.estimator.SetDemand(w.demand.Load())
	w.estimator.Tick(now)
	p := w.estimator.Probe(now)
	for p.Bytes > 0 {
		dst := b.Reserve()
		n := w.prober.Probe(dst, p.Size, now)
		if n == 0 {
			break
		}
		p.Bytes -= n
		if n = e.protect(dst, n); n > 0 {
			b.Commit(e.transport, n)
		}
	}
	return w.estimator.Estimate()
}

// Rules of hold, as shares and times.
const (
	holdDown    = 0.95 // an estimate below this share of the allowed rate is followed at once
	holdUp      = 1.08 // one above this share when it has lasted
	holdFor     = time.Second
	holdFar     = 1.5 // an estimate above this share was proven by a probe: no need to wait long
	holdLongest = 16 * time.Second
	holdForget  = 30 * time.Second // a path without a decrease for so long is as good as new
)

// hold turns an estimate, which swings by a tenth all the time, into a rate
// that allocation can live with: it follows down quickly and up slowly, and
// the slower the more often it went down lately, so that a layer near the
// limit is not switched back and forth.
type hold struct {
	rate    int64
	down    time.Duration // latest decrease
	wait    time.Duration // from it until the next increase
	started bool
}

// follow takes the estimate and returns the rate to allow.
func (h *hold) follow(estimate int64, now time.Duration) (rate int64, changed bool) {
	switch {
	case !h.started:
		h.started, h.rate, h.wait = true, estimate, holdFor
		return h.rate, true
	case float64(estimate) < holdDown*float64(h.rate):
		switch {
		case now-h.down > holdForget || h.down == 0:
			h.wait = holdFor
		case now-h.down > h.wait: // one decrease may take several steps
			h.wait = min(2*h.wait, holdLongest)
		}
		h.rate, h.down = estimate, now
		return h.rate, true
	case float64(estimate) > holdUp*float64(h.rate) && h.over(float64(estimate) > holdFar*float64(h.rate), now):
		h.rate = estimate
		return h.rate, true
	}
	return h.rate, false
}

// over tells whether the time after the latest decrease is over.
func (h *hold) over(far bool, now time.Duration) bool {
	wait := h.wait
	if far {
		wait = min(wait, holdFor)
	}
	return h.down == 0 || now-h.down >= wait
}

// known is the estimate if there is one to be believed, in bit/s; else 0.
func (w *bandwidth) known() int64 {
	if w == nil || !w.trusted.Load() {
		return 0
	}
	return max(0, w.allowed.Load())
}

// tellBandwidth tells a receiver what the bridge thinks of its line.
func (e *Endpoint) tellBandwidth() {
	if known := e.bandwidth.known(); known > 0 && e.outbox.IsOpen() {
		e.outbox.Event(message.Marshal(&message.ConnectionStats{EstimatedDownlinkBandwidth: known}))
	}
}

// audioFeeds is how many sources of audio the receiver may hear. It runs on
// the queue.
func (e *Endpoint) audioFeeds() int {
	n := 0
	for s := range e.feeds {
		if s.Kind == packet.Audio {
			n++
		}
	}
	return n
}
