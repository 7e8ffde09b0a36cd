package configs

import (
	"os"
	"path/filepath"
	"strings"
)

const debianDir = "/etc/jitsi/videobridge"

// Find returns the jvb.conf that a package has put in place, or "" if there
// is none: the one named by -Dconfig.file in JAVA_SYS_PROPS (Debian's unit
// passes that on), the one that the docker image generates, the one in its
// volume, Debian's.
func Find() string { return find("/", environMap(os.Environ())) }

// find looks below root.
func find(root string, env map[string]string) string {
	var names []string
	for _, word := range strings.Fields(env["JAVA_SYS_PROPS"]) {
		if name, ok := strings.CutPrefix(strings.Trim(word, `"'`), "-Dconfig.file="); ok {
			names = append(names, name)
		}
	}
	names = append(names, "/run/jvb/config/jvb.conf", "/config/jvb.conf", debianDir+"/jvb.conf")
	for _, name := range names {
		if name = filepath.Join(root, name); isFile(name) {
			return name
		}
	}
	return ""
}

// findLegacy returns the old properties file that goes with a jvb.conf: the
// one beside it, or, if files are searched for, Debian's or the one in the
// docker image's volume.
func findLegacy(root, file string, search bool) string {
	var names []string
	if file != "" {
		names = append(names, filepath.Join(filepath.Dir(file), legacyName))
	}
	if search {
		names = append(names, filepath.Join(root, debianDir, legacyName),
			filepath.Join(root, "/config", "custom-"+legacyName))
	}
	for _, name := range names {
		if isFile(name) {
			return name
		}
	}
	return ""
}

// isFile reports whether there is something to read. A file that cannot be
// looked at counts: reading it will say why.
func isFile(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return os.IsPermission(err)
	}
	return !info.IsDir()
}

func environMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}
