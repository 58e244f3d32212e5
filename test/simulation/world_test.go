package simulation

import (
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// world is one run: what the seed decides, and what happened. It lives in a bubble of synctest, whose clock goes on when everything waits.
type world struct {
	rng   *rand.Rand // the scheduler's
	types *pgtype.Map
	ended chan struct{} // the run is over
	// finished is closed when the scheduler has ended.
	finished chan struct{}

	databases []*database
	faults    int         // still to come
	behind    bool        // the standby lacks a commit
	calm      atomic.Bool // no more of them
	steps     []step

	mu         sync.Mutex
	signal     chan struct{}
	processes  []*process
	violations []string
	outcomes   map[string]outcome // of commands, by correlation id
	excused    map[string]bool    // commands that a restore has lost
	cutBack    map[string]bool    // streams that have lost domain events so
}

// step is a decision of the scheduler.
type step struct {
	at      time.Duration
	session string
	what    string
	fate    string
}

// database is a simulated PostgreSQL with one database.
type database struct {
	world      *world
	name       string
	statements map[string]*statement
	sessions   []*session
	started    uint32 // sessions
	committed  *state
	latest     atomic.Pointer[state] // committed, for others than the scheduler
	check      func(*state)          // is called with each commit
	history    []commit
	locks      map[string]*lock
	jobs       int64         // the last id of one
	clock      time.Duration // how far its clock is ahead
}

func newWorld(seed uint64) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)), types: pgtype.NewMap(), ended: make(chan struct{}), finished: make(chan struct{}),
		signal: make(chan struct{}, 1), outcomes: map[string]outcome{}, excused: map[string]bool{}, cutBack: map[string]bool{},
	}
	w.types.RegisterType(&pgtype.Type{Name: "river_job_state", OID: jobState, Codec: pgtype.TextCodec{}})
	return w
}

func (w *world) addDatabase(name string, from *state, statements ...[]statement) *database {
	db := &database{world: w, name: name, statements: map[string]*statement{}, locks: map[string]*lock{}, check: func(*state) {}}
	db.set(from)
	db.history = []commit{{state: from, replicated: true}}
	for _, group := range statements {
		for _, st := range group {
			text := normal(st.sql)
			st.sql = namePattern.ReplaceAllString(text, "")
			db.statements[text] = &st
		}
	}
	w.databases = append(w.databases, db)
	return db
}

var namePattern = regexp.MustCompile(`^-- name: \w+ :\w+ `)

func (db *database) set(next *state) {
	db.committed = next
	db.latest.Store(next)
	db.check(next)
}

func (db *database) now() time.Time { return time.Now().UTC().Add(db.clock).Truncate(time.Microsecond) }

func (db *database) statement(sql string) (*statement, error) {
	st, ok := db.statements[normal(sql)]
	if !ok {
		st, ok = db.statements[riverText(sql)]
	}
	if !ok {
		db.world.violate("the simulation does not know a statement: %s %s", riverText(sql), normal(sql))
		return nil, fmt.Errorf("unknown: %s", sql)
	}
	return st, nil
}

// open returns the client's end of a new session.
func (db *database) open(p *process) *connection {
	client, server := newConnection()
	db.world.mu.Lock()
	db.started++
	s := &session{
		db: db, id: db.started, client: p, conn: server, backend: pgproto3.NewBackend(server, server), statements: map[string]*statement{},
		settings: map[string]string{}, locks: map[string]bool{},
	}
	db.sessions = append(db.sessions, s)
	db.world.mu.Unlock()
	go s.receive()
	return client
}

func (w *world) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.violations, text) {
		w.violations = append(w.violations, text)
	}
}

// wake has the scheduler look again.
func (w *world) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// schedule decides what happens next, each time that everything waits, until the run is over.
func (w *world) schedule() {
	defer close(w.finished)
	for {
		synctest.Wait()
		select {
		case <-w.ended:
			for _, s := range w.sessions() {
				s.cut()
			}
			return
		case <-w.signal:
		default:
		}
		ready, flushed := w.ready()
		switch {
		case flushed:
		case len(ready) > 0:
			w.decide(ready[w.rng.IntN(len(ready))])
		default:
			w.pass()
		}
	}
}

func (w *world) sessions() (all []*session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, db := range w.databases {
		all = append(all, db.sessions...)
	}
	return all
}

