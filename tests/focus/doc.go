// Package focus is a small stand-in for Jicofo: it logs in at an XMPP server
// as the user focus, enters the brewery, learns of bridges by their presence,
// checks their health, and drives conferences on them with the requests that
// Jicofo sends (Colibri2, XEP-0199-like health checks over plain IQs).
//
// Tests and the demo use it to have a bridge do what it does in an
// installation, over the same wires. It chooses nothing and repairs nothing:
// each request is sent when the caller says so, and what the bridge answers
// is returned, refusals as *colibri.Error.
//
// Start with Dial, then Focus.WaitBridge and Focus.NewConference.
package focus
