package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"steg/tests/load/endpoint"
)

// report is the outcome of one measurement.
type report struct {
	Bridge            string
	Calls             int
	Endpoints         int // in all calls
	Seconds           float64
	StartMillis       int64 // from the start of the process to the brewery; 0: unknown
	SetUpSeconds      float64
	PacketsIn         float64 // per second, media and feedback
	PacketsForwarded  float64 // per second
	MegabitsForwarded float64 // per second, RTP without UDP and IP
	CPU               float64 // cores
	MicrosPerPacket   float64 // of CPU time, by forwarded packets
	UserMicros        float64
	SystemMicros      float64
	LossPercent       float64
	LatencyP50Micros  int64
	LatencyP99Micros  int64
	ResidentIdleKiB   int
	ResidentKiB       int
	ResidentPerKiB    float64 // per endpoint, above idle
	ThreadsIdle       int
	Threads           int
	GoroutinesIdle    int // 0: unknown
	Goroutines        int
	GoroutinesPer     float64
	AllocationsPer    float64 // per forwarded packet, of the whole bridge
	LoadCPU           float64 // cores used by this program
	OtherCPU          float64 // cores used by everybody else
	DroppedHere       uint32  // datagrams that this program did not read in time, contained in the loss
	Problems          uint64  // gaps in pictures, duplicates, packets and messages that do not parse
	Counts            endpoint.Stats
	CallOptions       endpoint.CallOptions
}

func newReport(o options, idle process, before, after moment, s *endpoint.Stats) *report {
	r := &report{
		Bridge: o.bridge, Calls: o.calls, Endpoints: o.calls * o.call.Endpoints, Counts: *s, CallOptions: o.call,
		Seconds:         after.at.Sub(before.at).Seconds(),
		ResidentIdleKiB: idle.residentKiB, ResidentKiB: after.bridge.residentKiB,
		ThreadsIdle: idle.threads, Threads: after.bridge.threads,
		GoroutinesIdle: idle.goroutines, Goroutines: after.bridge.goroutines,
		LatencyP50Micros: s.Latency.Quantile(0.5).Microseconds(), LatencyP99Micros: s.Latency.Quantile(0.99).Microseconds(),
		DroppedHere: after.dropped - before.dropped,
		Problems:    s.PictureGaps + s.Duplicates + s.BadVideo + s.Rejected + s.BadMessages,
	}
	if o.command != "" {
		r.Bridge = "command"
	}
	cores := func(d time.Duration) float64 { return d.Seconds() / r.Seconds }
	r.CPU = cores(after.bridge.cpu() - before.bridge.cpu())
	r.LoadCPU = cores(after.own.cpu() - before.own.cpu())
	r.OtherCPU = cores(after.busy-before.busy) - r.CPU - r.LoadCPU
	forwarded := float64(s.Received + s.RTX)
	r.PacketsIn = float64(s.Sent) / r.Seconds
	r.PacketsForwarded = forwarded / r.Seconds
	r.MegabitsForwarded = float64(s.Bytes) * 8 / 1e6 / r.Seconds
	if forwarded > 0 {
		r.UserMicros = (after.bridge.user - before.bridge.user).Seconds() * 1e6 / forwarded
		r.SystemMicros = (after.bridge.system - before.bridge.system).Seconds() * 1e6 / forwarded
		r.LossPercent = float64(s.Lost) * 100 / (forwarded + float64(s.Lost))
	}
	if n := after.bridge.allocations - before.bridge.allocations; forwarded > 0 {
		r.AllocationsPer = float64(n) / forwarded
	}
	r.MicrosPerPacket = r.UserMicros + r.SystemMicros
	r.ResidentPerKiB = float64(r.ResidentKiB-r.ResidentIdleKiB) / float64(r.Endpoints)
	r.GoroutinesPer = float64(r.Goroutines-r.GoroutinesIdle) / float64(r.Endpoints)
	return r
}

func (r *report) print(out io.Writer, verbose bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", a...) }
	row("bridge", "%s", r.Bridge)
	row("calls x endpoints", "%d x %d, set up in %.1f s, measured for %.1f s", r.Calls, r.Endpoints/max(r.Calls, 1), r.SetUpSeconds, r.Seconds)
	row("packets in", "%.0f /s", r.PacketsIn)
	row("packets forwarded", "%.0f /s, %.1f Mbit/s", r.PacketsForwarded, r.MegabitsForwarded)
	row("CPU per packet", "%.2f us (user %.2f, system %.2f)", r.MicrosPerPacket, r.UserMicros, r.SystemMicros)
	row("CPU", "%.2f cores", r.CPU)
	row("loss", "%.3f %%, of it %d packets by this program", r.LossPercent, r.DroppedHere)
	row("latency", "p50 %d us, p99 %d us", r.LatencyP50Micros, r.LatencyP99Micros)
	if r.StartMillis > 0 {
		row("start", "%d ms until in the brewery", r.StartMillis)
	}
	row("memory", "%.1f MiB idle, %.1f MiB, %.0f KiB per endpoint",
		float64(r.ResidentIdleKiB)/1024, float64(r.ResidentKiB)/1024, r.ResidentPerKiB)
	row("threads", "%d idle, %d", r.ThreadsIdle, r.Threads)
	if r.Goroutines > 0 {
		row("allocations", "%.4f per forwarded packet, all of the bridge's work", r.AllocationsPer)
		row("goroutines", "%d idle, %d, %.1f per endpoint", r.GoroutinesIdle, r.Goroutines, r.GoroutinesPer)
	}
	row("problems", "%d", r.Problems)
	row("other CPU", "%.2f cores this program, %.2f cores others", r.LoadCPU, r.OtherCPU)
	_ = w.Flush()
	if verbose {
		fmt.Fprintf(out, "%+v\n", r.Counts)
	}
}
