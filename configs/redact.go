package configs

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// scrubber finds what looks like participants' data in plain text. It is the
// second line of defence and errs on the side of hiding too much; the first
// is not to put such data into messages.
//
// A text passes in this order: credentials, addresses of XMPP, IPv6, IPv4,
// names of hosts.
type scrubber struct {
	credential *regexp.Regexp // 1: name and separator, 2: value
	jid        *regexp.Regexp // 1: local part, 2: domain, 3: resource
	mdns       *regexp.Regexp
	hostPort   *regexp.Regexp // 1: last label of the host
	extensions []string       // of files, so that file:line stays
}

func newScrubber() *scrubber {
	return &scrubber{
		credential: regexp.MustCompile(`(?i)((?:ufrag|pwd|passwd|password|secret|token)["'\\]*\s*[=:]\s*["'\\]*)([^\s"'\\,;&<>)}\]]+)`),
		jid:        regexp.MustCompile(`([^\s@/"'<>=(\[,;:]+)@([^\s@/"'<>,;)\]\\]+)(/[^\s"'<>,;)\]\\]+)?`),
		mdns:       regexp.MustCompile(`(?i)[0-9a-z-]+\.local\b(?::[0-9]+)?`),
		hostPort:   regexp.MustCompile(`(?i)(?:[0-9a-z_-]+\.)+([a-z][0-9a-z-]*[0-9a-z])\.?:[0-9]{2,5}\b`),
		extensions: []string{
			"go", "s", "conf", "properties", "json", "xml", "lua", "js", "mjs", "ts", "java", "kt", "cpp", "hpp", "rs", "py", "sh",
			"pem", "crt", "cert", "key", "log", "txt", "md", "yml", "yaml", "toml", "service", "golden", "html", "mod", "sum",
		},
	}
}

// text returns s without what must not be seen.
func (c *scrubber) text(s string) string {
	if !strings.ContainsAny(s, ".:=@") {
		return s // nothing that is private does without one of them
	}
	s = c.credential.ReplaceAllString(s, "${1}"+redacted)
	s = c.jids(s)
	s = hideIPv4(hideIPv6(s))
	s = c.mdns.ReplaceAllString(s, redacted)
	return c.hosts(s)
}

// jids hides addresses of XMPP and e-mail. The rooms in which bridges meet
// may be told, and so may versions in paths of Go modules.
func (c *scrubber) jids(s string) string {
	return c.jid.ReplaceAllStringFunc(s, func(found string) string {
		m := c.jid.FindStringSubmatch(found)
		local, domain, resource := m[1], m[2], m[3]
		switch {
		case len(domain) > 1 && domain[0] == 'v' && domain[1] >= '0' && domain[1] <= '9':
			return found
		case resource == "" && strings.Contains(strings.ToLower(local), "brewery"):
			return found
		}
		return redacted
	})
}

// hosts hides host:port, but not file:line.
func (c *scrubber) hosts(s string) string {
	return c.hostPort.ReplaceAllStringFunc(s, func(found string) string {
		m := c.hostPort.FindStringSubmatch(found)
		if slices.Contains(c.extensions, strings.ToLower(m[1])) {
			return found
		}
		return redacted
	})
}

// hideIPv6 replaces runs of hexadecimal digits, colons and dots that may be
// an IPv6 address: those with two colons in a row or at least five in all. A
// time has two colons, a hardware address five.
func hideIPv6(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !inIPv6(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && inIPv6(s[i]) {
			i++
		}
		if !mayBeIPv6(s[start:i]) {
			continue
		}
		i = zoneEnd(s, i)
		if start > done && s[start-1] == '[' && i < len(s) && s[i] == ']' {
			start--
			i = portEnd(s, i+1)
		}
		b.WriteString(s[done:start])
		b.WriteString(redacted)
		done = i
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// hideIPv4 replaces four or more numbers with dots between them, and a port
// behind. Versions have three numbers and stay; whoever writes four loses
// them.
func hideIPv4(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		start, numbers := i, 1
		for ; i < len(s) && (isDigit(s[i]) || s[i] == '.' && i+1 < len(s) && isDigit(s[i+1])); i++ {
			if s[i] == '.' {
				numbers++
			}
		}
		if numbers < 4 {
			continue
		}
		i = portEnd(s, i)
		b.WriteString(s[done:start])
		b.WriteString(redacted)
		done = i
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func inIPv6(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == ':' || c == '.'
}

func mayBeIPv6(run string) bool {
	if !strings.ContainsFunc(run, func(r rune) bool { return r != ':' && r != '.' }) {
		return false // [::] is nobody's address
	}
	return strings.Contains(run, "::") || strings.Count(run, ":") >= 5
}

// zoneEnd returns the end of a zone such as %eth0 that begins at i.
func zoneEnd(s string, i int) int {
	if i >= len(s) || s[i] != '%' {
		return i
	}
	for i++; i < len(s); i++ {
		c := s[i]
		if c != '_' && c != '-' && c != '.' && c != '~' && !isDigit(c) && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
	}
	return i
}

// portEnd returns the end of a port such as :443 that begins at i.
func portEnd(s string, i int) int {
	end := i + 1
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	if i < len(s) && s[i] == ':' && end > i+1 {
		return end
	}
	return i
}

// RedactError returns an error with the text of err but without the
// addresses and names that errors of the net package carry, and without
// whatever else looks like an IP address. errors.Is and errors.As see through it. It
// returns nil for nil.
func RedactError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range private(err, nil) {
		if len(s) > 1 {
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	return &redactedError{hideIPv4(hideIPv6(text)), err}
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// private collects the parts of an error that name somebody.
func private(err error, found []string) []string {
	switch e := err.(type) { //nolint:errorlint // every layer is looked at by itself
	case *net.OpError:
		for _, a := range []net.Addr{e.Source, e.Addr} {
			if a != nil {
				found = append(found, a.String())
			}
		}
	case *net.AddrError:
		found = append(found, e.Addr)
	case *net.DNSError:
		found = append(found, e.Name, e.Server)
	case *net.ParseError:
		found = append(found, e.Text)
	case *url.Error:
		found = append(found, e.URL)
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return private(inner, found)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = private(inner, found)
		}
	}
	return found
}
