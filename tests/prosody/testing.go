package prosody

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// StartForTest starts a server for one test. Without Prosody the test is
// skipped, except in continuous integration.
func StartForTest(t testing.TB) *Server {
	t.Helper()
	s, err := Start(Options{Dir: t.TempDir()})
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip("prosody is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}
