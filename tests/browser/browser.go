package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Binary is the browser that tests use.
const Binary = "/usr/bin/chromium"

const pollInterval = 100 * time.Millisecond

// Browser is one Chromium process.
type Browser struct {
	ctx context.Context // chromedp's, of the first tab
}

// Start starts a browser that ends with the test. Without Chromium the test
// is skipped, except in continuous integration.
func Start(t testing.TB) *Browser {
	t.Helper()
	if _, err := exec.LookPath(Binary); err != nil {
		Need(t, "chromium is not installed")
	}
	o := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(Binary), chromedp.NoSandbox, chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Few pictures a second: three pages encode all layers on few cores.
		chromedp.Flag("use-fake-device-for-media-stream", "fps=10"),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("lang", "en"),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), o...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return &Browser{ctx: ctx}
}

// Need skips a test for what is missing on this machine, or fails it in
// continuous integration.
func Need(t testing.TB, missing string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s, and continuous integration may not skip", missing)
	}
	t.Skipf("skipped: %s", missing)
}

// Tab is one page in the browser.
type Tab struct {
	t    testing.TB
	name string
	ctx  context.Context

	mu      sync.Mutex
	console []string // what the page wrote
}

// Open opens a page in a new tab, which closes with the test.
func (b *Browser) Open(t testing.TB, name, url string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	tab := &Tab{t: t, name: name, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatalf("open tab %s: %v", name, err)
	}
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			tab.note(fmt.Sprint(m))
		}
	}()
	tab.Go(url)
	return tab
}

func (tab *Tab) note(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.console = append(tab.console, text)
}

// Console returns what the page wrote to its console.
func (tab *Tab) Console() string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return strings.Join(tab.console, "\n")
}

// Go loads a page in the tab.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		tab.t.Fatalf("%s: open page: %v", tab.name, err)
	}
}

// Close closes the tab, as a person would.
func (tab *Tab) Close() {
	tab.t.Helper()
	if err := chromedp.Cancel(tab.ctx); err != nil {
		tab.t.Errorf("%s: close tab: %v", tab.name, err)
	}
}

// Size sets the size of the page and whether it prefers dark colours.
func (tab *Tab) Size(width, height int64, dark bool) {
	tab.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	media := func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		p := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, p)
		return chromedp.Void{}, err
	}
	if err := chromedp.Do(tab.ctx, chromedp.EmulateViewport(width, height), media); err != nil {
		tab.t.Fatalf("%s: set size: %v", tab.name, err)
	}
}

// Eval evaluates an expression, awaits it if it is a promise, and stores its
// JSON value in result unless that is nil.
func (tab *Tab) Eval(expression string, result any) {
	tab.t.Helper()
	if err := tab.Try(expression, result); err != nil {
		tab.t.Fatalf("%s: %s: %v\n%s", tab.name, expression, err, tab.Console())
	}
}

// Try is Eval that returns what went wrong.
func (tab *Tab) Try(expression string, result any) error {
	ctx, cancel := context.WithTimeout(tab.ctx, 20*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		"Promise.resolve("+expression+").then((v) => JSON.stringify(v) ?? 'null')", chromedp.EvalAwaitPromise))
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal([]byte(value), result)
}

// Wait polls until ready returns nil and fails the test if it takes longer
// than limit. It returns how long it took.
func (tab *Tab) Wait(what string, limit time.Duration, ready func() error) time.Duration {
	tab.t.Helper()
	start := time.Now()
	for {
		err := ready()
		took := time.Since(start)
		if err == nil {
			return took
		}
		if took > limit {
			tab.t.Fatalf("%s: %s: not within %v: %v\n%s", tab.name, what, limit, err, tab.Console())
		}
		time.Sleep(pollInterval)
	}
}

// WaitFor polls until an expression is true.
func (tab *Tab) WaitFor(what string, limit time.Duration, expression string) time.Duration {
	tab.t.Helper()
	return tab.Wait(what, limit, func() error {
		var ok bool
		if err := tab.Try("Boolean("+expression+")", &ok); err != nil {
			return err
		}
		if !ok {
			return errors.New("not yet")
		}
		return nil
	})
}

// Screenshot writes a picture of the page to a file.
func (tab *Tab) Screenshot(file string) {
	tab.t.Helper()
	picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		tab.t.Errorf("%s: screenshot: %v", tab.name, err)
	}
}

// Helper marks the caller as a helper of the tab's test.
func (tab *Tab) Helper() { tab.t.Helper() }

// Logf writes to the log of the tab's test.
func (tab *Tab) Logf(format string, a ...any) {
	tab.t.Helper()
	tab.t.Logf(format, a...)
}
