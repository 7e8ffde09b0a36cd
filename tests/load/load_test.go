package main

import (
	"os/exec"
	"testing"
	"time"

	"steg/tests/load/endpoint"
)

// TestProgram measures the program, behind Prosody, for a moment.
func TestProgram(t *testing.T) {
	if _, err := exec.LookPath("prosody"); err != nil {
		t.Skip("prosody is not installed")
	}
	o := options{
		call: endpoint.CallOptions{Endpoints: 3, Stage: 720}, calls: 2, bridge: "program",
		warmup: time.Second, duration: time.Second,
	}
	b, err := startBridge(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()
	n, err := endpoint.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	r, err := measure(t.Context(), o, b, n)
	if err != nil {
		t.Fatal(err)
	}
	// 2 calls x 3 receivers x 2 sources x (50 audio packets and 30 frames at least)
	if r.PacketsForwarded < 500 || r.LossPercent > 5 || r.Problems > 0 || r.ResidentKiB == 0 {
		r.print(t.Output(), true)
		t.Errorf("%+v\n%s", r, b.output())
	}
}

func TestLook(t *testing.T) {
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p, err := look(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if p.cpu() > 50*time.Millisecond && p.residentKiB > 0 && p.threads == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", p)
		}
	}
	if _, err := look(1 << 30); err == nil {
		t.Error("a process that is not there")
	}
}
