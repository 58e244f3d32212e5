package httpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Check is the health check of something that a process works with.
type Check struct {
	Name string // Unique in a process. Required.
	// Critical means that this process can serve nothing without it. Any other failure is reported as degraded: it must not stop all
	// replicas at once. Default: false.
	Critical bool
	// Probe returns details to report, or nil, and what is wrong. Required.
	Probe func(context.Context) (detail any, err error)
}

const (
	// probeTimeout bounds all checks: orchestrators wait for a few seconds. What has not returned by then fails.
	probeTimeout = 2 * time.Second
	// freshFor is how long results are used again: any number of probes costs what one a second costs.
	freshFor = time.Second
)

// Health is what a process reports of itself. It is not ready until it has a check, and not any more once it stops.
type Health struct {
	mu       sync.Mutex
	watched  []*watchedCheck
	probed   time.Time
	stopping bool
	probing  sync.Mutex // held for a round of probes, so that requests at the same time share it
}

// watchedCheck is a check and what its last probe found.
type watchedCheck struct {
	Check

	running bool
	began   time.Time // when the last probe did
	state   checkState
}

type healthReport struct {
	Status string                `json:"status"` // ok, degraded, unavailable, starting or stopping
	Checks map[string]checkState `json:"checks,omitempty"`
}

type checkState struct {
	Status   string    `json:"status"`  // ok or failing
	Since    time.Time `json:"since"`   // when it became so
	Seconds  float64   `json:"seconds"` // how long the last probe took
	Critical bool      `json:"critical"`
	Error    string    `json:"error,omitempty"`
	Detail   any       `json:"detail,omitempty"`
}

// The states of checks and processes.
const (
	stateOK          = "ok"
	stateFailing     = "failing"
	stateDegraded    = "degraded"
	stateUnavailable = "unavailable"
	stateStarting    = "starting"
	stateStopping    = "stopping"
)

// NewHealth returns a Health without checks.
func NewHealth() *Health { return &Health{} }

// Add adds checks.
func (h *Health) Add(checks ...Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range checks {
		h.watched = append(h.watched, &watchedCheck{Check: c})
	}
	h.probed = time.Time{}
}

// Stop makes the process unready for good, so that nothing new is sent to it.
func (h *Health) Stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Live handles GET /health/live: the process runs.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeReport(w, healthReport{Status: stateOK})
	})
}

// Ready handles GET /health/ready: status 503 only when a critical check fails, before the first check, and while the process stops. It
// shows no details, since every client may ask.
func (h *Health) Ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeReport(w, healthReport{Status: h.report(r.Context()).Status})
	})
}

// Detailed handles GET /health as Ready does, with the state of every check: for operators, since errors name hosts.
func (h *Health) Detailed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeReport(w, h.report(r.Context()))
	})
}

func (h *Health) report(ctx context.Context) healthReport {
	h.probeAll(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	report := healthReport{Status: stateOK, Checks: make(map[string]checkState, len(h.watched))}
	for _, c := range h.watched {
		report.Checks[c.Name] = c.state
		switch {
		case c.state.Status == stateOK:
		case c.Critical:
			report.Status = stateUnavailable
		case report.Status == stateOK:
			report.Status = stateDegraded
		}
	}
	switch {
	case h.stopping:
		report.Status = stateStopping
	case len(h.watched) == 0:
		report.Status = stateStarting
	}
	return report
}

// probeAll runs the checks unless their last results are fresh, and returns within probeTimeout, also when a probe does not.
func (h *Health) probeAll(ctx context.Context) {
	h.probing.Lock()
	defer h.probing.Unlock()
	// A client that goes away must not make a check fail for the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	var ended sync.WaitGroup
	for _, c := range h.startProbes() {
		ended.Go(func() {
			detail, err := c.Probe(ctx)
			h.endProbe(c, detail, err)
		})
	}
	all := make(chan struct{})
	go func() {
		ended.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
	h.failHanging()
}

// startProbes returns the checks to run now: none while the last results are fresh, and none that still hangs from an earlier round.
func (h *Health) startProbes() []*watchedCheck {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.probed) < freshFor {
		return nil
	}
	var start []*watchedCheck
	for _, c := range h.watched {
		if !c.running {
			c.running, c.began = true, time.Now()
			start = append(start, c)
		}
	}
	return start
}

func (h *Health) endProbe(c *watchedCheck, detail any, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.running = false
	c.update(detail, err)
}

// failHanging marks what is still running as failing.
func (h *Health) failHanging() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.probed) < freshFor {
		return
	}
	h.probed = time.Now()
	for _, c := range h.watched {
		if c.running {
			c.update(nil, fmt.Errorf("no result within %s", probeTimeout))
		}
	}
}

func (c *watchedCheck) update(detail any, err error) {
	state := checkState{Status: stateOK, Critical: c.Critical, Detail: detail, Since: c.state.Since, Seconds: time.Since(c.began).Seconds()}
	if err != nil {
		state.Status, state.Error = stateFailing, err.Error()
	}
	if state.Status != c.state.Status {
		state.Since = time.Now().UTC()
	}
	c.state = state
}

func writeReport(w http.ResponseWriter, report healthReport) {
	code := http.StatusOK
	if report.Status != stateOK && report.Status != stateDegraded {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(report) //nolint:errchkjson // the client is gone
}
