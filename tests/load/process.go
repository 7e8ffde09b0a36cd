package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc (USER_HZ), the same on every
// Linux.
const clockTick = 10 * time.Millisecond

// process is what /proc says about a process at one moment.
type process struct {
	user, system time.Duration
	residentKiB  int
	threads      int
	goruntime
}

func (p process) cpu() time.Duration { return p.user + p.system }

// look reads /proc/PID/stat and status (proc(5)).
func look(pid int) (process, error) {
	var p process
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, errors.New("the bridge's process is gone")
	}
	// The name in brackets may contain anything; what follows does not.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 18 {
		return p, errors.New("/proc/PID/stat has another form")
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
		return time.Duration(n) * clockTick
	}
	p.user, p.system = ticks(11), ticks(12)
	p.threads, _ = strconv.Atoi(fields[17])
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return p, errors.New("the bridge's process is gone")
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			p.residentKiB, _ = strconv.Atoi(strings.Fields(value)[0])
		}
	}
	return p, nil
}

// machineBusy is the CPU time that all processes together have used, from
// the first line of /proc/stat (proc(5)); 0 if it cannot be read.
func machineBusy() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	busy := time.Duration(0)
	for i, field := range strings.Fields(line) {
		// user, nice, system, then idle and iowait, then irq and softirq
		if n, err := strconv.ParseInt(field, 10, 64); err == nil && i <= 7 && i != 4 && i != 5 {
			busy += time.Duration(n) * clockTick
		}
	}
	return busy
}
