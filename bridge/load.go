package bridge

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"steg/bridge/transport"
)

// loadMeter turns what the machine and the bridge did since the last
// measurement into rates.
type loadMeter struct {
	mu    sync.Mutex
	at    time.Duration
	cpu   cpuTimes
	stats transport.Stats
	now   rates
}

// rates are per second; bit rates in bit/s.
type rates struct {
	cpu                   float64 // busy fraction of the whole machine, stolen time included
	packetsIn, packetsOut float64
	bitsIn, bitsOut       float64
}

// measure takes a sample; the clock calls it every ten seconds. The focus hears
// at once when the bridge's health has changed.
func (b *Bridge) measure() {
	if ill := b.Healthy() != nil; b.ill.Swap(ill) != ill {
		b.changed()
	}
	cpu, stats, now := readCPU(), b.mux.Stats(), b.mux.Now()
	l := &b.load
	l.mu.Lock()
	defer l.mu.Unlock()
	if seconds := (now - l.at).Seconds(); seconds > 0 && l.at != 0 {
		l.now = rates{
			cpu:        cpu.busySince(l.cpu),
			packetsIn:  float64(stats.DatagramsIn-l.stats.DatagramsIn) / seconds,
			packetsOut: float64(stats.DatagramsOut-l.stats.DatagramsOut) / seconds,
			bitsIn:     8 * float64(stats.BytesIn-l.stats.BytesIn) / seconds,
			bitsOut:    8 * float64(stats.BytesOut-l.stats.BytesOut) / seconds,
		}
	}
	l.at, l.cpu, l.stats = now, cpu, stats
}

func (l *loadMeter) rates() rates {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// stress is the load as a fraction of what the bridge should bear; it may
// exceed 1.
func (b *Bridge) stress() float64 {
	r, cfg := b.load.rates(), b.cfg.Load
	if cfg.Measurement == "packet-rate" {
		return (r.packetsIn + r.packetsOut) / max(1, cfg.PacketRateLoad)
	}
	return r.cpu / max(0.01, cfg.CPULoad)
}

// cpuTimes are ticks of all processors since the machine started.
type cpuTimes struct{ busy, total float64 }

// readCPU reads the first line of /proc/stat (proc(5)): user, nice, system,
// idle, iowait, irq, softirq, steal. Elsewhere the load stays 0.
func readCPU() cpuTimes {
	if runtime.GOOS != "linux" {
		return cpuTimes{}
	}
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return cpuTimes{}
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var t cpuTimes
	for i, f := range bytes.Fields(line) {
		if i == 0 || i > 8 {
			continue
		}
		v, err := strconv.ParseFloat(string(f), 64)
		if err != nil {
			return cpuTimes{}
		}
		t.total += v
		if i != 4 && i != 5 { // neither idle nor waiting for a disk
			t.busy += v
		}
	}
	return t
}

func (t cpuTimes) busySince(old cpuTimes) float64 {
	if t.total <= old.total {
		return 0
	}
	return (t.busy - old.busy) / (t.total - old.total)
}
