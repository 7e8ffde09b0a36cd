package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"

	"strings"

	"steg/bridge"
	"steg/bridge/transport"
	"steg/colibri"
	"steg/configs"
)

// profiles are files to write; empty: none.
type profiles struct{ cpu, heap string }

// bridgeMain is the child process: a bridge with the defaults of the
// program, on loopback, that takes requests on standard input until it ends.
func bridgeMain(profile profiles) int {
	if err := serve(profile); err != nil {
		fmt.Fprintln(os.Stderr, "load: bridge:", err)
		return 1
	}
	return 0
}

func serve(profile profiles) error {
	cfg := *configs.Default()
	cfg.ICE.Port, cfg.ICE.AllowLoopback = 0, true
	cfg.Health.RequireValidAddress = false
	log := configs.NewLogger(os.Stderr, cfg.Log.Level)
	debug.SetGCPercent(50) // as the program does
	mux, err := transport.Listen(transport.Config{ICE: cfg.ICE, DTLS: cfg.DTLS, SRTP: cfg.SRTP, SCTP: cfg.SCTP}, log)
	if err != nil {
		return err
	}
	b := bridge.New(cfg, mux, "load", log)
	b.Start()
	defer b.Close()
	if profile.cpu != "" {
		f, err := os.Create(profile.cpu)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var mu sync.Mutex
	reply := func(number, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(number, text)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		number, text, _ := strings.Cut(lines.Text(), " ")
		if text == "runtime" {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			reply(number, fmt.Sprint(runtime.NumGoroutine(), m.Mallocs))
			if err := profile.writeHeap(); err != nil {
				return err
			}
			continue
		}
		req, err := colibri.ParseModify([]byte(text))
		if err != nil {
			reply(number, refusal(err))
			continue
		}
		b.Modify(context.Background(), req, func(answer *colibri.ConferenceModified, err error) {
			if err != nil {
				reply(number, refusal(err))
				return
			}
			reply(number, string(colibri.Marshal(answer)))
		})
	}
	return lines.Err()
}

// writeHeap writes what is on the heap at this moment.
func (p profiles) writeHeap() error {
	if p.heap == "" {
		return nil
	}
	f, err := os.Create(p.heap)
	if err != nil {
		return err
	}
	defer f.Close()
	runtime.GC() // the profile is that of the last collection
	return pprof.WriteHeapProfile(f)
}

func refusal(err error) string {
	var e *colibri.Error
	if !errors.As(err, &e) {
		e = colibri.NewError(colibri.InternalServerError, "")
	}
	return string(colibri.Marshal(e))
}
