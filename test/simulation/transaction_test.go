package simulation

import (
	"slices"
	"time"
)

// refusal is an error of PostgreSQL.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

var (
	errDuplicate = &refusal{"23505", "duplicate key value violates unique constraint"}
	errFailed    = &refusal{"25P02", "current transaction is aborted, commands ignored until end of transaction block"}
	errDeadlock  = &refusal{"40P01", "deadlock detected"}
	errLockTime  = &refusal{"55P03", "canceling statement due to lock timeout"}
	errCancelled = &refusal{"57014", "canceling statement due to user request"}
	// errBlocked says that a statement waits for a lock. It is run again, as a whole, when it has the lock.
	errBlocked = &refusal{"blocked", "the statement waits for a lock"}
)

// transaction keeps what it writes apart until it is committed. Each of its statements sees what others have committed by then, as in READ
// COMMITTED.
type transaction struct {
	db         *database
	explicit   bool // begun by BEGIN
	failed     bool
	writes     bool // more than nothing: its commit waits for the standby
	changes    []func(*state)
	savepoints []savepoint
	settings   map[string]string // SET LOCAL

	seen     *state // what view was made from, and of how many changes
	made     int
	prepared *state
}

type savepoint struct {
	name    string
	changes int
}

// view returns the database as the transaction's next statement sees it. It must not be changed.
func (tx *transaction) view() *state {
	if len(tx.changes) == 0 {
		return tx.db.committed
	}
	if tx.seen != tx.db.committed || tx.made != len(tx.changes) || tx.prepared == nil {
		tx.prepared = tx.db.committed.clone()
		for _, change := range tx.changes {
			change(tx.prepared)
		}
		tx.seen, tx.made = tx.db.committed, len(tx.changes)
	}
	return tx.prepared
}

func (tx *transaction) change(f func(*state)) {
	tx.writes = true
	tx.changes = append(tx.changes, f)
	tx.prepared = nil
}

// commit is one version of the database, which is not changed any more.
type commit struct {
	state *state
	// replicated says that a standby has it. What is not may be lost by a failover.
	replicated bool
	// unhurried says that it was acknowledged before it was on the disk: a crash of the server may lose it, with all that are like it behind it.
	unhurried bool
}

func (tx *transaction) commit(replicated bool) {
	unhurried := tx.settings["synchronous_commit"] == "off"
	if replicated = replicated && !unhurried; tx.writes && replicated {
		for i := len(tx.db.history) - 1; i >= 0 && !tx.db.history[i].replicated; i-- {
			tx.db.history[i].replicated = true
		}
	}
	if len(tx.changes) == 0 {
		return
	}
	next := tx.db.committed.clone()
	for _, change := range tx.changes {
		change(next)
	}
	tx.db.set(next)
	tx.db.history = append(tx.db.history, commit{state: next, replicated: replicated, unhurried: unhurried})
}

// rollbackTo takes back what was done since the savepoint, and reports whether there is one.
func (tx *transaction) rollbackTo(name string) bool {
	for i := len(tx.savepoints) - 1; i >= 0; i-- {
		if tx.savepoints[i].name == name {
			tx.changes, tx.prepared = tx.changes[:tx.savepoints[i].changes], nil
			tx.savepoints, tx.failed = tx.savepoints[:i+1], false
			return true
		}
	}
	return false
}

func (tx *transaction) release(name string) {
	i := slices.IndexFunc(tx.savepoints, func(s savepoint) bool { return s.name == name })
	if i >= 0 {
		tx.savepoints = tx.savepoints[:i]
	}
}

// lock is a row's, or an advisory one. It is granted in turn.
type lock struct {
	holders []claim
	queue   []claim
}

type claim struct {
	session   *session
	shared    bool
	unlimited bool // held until the session ends, not the transaction
}

func (c claim) conflicts(other claim) bool {
	return c.session != other.session && (!c.shared || !other.shared)
}

func ofSession(s *session) func(claim) bool { return func(c claim) bool { return c.session == s } }

// grantable reports whether the claim conflicts with no holder, and with none that came before it.
func (l *lock) grantable(c claim) bool {
	if slices.ContainsFunc(l.holders, c.conflicts) {
		return false
	}
	before := l.queue
	if i := slices.IndexFunc(before, ofSession(c.session)); i >= 0 {
		before = before[:i]
	}
	return !slices.ContainsFunc(before, c.conflicts)
}

// acquire takes a lock, or queues for it and returns errBlocked.
func (db *database) acquire(key string, c claim) error {
	l := db.locks[key]
	if l == nil {
		l = &lock{}
		db.locks[key] = l
	}
	held := func(h claim) bool {
		return h.session == c.session && (!h.shared || c.shared) && (h.unlimited || !c.unlimited)
	}
	if slices.ContainsFunc(l.holders, held) {
		return nil
	}
	s := c.session
	if l.grantable(c) {
		l.holders = append(l.holders, c)
		l.queue = slices.DeleteFunc(l.queue, ofSession(s))
		s.locks[key], s.waitsFor = true, ""
		return nil
	}
	if !slices.ContainsFunc(l.queue, ofSession(s)) {
		l.queue = append(l.queue, c)
	}
	s.locks[key] = true
	if s.waitsFor != key {
		s.waitsFor, s.claim, s.blockedAt = key, c, time.Now()
	}
	if db.deadlocked(s, s, map[*session]bool{}) {
		return errDeadlock
	}
	return errBlocked
}

// deadlocked reports whether s waits for one that waits for first.
func (db *database) deadlocked(first, s *session, seen map[*session]bool) bool {
	if s.waitsFor == "" || seen[s] {
		return false
	}
	seen[s] = true
	for _, h := range db.locks[s.waitsFor].holders {
		if h.conflicts(s.claim) && (h.session == first || db.deadlocked(first, h.session, seen)) {
			return true
		}
	}
	return false
}

// releaseLocks releases the locks of the session's transaction, or all that it has.
func (db *database) releaseLocks(s *session, all bool) {
	for key := range s.locks {
		l := db.locks[key]
		released := func(c claim) bool { return c.session == s && (all || !c.unlimited) }
		l.holders, l.queue = slices.DeleteFunc(l.holders, released), slices.DeleteFunc(l.queue, ofSession(s))
		if !slices.ContainsFunc(l.holders, ofSession(s)) {
			delete(s.locks, key)
		}
		if len(l.holders)+len(l.queue) == 0 {
			delete(db.locks, key)
		}
	}
	s.waitsFor = ""
}
