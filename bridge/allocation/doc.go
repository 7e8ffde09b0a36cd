// Package allocation decides which layer of each source a receiver gets under
// its bandwidth.
//
// Allocate is a pure function of a Snapshot: what the receiver asked for, what
// the sources offer, how much bandwidth there is, and the policy of the
// installation. It knows no sockets, clocks, endpoints or packets, keeps no
// state, and gives equal results for equal snapshots. Its caller publishes
// the Result: targets go to the projections, effective constraints to the
// senders.
//
// Words: the target is the layer chosen under the bandwidth; the ideal is the
// one chosen without a limit; oversending exceeds the estimate on purpose for
// the first on-stage source. Rules follow the Jitsi Videobridge, with three
// differences: maxFrameRate is honoured, a layer whose rate is not yet
// measured is charged what its height usually costs instead of nothing, and
// every source is told why it does not get more.
//
// Start with Allocate (allocate.go); candidates.go lists the layers worth
// considering per source.
package allocation
