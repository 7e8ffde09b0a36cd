package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"runtime"
	"strconv"

	"steg/colibri"
)

// privateHandler serves what the private server has switched on; everything
// else is 404.
func privateHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	if o.REST.Health {
		mux.HandleFunc("GET /about/health", func(w http.ResponseWriter, _ *http.Request) {
			if err := o.Status.Healthy(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
		})
	}
	if o.REST.Version {
		version := map[string]string{"name": "Steg", "version": o.Version, "os": runtime.GOOS}
		mux.HandleFunc("GET /about/version", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, version) })
	}
	if o.REST.Colibri {
		mux.HandleFunc("GET /colibri/stats", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, statistics(o.Status.Statistics()))
		})
	}
	if o.REST.Drain {
		mux.HandleFunc("GET /colibri/drain", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, map[string]bool{"drain": o.Drainer.Drain()})
		})
		mux.HandleFunc("POST /colibri/drain/enable", func(http.ResponseWriter, *http.Request) { o.Drainer.SetDrain(true) })
		mux.HandleFunc("POST /colibri/drain/disable", func(http.ResponseWriter, *http.Request) { o.Drainer.SetDrain(false) })
	}
	return mux
}

// statistics turns the texts of presence into the types that readers of the
// JSON form expect.
func statistics(stats []colibri.Stat) map[string]any {
	values := make(map[string]any, len(stats))
	for _, s := range stats {
		values[s.Name] = statistic(s)
	}
	return values
}

func statistic(s colibri.Stat) any {
	switch s.Name {
	case "version", "release", "region", "relay_id", "current_timestamp":
		return s.Value // text, whatever it looks like
	}
	if n, err := strconv.ParseInt(s.Value, 10, 64); err == nil {
		return n
	}
	if s.Value == "true" || s.Value == "false" {
		return s.Value == "true"
	}
	if _, err := strconv.ParseFloat(s.Value, 64); err == nil && json.Valid([]byte(s.Value)) {
		return json.Number(s.Value)
	}
	return s.Value
}

func writeJSON(w http.ResponseWriter, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic("rest: " + err.Error()) // only maps of plain values come here
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
