package transport

import "sync/atomic"

// counters are the live values behind Stats. All are written with single
// atomic additions: readers of them may see one datagram counted and its
// bytes not yet.
type counters struct {
	datagramsIn, bytesIn   atomic.Uint64
	datagramsOut, bytesOut atomic.Uint64
	sendCalls              atomic.Uint64

	dropShort, dropLong, dropUnknown, dropKind atomic.Uint64
	dropSTUN, dropQueue, dropEarly             atomic.Uint64
	dropUnselected, dropSend                   atomic.Uint64

	authFailures, replays     atomic.Uint64
	dtlsFailures, iceFailures atomic.Uint64
	iceRestarts               atomic.Uint64
	channels, dropChannels    atomic.Uint64
}

// Stats returns a snapshot of the counters.
func (m *Mux) Stats() Stats {
	c := &m.count
	m.mu.Lock()
	n := len(m.transports)
	m.mu.Unlock()
	return Stats{
		DatagramsIn: c.datagramsIn.Load(), BytesIn: c.bytesIn.Load(),
		DatagramsOut: c.datagramsOut.Load(), BytesOut: c.bytesOut.Load(),
		SendCalls: c.sendCalls.Load(), Transports: n,
		DropShort: c.dropShort.Load(), DropLong: c.dropLong.Load(),
		DropUnknown: c.dropUnknown.Load(), DropKind: c.dropKind.Load(),
		DropSTUN: c.dropSTUN.Load(), DropQueue: c.dropQueue.Load(),
		DropEarly: c.dropEarly.Load(), DropUnselected: c.dropUnselected.Load(),
		DropSend: c.dropSend.Load(), AuthFailures: c.authFailures.Load(),
		Replays: c.replays.Load(), DTLSFailures: c.dtlsFailures.Load(),
		ICEFailures: c.iceFailures.Load(), ICERestarts: c.iceRestarts.Load(),
		Channels: c.channels.Load(), DropChannels: c.dropChannels.Load(),
	}
}
