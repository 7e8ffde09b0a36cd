// Command load measures a bridge: it sets up calls of synthetic endpoints on
// it and prints what forwarding costs.
//
//	go run ./tests/load                          10 endpoints, everybody sends and sees everybody
//	go run ./tests/load -endpoints 3 -calls 15
//	go run ./tests/load -endpoints 50 -senders 1 -height 720
//	go run ./tests/load -bridge child -cpuprofile cpu.out
//	go run ./tests/load -command 'exec java … -Dconfig.file=$CONFIG …'
//
// The bridge is Steg's program behind a Prosody of its own (default), a
// bridge without XMPP in a child process of this program, which can write
// profiles, or any program that reads a jvb.conf and enters the brewery.
//
// Everything runs on this machine. The bridge's CPU time contains the
// kernel's work for delivery on loopback, which on a real network the
// receiver would do; compare bridges with each other, not with a data sheet.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"steg/tests/load/endpoint"
)

// options are the command line.
type options struct {
	call     endpoint.CallOptions
	calls    int
	warmup   time.Duration
	duration time.Duration
	bridge   string
	command  string
	profile  profiles
	verbose  bool
	json     string
}

func main() {
	var o options
	asBridge := flag.Bool("as-bridge", false, "be the child process of -bridge child")
	flag.IntVar(&o.call.Endpoints, "endpoints", 10, "endpoints in a call")
	flag.IntVar(&o.call.Senders, "senders", 0, "endpoints that send; 0: all")
	flag.IntVar(&o.call.Speakers, "speakers", 0, "senders that speak, the others are silent; 0: all")
	flag.BoolVar(&o.call.NoVideo, "no-video", false, "audio only")
	flag.BoolVar(&o.call.NoAudio, "no-audio", false, "video only")
	flag.BoolVar(&o.call.Loose, "loose", false, "send all encodings, whatever the bridge asks for")
	flag.IntVar(&o.call.Height, "height", 180, "video height wanted of everybody")
	flag.IntVar(&o.call.Stage, "stage", 720, "video height wanted of one other endpoint; 0: like the others")
	flag.IntVar(&o.calls, "calls", 1, "number of calls")
	flag.DurationVar(&o.warmup, "warmup", 5*time.Second, "time before the measurement")
	flag.DurationVar(&o.duration, "duration", 10*time.Second, "time of the measurement")
	flag.StringVar(&o.bridge, "bridge", "program", "program or child")
	flag.StringVar(&o.command, "command", "", "shell command that starts another bridge, with its jvb.conf in $CONFIG")
	flag.StringVar(&o.profile.cpu, "cpuprofile", "", "file for a CPU profile of -bridge child")
	flag.StringVar(&o.profile.heap, "memprofile", "", "file for a heap profile of -bridge child, taken during the call")
	flag.StringVar(&o.json, "json", "", "file for the figures as JSON")
	flag.BoolVar(&o.verbose, "v", false, "print all counts")
	flag.Parse()
	if *asBridge {
		os.Exit(bridgeMain(o.profile))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	b, err := startBridge(ctx, o)
	if err != nil {
		return err
	}
	defer b.stop()
	n, err := endpoint.NewNetwork()
	if err != nil {
		return err
	}
	defer n.Close()
	r, err := measure(ctx, o, b, n)
	if err != nil {
		return err
	}
	r.print(os.Stdout, o.verbose)
	if o.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(text, '\n'), 0o600)
}

// measure runs the calls and looks at the processes before and after.
func measure(ctx context.Context, o options, b *bridgeUnderTest, n *endpoint.Network) (*report, error) {
	if err := sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	idle, err := look(b.pid)
	if err != nil {
		return nil, err
	}
	idle.goruntime = b.goruntime(ctx)
	var calls []*endpoint.Call
	defer func() {
		for _, c := range calls {
			c.Close(context.WithoutCancel(ctx))
		}
	}()
	began := time.Now()
	for range o.calls {
		joining, cancel := context.WithTimeout(ctx, 60*time.Second)
		c, err := endpoint.NewCall(joining, n, b.signaller, o.call)
		cancel()
		if err != nil {
			return nil, errors.Join(err, errors.New(b.output()))
		}
		calls = append(calls, c)
	}
	setUp := time.Since(began)
	if err := sleep(ctx, o.warmup); err != nil {
		return nil, err
	}
	for _, c := range calls {
		c.Reset()
	}
	before, err := take(ctx, b, n)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, o.duration); err != nil {
		return nil, err
	}
	after, err := take(ctx, b, n)
	if err != nil {
		return nil, err
	}
	var sum endpoint.Stats
	for _, c := range calls {
		s := c.Stats()
		sum.Add(&s)
	}
	r := newReport(o, idle, before, after, &sum)
	r.StartMillis = b.start.Milliseconds()
	r.SetUpSeconds = setUp.Seconds()
	return r, nil
}

// moment is everything that is looked at before and after.
type moment struct {
	at      time.Time
	bridge  process
	own     process
	busy    time.Duration
	dropped uint32
}

func take(ctx context.Context, b *bridgeUnderTest, n *endpoint.Network) (moment, error) {
	g := b.goruntime(ctx)
	m := moment{at: time.Now(), busy: machineBusy(), dropped: n.Dropped()}
	var err error
	if m.bridge, err = look(b.pid); err != nil {
		return m, err
	}
	m.bridge.goruntime = g
	m.own, err = look(os.Getpid())
	return m, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
