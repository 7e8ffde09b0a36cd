// Package colibri holds the Colibri version 2 protocol, in which the focus
// tells a bridge what to do, as Go values: conference-modify (the request),
// conference-modified (its answer), the errors, and the statistics that a
// bridge publishes in its presence.
//
// The package turns XML and JSON into values and back. It checks form only
// (required attributes, numbers, enumerations); what a request means, and
// whether it may be granted, is the bridge's business. There is no I/O, no
// state and no policy here.
//
// The data types are in colibri.go, transport.go and sources.go. A stanza
// is first read into a small bounded tree (tree.go), which makes attribute
// order, prefixes and unknown children harmless; parse*.go map the tree to
// values and marshal*.go map values to a tree again. The JSON form is
// another way to write the same tree (json_form.go).
//
// The values carry addresses, names and credentials of participants. They
// are not for logs.
//
// Protocols: Colibri2 (jitsi:colibri2), with Jingle's descriptions of media
// and transport: XEP-0167 (RTP), XEP-0176 (ICE-UDP), XEP-0293 (feedback),
// XEP-0294 (header extensions), XEP-0320 (DTLS), XEP-0339 (sources).
package colibri
