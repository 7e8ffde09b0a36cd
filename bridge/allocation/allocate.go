package allocation

// Allocate distributes the bandwidth of the snapshot over its sources.
func Allocate(s Snapshot) Result { return Result{} }
