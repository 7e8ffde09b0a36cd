// Package rest holds the bridge's HTTP servers.
//
// The public one takes the colibri web socket of endpoints and nothing else
// (socket.go, path.go). It is off unless jvb.conf switches it on, and usually
// stands behind a reverse proxy. Whoever knows the password of an endpoint's
// URL is that endpoint; the Origin header plays no part, as the page comes from
// another host by design.
//
// The private one tells health, version and statistics and switches drain mode
// (private.go). It has no authentication and listens on loopback unless
// configured otherwise. It answers aggregates only.
//
// The package knows no conference and no message: what it needs of the bridge
// are the interfaces Conferences, Status and Drainer. It writes no access log,
// and no address of a client to any log.
package rest
