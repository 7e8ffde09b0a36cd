// Package xmpp is the bridge's connection to the world of signalling: a
// client of Prosody that announces the bridge in the breweries of its
// accounts and hands the requests of the focus to the bridge.
//
// It knows accounts, rooms, stanzas and who may ask; it knows nothing about
// conferences or media. What a request means is the business of the Bridge,
// how the bridge feels that of the Status, which are handed to New.
//
// Read client.go first (what runs), then account.go (connect, retry),
// serve.go (the life of one connection: read loop, send loop), iq.go
// (requests and their answers), muc.go and presence.go (the brewery).
// login.go holds stream negotiation: STARTTLS and SASL.
//
// Goroutines: one per account that connects and then reads, and one per
// connection that writes. A request is handed to the bridge on the reader,
// so requests arrive there in the order of the stream. An answer may come
// later, from any goroutine; it leaves on the connection on which the
// request came, or nowhere if that connection is gone.
//
// Stream negotiation and token reading are mellium.im/xmpp's. Its
// Session.Serve is not used: it answers a request itself as soon as the
// handler returns without having done so.
//
// Protocols: RFC 6120 and 6121 (XMPP), RFC 5802 and 7677 (SCRAM), RFC 5929
// and 9266 (channel binding, XEP-0440), XEP-0045 (rooms), XEP-0199 (ping),
// XEP-0030 (disco), XEP-0092 (version), Colibri2.
package xmpp
