package bridge

import (
	"runtime"
	"strconv"
	"time"

	"steg/bridge/packet"
	"steg/colibri"
)

// Figures are the statistics of this moment, under the names that the Jitsi
// Videobridge gives them. No value concerns a person.
type Figures struct {
	list colibri.Stats
}

// Statistics are what presence and /colibri/stats publish.
func (b *Bridge) Statistics() []colibri.Stat {
	f := &Figures{}
	b.stateFigures(f)
	b.sizeFigures(f)
	b.rateFigures(f)
	b.totalFigures(f)
	return f.list
}

func (f *Figures) text(name, value string) {
	f.list = append(f.list, colibri.Stat{Name: name, Value: value})
}

func (f *Figures) flag(name string, v bool) { f.text(name, strconv.FormatBool(v)) }

func (f *Figures) count(name string, v uint64) { f.text(name, strconv.FormatUint(v, 10)) }

func (f *Figures) number(name string, v float64) {
	f.text(name, strconv.FormatFloat(v, 'f', -1, 64))
}

func (b *Bridge) stateFigures(f *Figures) {
	f.number("stress_level", roundTo(b.stress(), 1000))
	f.number("average_participant_stress", b.cfg.Load.AverageParticipantStress)
	f.flag("healthy", b.Healthy() == nil)
	f.flag("drain", b.drain.Load())
	f.flag("graceful_shutdown", b.graceful.Load())
	f.flag("shutting_down", b.shuttingDown.Load())
	f.text("version", b.version)
	f.text("current_timestamp", time.Now().UTC().Format("2006-01-02 15:04:05.000"))
	if b.cfg.Version.Release != "" {
		f.text("release", b.cfg.Version.Release)
	}
	if b.cfg.Relay.Region != "" {
		f.text("region", b.cfg.Relay.Region)
	}
}

func roundTo(v, steps float64) float64 { return float64(int64(v*steps+0.5)) / steps }

// sizes count conferences and endpoints.
type sizes struct {
	conferences, inactive, pairs, largest uint64
	endpoints, visitors, idle, silent     uint64
	audio, video                          uint64
}

func (b *Bridge) sizes() sizes {
	var s sizes
	for _, c := range b.all(nil) {
		roster := *c.roster.Load()
		n := uint64(len(roster))
		s.conferences++
		s.endpoints += n
		s.largest = max(s.largest, n)
		var senders uint64
		for _, e := range roster {
			audio, video := e.sending()
			s.audio += bit(audio)
			s.video += bit(video)
			s.visitors += bit(e.visitor)
			senders += bit(audio || video)
		}
		if senders == 0 {
			s.inactive++
			s.idle += n
			s.pairs += bit(n == 2)
		} else {
			s.silent += n - senders
		}
	}
	return s
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

// sending tells what an endpoint sends at present.
func (e *Endpoint) sending() (audio, video bool) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	for _, s := range e.in.Sources() {
		for _, l := range s.Layers() {
			if l.Active {
				audio = audio || s.Kind == packet.Audio
				video = video || s.Kind == packet.Video
			}
		}
	}
	return audio, video
}

func (b *Bridge) sizeFigures(f *Figures) {
	s := b.sizes()
	f.count("conferences", s.conferences)
	f.count("inactive_conferences", s.inactive)
	f.count("p2p_conferences", s.pairs)
	f.count("largest_conference", s.largest)
	f.count("octo_conferences", 0)
	f.count("octo_endpoints", 0)
	f.count("endpoints", s.endpoints)
	f.count("participants", s.endpoints)
	f.count("local_endpoints", s.endpoints)
	f.count("local_active_endpoints", s.endpoints-s.idle)
	f.count("inactive_endpoints", s.idle)
	f.count("receive_only_endpoints", s.silent)
	f.count("visitors", s.visitors)
	f.count("endpoints_sending_audio", s.audio)
	f.count("endpoints_sending_video", s.video)
}

func (b *Bridge) rateFigures(f *Figures) {
	r := b.load.rates()
	f.count("bit_rate_download", uint64(r.bitsIn/1000))
	f.count("bit_rate_upload", uint64(r.bitsOut/1000))
	f.count("packet_rate_download", uint64(r.packetsIn))
	f.count("packet_rate_upload", uint64(r.packetsOut))
	rtt, loss := b.linkFigures()
	f.number("rtt_aggregate", roundTo(rtt, 100))
	f.number("outgoing_loss", roundTo(loss, 1000))
	f.count("threads", uint64(runtime.NumGoroutine()))
}

// linkFigures are the mean round trip (ms) and loss over all endpoints that
// report them.
func (b *Bridge) linkFigures() (rtt, loss float64) {
	var rtts, all float64
	for _, c := range b.all(nil) {
		for _, e := range *c.roster.Load() {
			e.outMu.Lock()
			s := e.out.Stats()
			e.outMu.Unlock()
			if s.RTT > 0 {
				rtt += float64(s.RTT) / float64(time.Millisecond)
				rtts++
			}
			loss += s.Loss
			all++
		}
	}
	return rtt / max(1, rtts), loss / max(1, all)
}

func (b *Bridge) totalFigures(f *Figures) {
	n, m := &b.counters, b.mux.Stats()
	f.count("total_conferences_created", n.conferencesCreated.Load())
	f.count("total_conferences_completed", n.conferencesEnded.Load())
	f.count("total_conference_seconds", n.conferenceSeconds.Load())
	f.count("total_participants", n.endpointsJoined.Load())
	f.count("total_visitors", n.visitorsJoined.Load())
	f.count("total_bytes_received", m.BytesIn)
	f.count("total_bytes_sent", m.BytesOut)
	f.count("total_packets_received", m.DatagramsIn)
	f.count("total_packets_sent", m.DatagramsOut)
	f.count("total_ice_succeeded", n.connected.Load())
	f.count("total_ice_failed", m.ICEFailures)
	f.count("dtls_failed_endpoints", m.DTLSFailures)
	f.count("endpoints_disconnected", n.disconnected.Load())
	f.count("endpoints_reconnected", n.reconnected.Load())
	f.count("total_dominant_speaker_changes", n.speakerChanges.Load())
	f.count("total_data_channel_messages_received", n.messagesIn.Load())
	f.count("total_colibri_web_socket_messages_received", n.socketMessagesIn.Load())
}
