// Command demo shows a conference on this machine: it starts Prosody, a Steg
// with a jvb.conf as an installation has it, a focus, and a web server with a
// page for browsers on this machine. It prints the page's address and runs
// until it is interrupted; then it ends everything that it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"steg/tests/demo/page"
	"steg/tests/rig"
)

const (
	startTimeout  = 2 * time.Minute // the first build takes a while
	parentChecked = time.Second
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "address and port of the page")
	media := flag.Int("media", 10000, "UDP port for audio and video; 0 takes any")
	steg := flag.String("steg", "", "the bridge's program; empty: build it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go watchParent(ctx, cancel)
	if err := run(ctx, *listen, *media, *steg); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// watchParent cancels when the process that started this one has ended, such
// as a "go run" that was killed and could not pass the signal on.
func watchParent(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	ticker := time.NewTicker(parentChecked)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if os.Getppid() != parent {
				cancel()
			}
		}
	}
}

func run(ctx context.Context, listen string, media int, steg string) error {
	// The page's port first: it fails at once if it is taken.
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println("Starting Prosody, Steg and the focus ...")
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	r, err := rig.Start(starting, rig.Options{Binary: steg, MediaPort: media, Output: os.Stderr})
	cancel()
	if ctx.Err() != nil {
		if err == nil {
			return r.Stop()
		}
		return nil // interrupted while starting
	}
	if err != nil {
		return err
	}
	pages := page.New(r.Focus, func(format string, a ...any) { fmt.Fprintf(os.Stderr, "page: "+format+"\n", a...) })
	server := &http.Server{Handler: pages.Handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Printf("\n    %s\n\nOpen this address in two or more tabs or windows. Ctrl-C ends the demo.\n", address(l))
	fmt.Print(hint())

	select {
	case <-ctx.Done():
	case err = <-served:
	case <-r.Exited():
		err = errors.New("the bridge has ended")
	case <-r.Focus.Done():
		err = errors.New("the XMPP server has ended")
	}
	fmt.Println("\nStopping ...")
	_ = server.Close()
	pages.Close()
	return errors.Join(err, r.Stop())
}

// address is the page's address. Browsers give a camera only to pages on
// localhost or with TLS.
func address(l net.Listener) string {
	a := l.Addr().(*net.TCPAddr)
	if a.IP.IsLoopback() {
		return fmt.Sprintf("http://localhost:%d", a.Port)
	}
	return "http://" + a.String()
}

// hint warns if browsers on this machine cannot reach the bridge: they gather
// no candidates on loopback, so some other address is needed.
func hint() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return ""
		}
	}
	return "This machine has no network address but loopback, which browsers do not use:\n" +
		"connect it to any network, or start Chromium with --allow-loopback-in-peer-connection.\n"
}
