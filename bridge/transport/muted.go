package transport

import "github.com/pion/logging"

// muted is the logger of all pion libraries here. Their warnings name
// addresses, and most can be provoked by any datagram; what an operator can
// act on is counted in Stats.
type muted struct{}

// NewLogger implements logging.LoggerFactory.
func (muted) NewLogger(string) logging.LeveledLogger { return muted{} }

func (muted) Trace(string)          {}
func (muted) Tracef(string, ...any) {}
func (muted) Debug(string)          {}
func (muted) Debugf(string, ...any) {}
func (muted) Info(string)           {}
func (muted) Infof(string, ...any)  {}
func (muted) Warn(string)           {}
func (muted) Warnf(string, ...any)  {}
func (muted) Error(string)          {}
func (muted) Errorf(string, ...any) {}
