package httpserver

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Check is the health check of one dependency.
type Check struct {
	Name string
	// Critical means that this process cannot serve without the dependency. Any other failure is reported as degraded: it must not stop all
	// replicas at once.
	Critical bool
	// Probe returns details to report, or nil, and what is wrong with the dependency.
	Probe func(context.Context) (detail any, err error)
}

// probeTimeout bounds all checks: orchestrators wait a second or two.
const probeTimeout = 2 * time.Second

type healthReport struct {
	Status string                `json:"status"` // ok, degraded or unavailable
	Checks map[string]checkState `json:"checks,omitempty"`
}

type checkState struct {
	Status   string `json:"status"` // ok or failing
	Critical bool   `json:"critical"`
	Error    string `json:"error,omitempty"`
	Detail   any    `json:"detail,omitempty"`
}

// Live handles GET /health/live: the process runs.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeReport(w, http.StatusOK, healthReport{Status: "ok"})
	})
}

// Ready handles GET /health/ready: it reports the state of each dependency, with status 503 only when a critical one fails. detailed adds
// the errors, which are for operators only.
func Ready(checks []Check, detailed bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
		defer cancel()
		report := healthReport{Status: "ok", Checks: map[string]checkState{}}
		code := http.StatusOK
		for name, state := range probeAll(ctx, checks, detailed) {
			report.Checks[name] = state
			switch {
			case state.Status == "ok":
			case state.Critical:
				report.Status, code = "unavailable", http.StatusServiceUnavailable
			case report.Status == "ok":
				report.Status = "degraded"
			}
		}
		writeReport(w, code, report)
	})
}

func probeAll(ctx context.Context, checks []Check, detailed bool) map[string]checkState {
	var mu sync.Mutex
	var wg sync.WaitGroup
	states := make(map[string]checkState, len(checks))
	for _, c := range checks {
		wg.Go(func() {
			detail, err := c.Probe(ctx)
			state := checkState{Status: "ok", Critical: c.Critical, Detail: detail}
			if err != nil {
				state.Status = "failing"
				if detailed {
					state.Error = err.Error()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			states[c.Name] = state
		})
	}
	wg.Wait()
	return states
}

func writeReport(w http.ResponseWriter, code int, report healthReport) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(report) //nolint:errchkjson // the client is gone
}
