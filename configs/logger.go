package configs

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// NewLogger returns the logger of the process. It writes JSON lines to w,
// each as a whole, after taking out everything that looks like data of a
// participant. level is error, warn, info or debug; anything else counts as
// warn.
func NewLogger(w io.Writer, level string) zerolog.Logger {
	out := &redactingWriter{out: w, scrub: newScrubber()}
	return zerolog.New(out).Level(logLevel(level)).With().Timestamp().Logger()
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

// redactingWriter scrubs lines of JSON. It is as safe for concurrent use as
// what it writes to.
type redactingWriter struct {
	out   io.Writer
	scrub *scrubber
}

// Write implements [io.Writer]. A line that is not a JSON object is scrubbed
// as plain text.
func (w *redactingWriter) Write(line []byte) (int, error) {
	clean, ok := w.line(line)
	if !ok {
		clean = []byte(w.scrub.text(string(line)))
	}
	if _, err := w.out.Write(clean); err != nil {
		return 0, err
	}
	return len(line), nil
}

// line scrubs every string of a JSON object, keys included, but for the time
// and the level.
func (w *redactingWriter) line(line []byte) ([]byte, bool) {
	if !json.Valid(line) || !bytes.HasPrefix(line, []byte("{")) {
		return nil, false
	}
	clean := make([]byte, 0, len(line)+32)
	depth, key := 0, ""
	for i := 0; i < len(line); {
		switch c := line[i]; c {
		case '"':
			end := stringEnd(line, i)
			var s string
			if json.Unmarshal(line[i:end], &s) != nil {
				return nil, false
			}
			isKey := end < len(line) && line[end] == ':'
			if isKey && depth == 1 {
				key = s
			}
			clean = w.appendString(clean, line[i:end], s, !isKey && depth == 1, key)
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		clean = append(clean, line[i])
		i++
	}
	return clean, true
}

// appendString appends s, which is raw in the line. value says that it is the
// value of the key at the top.
func (w *redactingWriter) appendString(clean, raw []byte, s string, value bool, key string) []byte {
	if value && isStamp(key, s) {
		return append(clean, raw...)
	}
	scrubbed := w.scrub.text(s)
	if scrubbed == s {
		return append(clean, raw...)
	}
	quoted, err := json.Marshal(scrubbed)
	if err != nil {
		return append(clean, `"`+redacted+`"`...)
	}
	return append(clean, quoted...)
}

// isStamp reports whether a field is the time or the level of a line.
func isStamp(key, s string) bool {
	switch key {
	case zerolog.TimestampFieldName:
		_, err := time.Parse(zerolog.TimeFieldFormat, s)
		return err == nil
	case zerolog.LevelFieldName:
		_, err := zerolog.ParseLevel(s)
		return err == nil
	}
	return false
}

// stringEnd returns the offset after the JSON string that begins at i.
func stringEnd(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}
