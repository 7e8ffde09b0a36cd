// Package tests_test checks the module as a whole.
package tests_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of all our packages.
const module = "steg/"

// mayImport lists, for each package, the packages of this module that it may
// import. The rules of depguard in .golangci.yml say the same.
func mayImport() map[string]string {
	return map[string]string{
		"cmd/steg":          "configs xmpp stun bridge bridge/rest bridge/transport",
		"bridge/rest":       "colibri configs",
		"xmpp":              "colibri configs",
		"bridge":            "colibri configs bridge/transport bridge/ingress bridge/egress bridge/allocation bridge/estimate bridge/message bridge/packet",
		"bridge/transport":  "bridge/packet configs",
		"bridge/ingress":    "bridge/packet",
		"bridge/egress":     "bridge/packet bridge/allocation",
		"bridge/estimate":   "bridge/packet",
		"stun":              "configs",
		"colibri":           "",
		"configs":           "",
		"bridge/packet":     "",
		"bridge/allocation": "",
		"bridge/message":    "",
	}
}

// mayNot lists what no package outside of tests may import.
func mayNot() []string {
	return []string{
		"C",                        // the program is one static binary
		"expvar", "net/http/pprof", // each adds handlers to the default server
		"github.com/pion/webrtc",      // the media path is ours
		"github.com/pion/interceptor", // the same
		"github.com/chromedp",         // a browser
	}
}

// listed is what "go list" says about one package.
type listed struct {
	ImportPath string
	Imports    []string
}

// TestImports keeps the import graph as it was designed: who may know whom is
// the part of the architecture that is easiest to lose.
func TestImports(t *testing.T) {
	allowed := mayImport()
	for _, p := range list(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(path, "tests") {
			continue
		}
		list, known := allowed[path]
		if !known {
			t.Errorf("package %s is in no list: who may it know, and what is it for?", path)
		}
		for _, imported := range p.Imports {
			if ours, is := strings.CutPrefix(imported, module); is && !slices.Contains(strings.Fields(list), ours) {
				t.Errorf("%s imports %s", path, ours)
			}
			for _, banned := range mayNot() {
				if imported == banned || strings.HasPrefix(imported, banned+"/") {
					t.Errorf("%s imports %s", path, imported)
				}
			}
		}
	}
}

// list runs "go list" on the whole module.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 5 {
		t.Fatalf("go list found %d packages only", len(packages))
	}
	return packages
}
