// Package estimate works out how much bandwidth there is towards one
// receiver, from when packets were sent and when the receiver says that they
// arrived (transport-wide congestion control feedback). It follows Google's
// congestion control of the libwebrtc generation of 2025; where it departs
// from that, the place says so and why.
//
//	Sent > history                                    (history.go)
//	TCC  > arrivals > groups > trend > delay's rate   (groups.go, trend.go, standing.go, rate.go)
//	                > throughput                      (throughput.go)
//	                > loss model                      (loss.go)
//	                > probe results                   (probe.go, cluster.go)
//	Tick > silence of the receiver, new probes        (silence.go, probe.go)
//
// The estimate is the least of what delay, loss and silence allow. Estimator
// (estimator.go) ties the parts together; a newcomer starts there.
//
// Everything is plain state without locks, goroutines or clocks: the caller
// holds the receiver's mutex and passes the time in. In steady state nothing
// is allocated. The package knows no sockets, packets' contents, layers or
// configuration: what to do with an estimate is decided by others.
//
// It implements draft-ietf-rmcat-gcc and the sender's side of
// draft-holmer-rmcat-transport-wide-cc-extensions.
package estimate
