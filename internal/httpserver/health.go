package httpserver

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Check looks at one dependency.
type Check struct {
	Name string
	// Critical says that this process cannot serve without it. What all replicas share and can do without must not take every one of
	// them out at once: it only shows as degraded.
	Critical bool
	// Probe answers what is to be shown of the dependency, nil for nothing, and what is wrong with it.
	Probe func(context.Context) (detail any, err error)
}

// probeTimeout bounds one look: orchestrators wait a second or two for an answer.
const probeTimeout = 2 * time.Second

type healthAnswer struct {
	Status string                `json:"status"` // ok, degraded or unavailable
	Checks map[string]checkState `json:"checks,omitempty"`
}

type checkState struct {
	Status   string `json:"status"` // ok or failing
	Critical bool   `json:"critical"`
	Error    string `json:"error,omitempty"`
	Detail   any    `json:"detail,omitempty"`
}

// Live answers GET /health/live: the process runs.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, healthAnswer{Status: "ok"})
	})
}

// Ready answers GET /health/ready: each dependency with its state. It is 503 only when a critical one fails. detailed adds the errors,
// which are for operators, not for everybody.
func Ready(checks []Check, detailed bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
		defer cancel()
		answer := healthAnswer{Status: "ok", Checks: map[string]checkState{}}
		code := http.StatusOK
		for name, state := range probeAll(ctx, checks, detailed) {
			answer.Checks[name] = state
			switch {
			case state.Status == "ok":
			case state.Critical:
				answer.Status, code = "unavailable", http.StatusServiceUnavailable
			case answer.Status == "ok":
				answer.Status = "degraded"
			}
		}
		writeHealth(w, code, answer)
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

func writeHealth(w http.ResponseWriter, code int, answer healthAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // the client is gone: nobody is left to tell
}
