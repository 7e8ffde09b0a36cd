package allocation

// VideoType is what a source shows, as its sender announced it.
type VideoType uint8

// The video types; desktop_high_fps counts as Desktop.
const (
	Camera VideoType = iota
	Desktop
	Disabled // type none or disabled: muted
)

// Layer is one operating point of a source.
type Layer struct {
	Encoding  int8
	SID, TID  int8    // -1: the codec has none
	Height    int     // pixels
	FrameRate float64 // 0: unknown
	Bitrate   int64   // bit/s with everything it depends on; 0: not measured
	Active    bool    // its sender sends it at present
}

// Source is one video source that the receiver may get.
type Source struct {
	ID        int    // the caller's
	Name      string // signalled source name
	Owner     string // endpoint id
	VideoType VideoType
	Layers    []Layer // ordered, lowest quality first
}

// Constraints is what a receiver asked for one source.
type Constraints struct {
	MaxHeight    int     // pixels; -1: unlimited, 0: do not send
	MaxFrameRate float64 // frames per second; below 0: unlimited, 0: do not send
}

// UpTo returns constraints that limit the height only.
func UpTo(maxHeight int) Constraints { return Constraints{MaxHeight: maxHeight, MaxFrameRate: -1} }

// Off tells whether the constraints forbid the source altogether.
func (c Constraints) Off() bool { return c.MaxHeight == 0 || c.MaxFrameRate == 0 }

// Settings is what one receiver asked for (ReceiverVideoConstraints and the
// older LastN message).
type Settings struct {
	LastN       int // below 0: unlimited
	OnStage     []string
	Selected    []string
	Default     Constraints
	Constraints map[string]Constraints // by source name
}

// Policy is the part of the installation's configuration that matters here.
type Policy struct {
	BridgeLastN      int         // below 0: unlimited
	ConferenceLastN  map[int]int // number of sources, at least -> last-n; nil: no limits
	MaxSources       int         // SSRC limit for video, always in force; 0: 50
	OnStageHeight    int         // preferred height of a camera that is shown large
	OnStageFrameRate float64
	AllowOversend    bool
	MaxOversend      int64 // bit/s
}

// DefaultPolicy is the policy of an installation that configures nothing.
func DefaultPolicy() Policy {
	return Policy{BridgeLastN: -1, OnStageHeight: 360, OnStageFrameRate: 30, AllowOversend: true, MaxOversend: 500_000}
}

// Snapshot is everything an allocation depends on.
type Snapshot struct {
	Bandwidth int64 // bit/s; below 0: unlimited
	Settings  Settings
	Sources   []Source // in last-n order of their owners, then as signalled
	Policy    Policy
}

// Target is the layer that a receiver gets of one source. The zero value is
// the lowest encoding without temporal layers above the base.
type Target struct {
	Encoding int8 // -1: suspended
	TID      int8 // -1: all temporal layers
	SID      int8 // -1: all spatial layers
}

// Suspended is the target of a source that is not sent.
var Suspended = Target{Encoding: -1, TID: -1, SID: -1}

// Reason says why a source does not get a higher layer.
type Reason uint8

// The reasons, in the order in which they are judged.
const (
	NoLimit         Reason = iota // it has the best layer that its sender sends
	LimitDisabled                 // video type none
	LimitLastN                    // beyond last-n
	LimitConstraint               // the receiver asked for no more
	LimitBandwidth
	LimitInactive // its sender sends nothing, or no higher layer
)

func (r Reason) String() string {
	switch r {
	case NoLimit:
		return "none"
	case LimitDisabled:
		return "disabled"
	case LimitLastN:
		return "last-n"
	case LimitConstraint:
		return "constraint"
	case LimitBandwidth:
		return "bandwidth"
	case LimitInactive:
		return "inactive"
	}
	return "unknown"
}

// Result is an allocation. All slices run parallel to Snapshot.Sources.
type Result struct {
	Order     []int         // indexes of the sources in order of priority
	Targets   []Target      // under the bandwidth
	Ideal     []Target      // without a bandwidth limit
	Effective []Constraints // what the receiver wants of each source after last-n
	Why       []Reason      // why not more
	// SuspendedForBandwidth marks sources that get nothing only because
	// nothing fits.
	SuspendedForBandwidth []bool
	TargetBitrate         int64 // bit/s, sum
	IdealBitrate          int64
	Oversending           bool // TargetBitrate exceeds the bandwidth on purpose
}
