// Package message holds the messages of the bridge channel, one JSON object
// each, as Go values: what clients tell the bridge and the other way, and
// what two bridges tell each other.
//
// Parse is lenient where clients differ (unknown properties, absent
// properties, spelling of enumerations) and strict where leniency would be
// unsafe (duplicate keys, depth, size). Marshal writes the form that
// lib-jitsi-meet expects. EndpointMessage and EndpointStats belong to the
// applications: their content is never read, and goes on byte for byte.
//
// The package knows nothing of endpoints, conferences or carriers.
//
// Start with types.go; parse.go dispatches on the property colibriClass.
package message
