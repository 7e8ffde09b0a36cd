package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"steg/bridge"
	"steg/bridge/rest"
	"steg/bridge/transport"
	"steg/configs"
	"steg/xmpp"
)

// leaveTimeout bounds how long the bridge takes to say goodbye.
const leaveTimeout = 3 * time.Second

// run reads the configuration and runs the bridge until a signal comes.
func run(file string, stderr io.Writer) int {
	cfg, warnings, err := configs.Load(configs.Options{File: file, Search: file == ""})
	if err != nil {
		fmt.Fprintf(stderr, "steg: the configuration cannot be used:\n%v\n", err)
		return exitConfig
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, "steg: warning:", w)
	}
	if os.Getenv("GOGC") == "" {
		// Most of the heap is buffers of packets that live for a while; the
		// packet path makes no garbage, so collecting twice as often costs
		// nothing that can be measured and saves a fifth of the memory.
		debug.SetGCPercent(50)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	if err := serve(cfg, configs.NewLogger(stderr, cfg.Log.Level), signals); err != nil {
		fmt.Fprintln(stderr, "steg:", err)
		return exitError
	}
	return exitOK
}

// serve wires the parts together, from the sockets outwards to Prosody, and
// takes them down in the opposite order.
func serve(cfg *configs.Config, log zerolog.Logger, signals <-chan os.Signal) error {
	mux, err := transport.Listen(transport.Config{ICE: cfg.ICE, DTLS: cfg.DTLS, SRTP: cfg.SRTP, SCTP: cfg.SCTP}, log)
	if err != nil {
		return err
	}
	b := bridge.New(*cfg, mux, version, log)
	web, err := rest.Listen(rest.Options{
		HTTP: cfg.HTTP, REST: cfg.REST, WebSockets: cfg.WebSockets, Version: version, Log: log,
		Conferences: b, Status: b, Drainer: b,
	})
	if err != nil {
		_ = mux.Close()
		return err
	}
	client := xmpp.New(cfg.XMPP, version, b, b, log)
	b.OnChange(client.Publish)

	b.Start()
	web.Start()
	client.Start()
	<-signals

	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = client.Close(ctx) // whoever does not answer in time is left behind
	_ = web.Close(ctx)
	return b.Close()
}
