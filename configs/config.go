package configs

import (
	"net/netip"
	"time"
)

// Config is the whole configuration of a bridge, as read from jvb.conf,
// the environment and the legacy properties file. Each component is given
// its own section by value.
type Config struct {
	XMPP       XMPP
	ICE        ICE
	DTLS       DTLS
	SRTP       SRTP
	SCTP       SCTP
	WebSockets WebSockets
	HTTP       HTTP
	REST       REST
	Health     Health
	Relay      Relay
	Version    Version
	Export     Export
	Stats      Stats
	Conference Conference
	Media      Media
	CC         CC
	Load       LoadManagement
	Shutdown   Shutdown
	Log        Log
}

// XMPP lists the accounts under videobridge.apis.xmpp-client.configs.
type XMPP struct {
	Accounts         []Account
	PresenceInterval time.Duration
	StatsFilter      bool     // publish the statistics of StatsWhitelist only
	StatsWhitelist   []string // names of stat elements
}

// Security says whether a connection to Prosody must be encrypted.
type Security string

// The values of SECURITY_MODE.
const (
	SecurityRequired   Security = "required"
	SecurityIfPossible Security = "ifpossible"
	SecurityDisabled   Security = "disabled"
)

// Account is one login at one XMPP server (spec/xmpp.md section 1.1).
type Account struct {
	ID         string
	Host       string // TCP host to dial
	Port       int
	Domain     string // XMPP domain and certificate name
	Username   string
	Password   Secret
	MUCs       []string // bare JIDs of the breweries
	Nickname   string
	SkipVerify bool     // DISABLE_CERTIFICATE_VERIFICATION
	Security   Security // required unless set; ifpossible for a server on this machine
}

// ICE holds videobridge.ice and ice4j.
type ICE struct {
	Port                       int // UDP media port on every allowed address
	UfragPrefix                string
	AdvertisePrivateCandidates bool
	Restart                    bool
	RestartTransition          time.Duration
	RestartTimeout             time.Duration
	IPv6                       bool
	LinkLocal                  bool
	AllowedAddresses           []netip.Addr
	BlockedAddresses           []netip.Addr
	AllowedInterfaces          []string
	BlockedInterfaces          []string
	StaticMappings             []Mapping
	STUNServers                []string // host:port of ice4j.harvest.mapping.stun.addresses; never contacted unless Steg's own switch says so
	ReceiveBuffer              int      // bytes, SO_RCVBUF
	ConsentInterval            time.Duration
	ResolveRemoteCandidates    bool
	AllowLoopback              bool // steg.ice.allow-loopback: also bind loopback addresses (tests, single-host set-ups)
}

// Mapping announces a public address for a local one (static NAT).
// Ports are 0 where the host candidate's own port is meant. An invalid Local
// means whatever address of Public's family the bridge is bound to; such a
// mapping is announced once, not once per local address.
type Mapping struct {
	Local      netip.Addr
	Public     netip.Addr
	LocalPort  int
	PublicPort int
}

// DTLS holds jmt.dtls.
type DTLS struct {
	HandshakeTimeout time.Duration
	CipherSuites     []string // IANA names, in order of preference; only ones that Steg has
	LocalHash        string   // hash function of the own fingerprint
	AcceptedHashes   []string // remote fingerprint hash functions, strongest first
}

// SRTP holds jmt.srtp.
type SRTP struct {
	Profiles []string // names without the SRTP_ prefix, in order of preference: AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80, ...
}

// SCTP holds videobridge.sctp.
type SCTP struct {
	Enabled     bool
	MaxChannels int
}

// WebSockets holds videobridge.websockets.
type WebSockets struct {
	Enabled        bool
	Domains        []string // host[:port], in the order to advertise
	RelayDomains   []string
	TLS            bool // wss in the advertised URL
	ServerID       string
	Compression    bool
	KeepalivePings bool
	PingInterval   time.Duration
	IdleTimeout    time.Duration
}

// HTTP holds videobridge.http-servers.
type HTTP struct {
	Public  Listener
	Private Listener
}

// Listener is one HTTP server; ports below 0 are off.
type Listener struct {
	Host     string
	Port     int
	TLSPort  int
	CertFile string // steg.http.<name>.cert: PEM, in place of a Java key store
	KeyFile  string
}

// REST holds the switches of the private HTTP server.
type REST struct {
	Colibri    bool // videobridge.apis.rest.enabled
	Debug      bool
	Drain      bool
	Health     bool
	Prometheus bool
	Version    bool
	Shutdown   bool
}

