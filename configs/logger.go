package configs

import (
	"io"
	"strings"

	"github.com/pion/logging"
	"github.com/rs/zerolog"
)

// NewLogger returns the logger of the process. It writes JSON lines to w that
// have passed the redacting writer. level is error, warn, info or debug;
// anything else counts as warn.
func NewLogger(w io.Writer, level string) zerolog.Logger {
	return zerolog.New(w).Level(logLevel(level)).With().Timestamp().Logger()
}

func logLevel(level string) zerolog.Level {
	switch strings.ToLower(level) {
	case "error":
		return zerolog.ErrorLevel
	case "info":
		return zerolog.InfoLevel
	case "debug":
		return zerolog.DebugLevel
	default:
		return zerolog.WarnLevel
	}
}

// PionLogger returns the factory that pion's libraries log through. Warnings
// and errors pass; everything below is dropped before it is formatted.
func PionLogger(log zerolog.Logger) logging.LoggerFactory { return pionFactory{log} }

type pionFactory struct{ log zerolog.Logger }

// NewLogger implements [logging.LoggerFactory].
func (f pionFactory) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{f.log.With().Str("lib", scope).Logger()}
}

type pionLogger struct{ log zerolog.Logger }

func (l pionLogger) Trace(string)          {}
func (l pionLogger) Tracef(string, ...any) {}
func (l pionLogger) Debug(string)          {}
func (l pionLogger) Debugf(string, ...any) {}
func (l pionLogger) Info(string)           {}
func (l pionLogger) Infof(string, ...any)  {}
func (l pionLogger) Warn(m string)         { l.log.Warn().Msg(m) }
func (l pionLogger) Warnf(m string, _ ...any) {
	l.log.Warn().Msg(m)
}
func (l pionLogger) Error(m string) { l.log.Error().Msg(m) }
func (l pionLogger) Errorf(m string, _ ...any) {
	l.log.Error().Msg(m)
}
