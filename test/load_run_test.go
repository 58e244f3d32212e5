package test

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"
)

// loadRun is a platform of one process of each part, and what is measured of it over time.
type loadRun struct {
	*platform

	t         *testing.T
	parts     map[string]runningPart
	customers int // that are in
	reserved  atomic.Int64
	began     time.Time
	moments   []moment
	measures  []func(now moment) // each adds to its values
}

// moment is what was measured at a time.
type moment struct {
	at     time.Duration
	values map[string]float64
}

func newLoadRun(t *testing.T, settings map[string]string) *loadRun {
	t.Helper()
	p := newPlatform(t)
	maps.Copy(p.env, settings)
	r := &loadRun{platform: p, t: t, parts: map[string]runningPart{}}
	for _, part := range []string{"relay", "projector", "saga"} {
		r.parts[part] = p.startPart(part)
	}
	r.parts["api"] = p.startAPI()
	r.measures = append(r.measures, r.measureUse())
	r.began = time.Now()
	return r
}

// watch measures now and then, as long as it is to go on.
func (r *loadRun) watch(every time.Duration, goOn func(at time.Duration) bool) {
	began := time.Now()
	for n := 1; goOn(time.Since(began)); n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
		now := moment{at: time.Since(r.began), values: map[string]float64{}}
		for _, measure := range r.measures {
			measure(now)
		}
		r.moments = append(r.moments, now)
	}
}

// measureUse measures how much the platform does, and what that takes.
func (r *loadRun) measureUse() func(now moment) {
	before, at := int64(0), time.Duration(0)
	return func(now moment) {
		for part, families := range scrape(r.t, r.parts) {
			now.values[part+", MiB"] = sumOf(families["process_resident_memory_bytes"], nil) / (1 << 20)
		}
		now.values["connections to PostgreSQL"] = float64(queryCount(r.t, r.env["DATABASE_URL"],
			`SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL AND pid <> pg_backend_pid()`))
		now.values["customers"] = float64(r.customers)
		reserved := r.reserved.Load()
		now.values["reservations a second"] = float64(reserved-before) / (now.at - at).Seconds()
		before, at = reserved, now.at
	}
}