// Health holds videobridge.health.
type Health struct {
	Interval            time.Duration
	Timeout             time.Duration // results older than this count as a failure
	MaxCheckDuration    time.Duration // checks that take longer have failed
	Sticky              bool
	RequireValidAddress bool
	RequireSTUN         bool
}

// Relay holds videobridge.relay (legacy: octo).
type Relay struct {
	Enabled bool
	Region  string
	ID      string
}

// Version holds videobridge.version.
type Version struct {
	Announce bool
	Release  string
}

// Export holds videobridge.exporter: media sent to a recorder or transcriber.
type Export struct {
	MaxReconnects   int // attempts in a row, below 0: no limit
	BaseDelay       time.Duration
	MaxDelay        time.Duration
	StableThreshold time.Duration // a connection that held this long resets the delay
}

// Stats holds videobridge.stats.
type Stats struct {
	Interval time.Duration // how often statistics are worked out
}

// Conference holds expiry, connection status, speakers and message limits.
type Conference struct {
	ExpireTimeout           time.Duration // entity-expiration.timeout
	ExpireInterval          time.Duration
	FirstTransfer           time.Duration // ep-connection-status
	MaxInactivity           time.Duration
	StatusInterval          time.Duration
	RecentSpeakers          int // speech-activity.recent-speakers-count
	SilenceDetection        bool
	SilenceTimeout          time.Duration
	StatsFilterThreshold    int
	ConnectionStats         bool
	ConnectionStatsInterval time.Duration
	InitialDrain            bool
}

// REDPolicy says what to do with redundant audio (jmt.audio.red.policy).
type REDPolicy string

// The values of jmt.audio.red.policy.
const (
	REDNoop       REDPolicy = "NOOP"
	REDStrip      REDPolicy = "STRIP"
	REDProtectAll REDPolicy = "PROTECT_ALL"
)

// Media holds audio routing, silence, RED and keyframe limits.
type Media struct {
	LoudestOnly            bool
	NumLoudest             int
	AlwaysRouteDominant    bool
	EnergyExpire           time.Duration
	EnergyAlpha            int // percent
	DiscardSilence         bool
	ForwardedSilence       int // packets that still pass once an endpoint is silent
	RED                    REDPolicy
	REDDistance            int // 1 or 2
	REDVADOnly             bool
	KeyframeInterval       time.Duration
	KeyframeMax            int
	KeyframeWindow         time.Duration
	SourceKeyframeInterval time.Duration
	SourceKeyframeMax      int
	SourceKeyframeWindow   time.Duration
	SSRCLimitVideo         int
	SSRCLimitAudio         int
}

// CC holds videobridge.cc: how video is allocated.
type CC struct {
	TrustBWE               bool
	InitialLastN           int
	BridgeLastN            int // jvb-last-n
	OnstageHeight          int
	OnstageFrameRate       float64
	DefaultMaxHeight       int
	InitialMaxHeight       int
	AllowOversend          bool
	MaxOversend            int64 // bit/s
	BWEChangeThreshold     float64
	PaddingPeriod          time.Duration
	MaxBetweenCalculations time.Duration
	AssumedBandwidthLimit  int64 // bit/s, below 0: unset
	UseVLA                 bool
	InitialIgnoreBWE       time.Duration // how long after the first media the estimate is not believed
	Engine                 string        // jmt.bwe.estimator.engine: GoogleCc or GoogleCc2
	InitialBandwidth       int64         // bit/s, jmt.bwe.estimator
	MinBandwidth           int64
	MaxBandwidth           int64
}

// LoadManagement holds videobridge.load-management.
type LoadManagement struct {
	ReducerEnabled           bool
	Measurement              string // cpu-usage or packet-rate
	PacketRateLoad           float64
	PacketRateRecovery       float64
	CPULoad                  float64
	CPURecovery              float64
	CPUSteal                 bool        // count time stolen by the hypervisor as used
	ConferenceLastN          map[int]int // conference size -> last-n
	LastN                    LastNReducer
	AverageParticipantStress float64
}

// LastNReducer holds videobridge.load-management.load-reducers.last-n.
type LastNReducer struct {
	ReductionScale float64
	RecoverScale   float64
	ImpactTime     time.Duration // least time between two runs
	Minimum        int           // never reduce below
	MaximumEnforce int           // above this there is no limit any more
}

// Shutdown holds videobridge.shutdown.
type Shutdown struct {
	GracefulMaxDuration     time.Duration
	GracefulMinParticipants int
	Delay                   time.Duration
}

// Log holds steg.log.
type Log struct {
	Level string // error, warn, info, debug; default warn
}
