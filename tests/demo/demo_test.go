package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"steg/tests/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Isolate(m)) }

// TestDemo starts the demo as its user does, has two tabs see each other, and
// interrupts it: nothing of it may stay.
func TestDemo(t *testing.T) {
	if !browser.Isolated() {
		browser.Need(t, "the test runs without a network namespace of its own (not root?)")
	}
	if _, err := exec.LookPath("prosody"); err != nil {
		browser.Need(t, "prosody is not installed")
	}
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	b := browser.Start(t)
	url, cmd := startDemo(t, program)
	children := descendants(cmd.Process.Pid)
	if len(children) < 2 {
		t.Errorf("the demo has children %v, want Prosody and the bridge", children)
	}

	anna := b.Open(t, "Anna", url+"/?name=Anna&join=1")
	b.Open(t, "Berta", url+"/?name=Berta&join=1")
	anna.WaitFor("see the other one", 30*time.Second,
		`steg.snapshot().then((s) => s?.sources.some((v) => v.kind === 'video' && v.framesDecoded > 5))`)

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ends with %v", err)
	}
	for _, pid := range children {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d is left", pid)
		}
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		c.Close()
		t.Error("the page is still served")
	}
}

// startDemo starts the program and reads the address that it prints.
func startDemo(t *testing.T, program string) (string, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(program, "-listen", "127.0.0.1:0", "-media", "0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url := strings.TrimSpace(lines.Text()); strings.HasPrefix(url, "http://") {
			go func() {
				for lines.Scan() { // until the end, so that it never blocks
				}
			}()
			return url, cmd
		}
	}
	t.Fatal("the demo ended without printing an address")
	return "", nil
}

// descendants lists the processes below one.
func descendants(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		more, _ := os.ReadFile(f)
		text = append(append(text, ' '), more...)
	}
	seen := map[int]bool{}
	var list []int
	for _, word := range strings.Fields(string(text)) {
		var child int
		if _, err := fmt.Sscan(word, &child); err == nil && !seen[child] {
			seen[child] = true
			list = append(append(list, child), descendants(child)...)
		}
	}
	return list
}
