package configs

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"
)

// errValue stands for every value that cannot be read; the reader's want and
// the position say the rest.
var errValue = errors.New("wrong value")

// scalar makes a reader of single values from a function on their text.
func scalar[T any](want string, parse func(s string) (T, error)) reader[T] {
	return reader[T]{want, func(v *value) (x T, err error) {
		if v.kind != kindText {
			return x, errValue
		}
		return parse(strings.TrimSpace(v.text))
	}}
}

func boolean() reader[bool] {
	return scalar("true or false", func(s string) (bool, error) {
		switch strings.ToLower(s) {
		case "true", "yes", "on":
			return true, nil
		case "false", "no", "off":
			return false, nil
		}
		return false, errValue
	})
}

func text() reader[string] {
	return scalar("a text", func(s string) (string, error) { return s, nil })
}

func integer(low, high int) reader[int] {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	if high == math.MaxInt {
		want = fmt.Sprintf("a whole number of at least %d", low)
	}
	return scalar(want, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			f, ferr := strconv.ParseFloat(s, 64)
			if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1e15 {
				return 0, errValue
			}
			n = int(f)
		}
		if n < low || n > high {
			return 0, errValue
		}
		return n, nil
	})
}

// count reads -1 (none, no limit) and everything from 0.
func count() reader[int] { return integer(-1, math.MaxInt) }

func port() reader[int] {
	r := integer(1, 65535)
	r.want = "a port from 1 to 65535"
	return r
}

// listenPort reads a port of an HTTP server, -1 for none.
func listenPort() reader[int] {
	r := integer(-1, 65535)
	r.want = "a port from 1 to 65535, or -1 for none"
	return r
}

func decimal(low, high float64) reader[float64] {
	return scalar(fmt.Sprintf("a number from %g to %g", low, high), func(s string) (float64, error) {
		f, err := parseFraction(s)
		if err != nil || f < low || f > high {
			return 0, errValue
		}
		return f, nil
	})
}

// duration reads a time of at least low.
func duration(low time.Duration) reader[time.Duration] {
	want := "a time such as 500 ms, 15 seconds or 1 minute"
	if low > 0 {
		want += fmt.Sprintf(", at least %s", low)
	}
	return scalar(want, func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err != nil || d < low {
			return 0, errValue
		}
		return d, nil
	})
}

func bandwidth() reader[int64] {
	return scalar("a bandwidth such as 500 kbps or 10 mbps", func(s string) (int64, error) {
		n, err := parseBandwidth(s)
		if err != nil || n < 0 {
			return 0, errValue
		}
		return n, nil
	})
}

func size() reader[int] {
	return scalar("a size such as 10485760 or 10 MiB", func(s string) (int, error) {
		n, err := parseSize(s)
		if err != nil || n < 0 || n > math.MaxInt32 {
			return 0, errValue
		}
		return int(n), nil
	})
}

// oneOf reads one of the given words, whatever its case, as it is given here.
func oneOf[T ~string](words ...T) reader[T] {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return scalar("one of "+strings.Join(list, ", "), func(s string) (T, error) {
		for _, w := range words {
			if strings.EqualFold(s, string(w)) {
				return w, nil
			}
		}
		return "", errValue
	})
}

// listOf reads a list. Like the Java bridge it accepts an object with
// numbers as keys, which is what command-line HOCON editors write, and a
// single text with commas, which is what people write.
func listOf[T any](item reader[T]) reader[[]T] {
	return reader[[]T]{"a list, each item " + item.want, func(v *value) ([]T, error) {
		var list []T
		for _, v := range listItems(v) {
			x, err := item.read(v)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		return list, nil
	}}
}

func listItems(v *value) []*value {
	switch v.kind {
	case kindArray:
		return v.items
	case kindObject:
		return numberedItems(v)
	case kindText:
		var items []*value
		for _, s := range strings.Split(v.text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				items = append(items, textValue(v.at, s))
			}
		}
		return items
	}
	return nil
}

// numberedItems returns the values of the keys 0, 1, 2..., in that order. An
// object with another key is an item itself, so that its reader complains.
func numberedItems(v *value) []*value {
	type numbered struct {
		n int
		v *value
	}
	var found []numbered
	for _, key := range v.object.keys {
		n, err := strconv.Atoi(key)
		if err != nil {
			return []*value{v}
		}
		found = append(found, numbered{n, v.object.get([]string{key})})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].n < found[j].n })
	items := make([]*value, len(found))
	for i, f := range found {
		items[i] = f.v
	}
	return items
}

func address() reader[netip.Addr] {
	return scalar("an IP address", func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(strings.Trim(s, "[]"))
		return a.Unmap(), err
	})
}
