// Package link emulates a network path in user space: rate, propagation
// delay, a bounded queue, random loss, jitter with or without reordering,
// changes of rate over time, and a competing TCP flow. It stands between
// endpoints and the bridge in everything about bandwidth and repair.
//
// A Link is one direction, as pure state: whoever drives it passes the time
// in, simulated or real. Start at link.go; tcp.go is the competing flow;
// relay.go drives two links in real time between UDP sockets on loopback.
package link