// ready returns the sessions that can go on, and reports whether replies were delivered, so that more may be able to after them.
func (w *world) ready() (ready []*session, flushed bool) {
	for _, s := range w.sessions() {
		if at, reach := s.due(); reach != nil && !time.Now().Before(at) {
			reach()
			return nil, true
		}
		if s.ended || s.silent() {
			continue
		}
		awaits := s.advance()
		if s.toFlush && !s.ended {
			s.flush() // its client goes on: what the others send meanwhile must not depend on luck
			return nil, true
		}
		if awaits && !s.ended && (s.waitsFor == "" || s.db.locks[s.waitsFor].grantable(s.claim)) {
			ready = append(ready, s)
		}
	}
	return ready, false
}

// pass lets time pass until something happens or a limit is reached.
func (w *world) pass() {
	next := time.Now().Add(time.Hour)
	for _, s := range w.sessions() {
		if at, reach := s.due(); reach != nil && at.Before(next) {
			next = at
		}
		if s.silent() && s.silentTo.Before(next) {
			next = s.silentTo
		}
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.signal:
		w.wake()
	case <-w.ended:
	}
}

// guard has a panic violate something, so that it is known after which seed it came.
func (w *world) guard(run func() error) {
	defer func() {
		if p := recover(); p != nil {
			w.violate("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := run(); err != nil {
		w.violate("a process ended: %v", err)
	}
}

// process is a process of the product: what it runs ends with its connections and its context.
type process struct {
	world *world
	name  string
	dead  bool // of the world's mutex
	end   func()
	// replace starts another process in its place.
	replace func()
	broker  []net.Conn // connections to the broker, of the world's mutex
}

func (p *process) alive() bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return !p.dead
}

// living returns the processes that are alive.
func (w *world) living() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool { return p.dead })
}

// crash ends a process where it is. If its machine dies too, the servers hear nothing of it.
func (w *world) crash(p *process, unheard bool) {
	if p.replace != nil {
		p.replace()
	}
	w.mu.Lock()
	p.dead = true
	w.mu.Unlock()
	for _, s := range w.sessions() {
		switch {
		case s.client != p:
		case unheard:
			s.conn.cut()
			s.silentTo = time.Now().Add(noticed)
		default:
			s.cut()
		}
	}
	p.cutBroker()
	p.end()
}

// noticed is when a server has noticed that a client's machine is gone.
const noticed = time.Minute

// cutBroker ends the process's connections to the broker.
func (p *process) cutBroker() {
	p.world.mu.Lock()
	connections := p.broker
	p.broker = nil
	p.world.mu.Unlock()
	for _, c := range connections {
		_ = c.Close()
	}
}

// freeze lets nothing through to and from a process.
func (w *world) freeze(p *process, d time.Duration) {
	for _, s := range w.sessions() {
		if s.client == p {
			s.silentTo = time.Now().Add(d)
		}
	}
}

// replace puts an earlier state in a database's place: all sessions end, and the log has a new incarnation if renew.
func (db *database) replace(keep int, renew bool) {
	for _, s := range db.world.sessions() {
		if s.db == db {
			s.cut()
		}
	}
	next := db.history[keep-1].state.clone()
	next.queue.leader = nil // its table is not logged
	if !renew {
		db.set(next)
		db.history = db.history[:keep]
		return
	}
	incarnation, err := uuid.NewRandomFromReader(randomBytes{db.world.rng})
	if err != nil {
		panic(err)
	}
	next.incarnation = incarnation.String()
	db.set(next)
	db.history = append(db.history[:keep:keep], commit{state: next, replicated: true})
}

type randomBytes struct{ rng *rand.Rand }

func (r randomBytes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.rng.IntN(256))
	}
	return len(p), nil
}

// report returns what was violated, what the scheduler has done to the processes, and its last decisions.
func (w *world) report() string {
	var b strings.Builder
	for _, v := range w.violations {
		fmt.Fprintf(&b, "%s\n", v)
	}
	const last = 60
	for i, s := range w.steps {
		if s.fate != "" || i >= len(w.steps)-last {
			fmt.Fprintf(&b, "  %9s  %-16s %-12s %.150s\n", s.at.Round(time.Millisecond), s.session, s.fate, s.what)
		}
	}
	return b.String()
}
