// Package prosody runs Debian's Prosody for tests and for the demo: on one
// address, with a data directory and a certificate authority of its own, set
// up like the Prosody of a Jitsi installation. There is a virtual host
// auth.<domain> with the users jvb and focus, and a room service
// internal.auth.<domain> for the brewery, which nobody else can reach: no
// other host exists and connections to other servers are off.
//
// The package also writes the jvb.conf that makes a bridge log in there. It
// knows nothing of the bridge beyond that file. Start with Start.
package prosody
