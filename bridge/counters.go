package bridge

import "sync/atomic"

// counters count what the bridge did since it started. None of them says
// anything of a person.
type counters struct {
	packetsIn, packetsOut atomic.Uint64 // media taken in, media forwarded
	retransmitted         atomic.Uint64
	unprotected           atomic.Uint64 // not sent: could not be encrypted
	keyframeRequests      atomic.Uint64

	conferencesCreated, conferencesEnded atomic.Uint64
	conferenceSeconds                    atomic.Uint64 // of conferences that ended
	endpointsJoined, endpointsExpired    atomic.Uint64
	visitorsJoined                       atomic.Uint64
	disconnected, reconnected            atomic.Uint64
	speakerChanges                       atomic.Uint64
	failed                               atomic.Uint64 // endpoints whose ICE or DTLS failed
	connected                            atomic.Uint64
	refused                              atomic.Uint64 // requests
	badTransports                        atomic.Uint64 // credentials of peers that could not be used
	noSlot                               atomic.Uint64 // sources that a receiver could not be given
	panics                               atomic.Uint64

	messagesIn, socketMessagesIn atomic.Uint64 // over data channels, over websockets
	badMessages, droppedMessages atomic.Uint64
}
