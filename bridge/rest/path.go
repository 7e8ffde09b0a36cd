package rest

import (
	"net/url"
	"strings"
)

// endpointPath is where the web sockets of endpoints are; the URL is
//
//	/colibri-ws/SERVER/CONFERENCE/ENDPOINT?pwd=PASSWORD
//
// with the bridge's own id of the conference.
const endpointPath = "/colibri-ws/"

// maxID limits the length of each part of the path and of the password.
const maxID = 256

// socketAddress is what the URL of a web socket says.
type socketAddress struct {
	server, conference, endpoint string
}

// parsePath reads a decoded path.
func parsePath(path string) (a socketAddress, ok bool) {
	rest, ok := strings.CutPrefix(path, endpointPath)
	if !ok {
		return a, false
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 3 {
		return a, false
	}
	for _, part := range parts {
		if part == "" || len(part) > maxID {
			return a, false
		}
	}
	return socketAddress{parts[0], parts[1], parts[2]}, true
}

// parsePassword reads a raw query. The password must stand first.
func parsePassword(query string) (password string, ok bool) {
	rest, ok := strings.CutPrefix(query, "pwd=")
	if !ok {
		return "", false
	}
	first, _, _ := strings.Cut(rest, "&")
	password, err := url.QueryUnescape(first)
	return password, err == nil && password != "" && len(password) <= maxID
}
