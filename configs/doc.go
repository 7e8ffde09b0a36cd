// Package configs reads the configuration of a bridge and provides the
// logger that keeps participants out of the logs.
//
// The configuration is the installation's own jvb.conf (HOCON), together with
// the legacy sip-communicator.properties and, where there is no jvb.conf, the
// environment variables of the Jitsi docker image. Steg's own keys live below
// "steg". The embedded reference.conf declares and explains every key that is
// read, and marks those without effect so far; [Default] is nothing but that
// file.
//
// Start at [Load]. Unknown keys are warnings, wrong values are errors that
// name key, file and line.
//
// The package knows nothing of XMPP, ICE or media: it turns text into the
// section structs of [Config] and hands them out by value.
package configs
