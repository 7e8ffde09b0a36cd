package configs

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/rs/zerolog"
)

// PionLogger returns the factory that pion's libraries log through. Warnings
// and errors pass, each kind at most once a second; everything below is
// dropped before it is formatted. Of the arguments of a message only numbers,
// durations and the causes of errors are shown: the rest are addresses,
// candidates and packets.
func PionLogger(log zerolog.Logger) logging.LoggerFactory {
	return &pionFactory{log: log, next: map[string]time.Time{}}
}

// maxPionTexts bounds the memory for kinds of messages. pion has far fewer.
const maxPionTexts = 1000

type pionFactory struct {
	log zerolog.Logger

	mu   sync.Mutex
	next map[string]time.Time // scope and text -> earliest moment of the next line
}

// NewLogger implements [logging.LoggerFactory].
func (f *pionFactory) NewLogger(scope string) logging.LeveledLogger {
	return &pionLogger{f, scope, f.log.With().Str("lib", scope).Logger()}
}

// due reports whether a message may be logged now.
func (f *pionFactory) due(kind string) bool {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.next[kind]) {
		return false
	}
	if len(f.next) >= maxPionTexts {
		clear(f.next)
	}
	f.next[kind] = now.Add(time.Second)
	return true
}

type pionLogger struct {
	f     *pionFactory
	scope string
	log   zerolog.Logger
}

func (l *pionLogger) Trace(string)          {}
func (l *pionLogger) Tracef(string, ...any) {}
func (l *pionLogger) Debug(string)          {}
func (l *pionLogger) Debugf(string, ...any) {}
func (l *pionLogger) Info(string)           {}
func (l *pionLogger) Infof(string, ...any)  {}

func (l *pionLogger) Warn(msg string)                   { l.write(zerolog.WarnLevel, "%s", fixed(msg)) }
func (l *pionLogger) Warnf(format string, args ...any)  { l.write(zerolog.WarnLevel, format, args...) }
func (l *pionLogger) Error(msg string)                  { l.write(zerolog.ErrorLevel, "%s", fixed(msg)) }
func (l *pionLogger) Errorf(format string, args ...any) { l.write(zerolog.ErrorLevel, format, args...) }

// fixed is a message without arguments of its own; it is still scrubbed by
// the writer.
type fixed string

func (l *pionLogger) write(level zerolog.Level, format string, args ...any) {
	if e := l.log.WithLevel(level); e.Enabled() && l.f.due(l.scope+"\x00"+format) {
		safe := make([]any, len(args))
		for i, a := range args {
			safe[i] = safeArgument(a)
		}
		e.Msg(fmt.Sprintf(format, safe...))
	}
}

// safeArgument returns what may be shown of an argument, for any verb.
func safeArgument(a any) any {
	switch a := a.(type) {
	case fixed:
		return shown(a)
	case error:
		return shown(RedactError(a).Error())
	case time.Duration, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, uintptr, float32, float64:
		return a
	}
	return shown(redacted)
}

// shown prints as it is, whatever the verb.
type shown string

// Format implements [fmt.Formatter].
func (s shown) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s)) }
