package configs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// referenceName is how messages call the built-in file.
const referenceName = "reference.conf (built in)"

//go:embed reference.conf
var reference string

// Reference returns the built-in reference.conf: every key with its default
// and an explanation.
func Reference() string { return reference }

// Options says where the configuration comes from.
type Options struct {
	File   string   // jvb.conf to read; empty: see Search
	Env    []string // NAME=value pairs; nil means the process's environment
	Search bool     // without File, look where packages put it, see [Find]

	// Lookup resolves host names in address mappings; nil means the system's
	// resolver.
	Lookup func(host string) ([]netip.Addr, error)

	root string // directory that Search takes for /, in tests
}

type lookup func(host string) ([]netip.Addr, error)

// Warning is something in the configuration that the operator should know
// of and that does not stop the bridge.
type Warning struct {
	Key  string // dotted key, may be empty
	File string
	Line int // 1-based, 0 if the warning belongs to no line
	Text string
}

// String returns the warning as one line.
func (w Warning) String() string {
	var b strings.Builder
	if w.File != "" {
		b.WriteString(position{w.File, w.Line}.String() + ": ")
	}
	if w.Key != "" {
		b.WriteString(w.Key + ": ")
	}
	return b.String() + w.Text
}

// Load reads the configuration. It returns all wrong values at once, joined;
// each of them is a [ValueError]. A file with a mistake in its form is an
// error of its own.
func Load(o Options) (*Config, []Warning, error) {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.root == "" {
		o.root = "/"
	}
	if o.Lookup == nil {
		o.Lookup = systemLookup
	}
	env := environMap(o.Env)
	s, err := gather(o, env)
	if err != nil {
		return nil, nil, err
	}
	defaults, _, err := resolve(s.reference, env)
	if err != nil {
		return nil, nil, err
	}
	tree, used, err := resolve(s.tree, env)
	if err != nil {
		return nil, nil, err
	}
	m := &mapper{config: &Config{}, defaults: defaults, lookup: o.Lookup, warnings: s.warnings}
	applyAliases(tree)
	m.applyLegacy(tree, s.legacy)
	m.checkKeys(tree, used)
	m.checkPending(tree)
	errs := m.apply(tree)
	errs = append(errs, m.finish(tree)...)
	if err := errors.Join(errs...); err != nil {
		return nil, m.warnings, err
	}
	return m.config, m.warnings, nil
}

// Default returns the configuration of a bridge without any configuration
// file, that is reference.conf alone.
func Default() *Config {
	tree, err := parseReference()
	if err == nil {
		tree, _, err = resolve(tree, nil)
	}
	m := &mapper{config: &Config{}}
	if err == nil {
		err = errors.Join(append(m.apply(tree), m.finish(tree)...)...)
	}
	if err != nil {
		panic("configs: reference.conf: " + err.Error()) // part of the program, covered by tests
	}
	return m.config
}

func parseReference() (*object, error) {
	l := &loader{read: func(string) ([]byte, error) { return []byte(reference), nil }}
	return l.file(referenceName, nil)
}

// sources is what was read before anything is resolved.
type sources struct {
	reference *object
	tree      *object // reference.conf with the operator's files over it
	legacy    []property
	warnings  []Warning
}

// gather reads all files, and the docker image's variables where there is no
// file.
func gather(o Options, env map[string]string) (*sources, error) {
	s := &sources{}
	var err error
	if s.reference, err = parseReference(); err != nil {
		return nil, err
	}
	if s.tree, err = parseReference(); err != nil {
		return nil, err
	}
	file := o.File
	if file == "" && o.Search {
		file = find(o.root, env)
	}
	if legacy := findLegacy(o.root, file, o.Search && o.File == ""); legacy != "" {
		text, err := readFile(legacy)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		s.legacy = parseProperties(legacy, string(text))
	}
	l := &loader{read: readFile}
	switch {
	case file != "":
		err = s.add(l, file)
	case hasDockerVariables(env):
		var docker *object
		if docker, err = dockerTree(env); err == nil {
			s.tree.merge(docker)
		}
	case o.Search && len(s.legacy) == 0:
		s.warnings = append(s.warnings, Warning{Text: "no jvb.conf was found in " + debianDir +
			" or /config, and none of the docker image's variables is set; the bridge runs on its defaults"})
	}
	if err == nil {
		err = s.addCustom(l, o, file)
	}
	s.warnings = append(s.warnings, l.warnings...)
	return s, err
}

func (s *sources) add(l *loader, file string) error {
	tree, err := l.file(file, nil)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	s.tree.merge(tree)
	return nil
}

// addCustom reads the docker image's custom-jvb.conf, unless the generated
// file has included it.
func (s *sources) addCustom(l *loader, o Options, file string) error {
	if o.File != "" || !o.Search {
		return nil
	}
	for _, dir := range []string{"/run/jvb/config", "/config"} {
		dir = filepath.Join(o.root, dir)
		custom := filepath.Join(dir, "custom-jvb.conf")
		if file != "" && filepath.Dir(file) != dir || !isFile(custom) {
			continue
		}
		if contains(l.loaded, custom) {
			return nil
		}
		return s.add(l, custom)
	}
	return nil
}

// readFile reads a file, but no more of it than the parser would accept.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

func systemLookup(host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
