package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// fate is what becomes of a statement that is about to run.
type fate struct {
	name string
	// often is how often it comes, in relation to the others.
	often int
	meet  func(w *world, s *session)
}

const unreplicated = "The transaction has already committed locally, but might not have been replicated to the standby."

var failover = fate{"failover", 2, func(w *world, _ *session) { w.failOver() }}

// fates are what may happen instead of a step. Afterwards everything goes on.
var fates = []fate{
	{"lost", 4, func(_ *world, s *session) { s.cut() }},
	{"unheard", 8, func(_ *world, s *session) { // it takes effect, and the client does not know
		s.step()
		s.advance()
		s.cut()
	}},
	{"late", 2, func(w *world, s *session) { s.silentTo = time.Now().Add(w.moment(6 * time.Second)) }},
	{"late reply", 3, func(w *world, s *session) {
		s.step()
		s.advance()
		s.silentTo = time.Now().Add(w.moment(6 * time.Second))
	}},
	{"pause", 2, func(w *world, _ *session) { time.Sleep(w.moment(2 * time.Second)) }},
	{"crash", 2, func(w *world, s *session) { w.crash(s.client, w.rng.IntN(2) == 0) }},
	{"crash after", 2, func(w *world, s *session) {
		s.step()
		s.advance()
		w.crash(s.client, w.rng.IntN(2) == 0)
	}},
	{"freeze", 3, func(w *world, s *session) { w.freeze(s.client, w.moment(8*time.Second)) }},
	{"freeze after", 3, func(w *world, s *session) {
		s.step()
		s.advance()
		w.freeze(s.client, w.moment(8*time.Second))
	}},
	{"unreplicated", 4, func(w *world, s *session) {
		if s.commits() && s.tx != nil && s.tx.writes && s.tx.db == w.databases[0] {
			s.warning, w.behind = unreplicated, true
		}
		s.step()
	}},
	failover,
	{"restore", 1, func(w *world, _ *session) { w.restore() }},
	{"server crash", 2, func(w *world, s *session) { w.crashServer(s.db) }},
}

// moment returns a time up to most, mostly a short one.
func (w *world) moment(most time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(most)) >> w.rng.IntN(8))
}

// decide lets a session go on, or has one of the fates happen.
func (w *world) decide(s *session) {
	what, fateful := s.describeNext(), s.fateful()
	if w.behind { // what was acknowledged without the standby is lost soon, or never
		fateful = 0.5
	}
	if w.faults == 0 || w.calm.Load() || s.client == nil || w.rng.Float64() >= fateful {
		w.note(s, what, "")
		s.step()
		return
	}
	w.faults--
	f := w.pick()
	if w.behind && w.rng.IntN(2) == 0 {
		f, w.behind = failover, false
	}
	w.note(s, what, f.name)
	f.meet(w, s)
}

// fateful returns how likely it is that something happens instead of the next message: more where an effect may be lost, less where it only
// looks for work.
func (s *session) fateful() float64 {
	what := s.describeNext()
	starts := func(with string) bool { return strings.HasPrefix(what, with) }
	switch {
	case s.commits(), s.db.name == "outside" && what != "connect", slices.ContainsFunc([]string{"WITH moved", "WITH mine", "JobSetState"}, starts):
		return 0.1
	case starts("JobGetAvailable") && s.db.committed.queue.waits(), starts("SELECT stream_id FROM saga_aside WHERE"):
		return 0.1
	case slices.ContainsFunc([]string{"SELECT log_time()", "Leader", "JobGet", "JobSchedule", "Queue", "DELETE FROM idempotency_keys WHERE ctid", "-- "}, starts):
		return 0.003
	}
	return 0.015
}

func (w *world) pick() fate {
	all := 0
	for _, f := range fates {
		all += f.often
	}
	n := w.rng.IntN(all)
	for _, f := range fates {
		if n -= f.often; n < 0 {
			return f
		}
	}
	panic("unreachable")
}

func (w *world) note(s *session, what, fate string) {
	name := s.db.name
	if s.client != nil {
		name = s.client.name + " " + name
	}
	w.steps = append(w.steps, step{time.Since(began), fmt.Sprintf("%s/%d", name, s.id), what, fate})
}

// began is when a bubble's clock begins.
var began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// commits reports whether the next message is a commit.
func (s *session) commits() bool { return strings.EqualFold(s.describeNext(), "commit") }

func (s *session) describeNext() string {
	s.db.world.mu.Lock()
	m := s.queue[0]
	s.db.world.mu.Unlock()
	switch m.kind {
	case startup:
		return "connect"
	case execute:
		return s.portal.statement.sql
	}
	return normal(m.sql)
}

// failOver goes on with the standby, which lacks the last commits whose clients were warned. Its clock differs.
func (w *world) failOver() {
	db := w.databases[0]
	keep := len(db.history)
	for !db.history[keep-1].replicated {
		keep--
	}
	ahead, behind := w.moment(time.Second), w.moment(time.Second)
	db.clock += ahead - behind
	db.replace(keep, true)
}

// restore goes back to an earlier state, and loses what was acknowledged since.
func (w *world) restore() {
	db := w.databases[0]
	before := db.committed
	db.replace(len(db.history)-w.rng.IntN(min(len(db.history), 5)), true)
	for _, r := range before.log[min(len(db.committed.log), len(before.log)):] {
		w.mu.Lock()
		w.excused[r.correlation()], w.cutBack[r.streamID] = true, true
		w.mu.Unlock()
	}
}

// crashServer has a server start again. It has lost some of the last commits that were acknowledged before they were on the disk.
func (w *world) crashServer(db *database) {
	keep := len(db.history)
	for keep > 1 && db.history[keep-1].unhurried && w.rng.IntN(3) > 0 {
		keep--
	}
	db.replace(keep, false)
}
