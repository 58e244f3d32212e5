package command_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command"
	"ticketing/command/audit"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/engine"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// process is one replica of the write side. It can die at any step that it makes towards the outside: at what it sends to PostgreSQL,
// at what it reads from there, before and after a call of the gateway.
type process struct {
	*commandtest.System

	dead chan struct{}
	fuse atomic.Int64 // steps that are left

	mu    sync.Mutex
	conns []net.Conn
}

// step makes a step and reports whether the process is dead.
func (p *process) step() bool {
	if p.fuse.Add(-1) == 0 {
		p.kill()
	}
	return p.fuse.Load() <= 0
}

// kill ends everything that the process could still do.
func (p *process) kill() {
	p.fuse.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.dead:
	default:
		close(p.dead)
	}
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// conn is a connection of a process that may die.
type conn struct {
	net.Conn
	process *process
}

func (c *conn) Write(data []byte) (int, error) {
	if c.process.step() {
		return 0, errDead
	}
	return c.Conn.Write(data)
}

func (c *conn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if err == nil && c.process.step() {
		return 0, errDead
	}
	return n, err
}

// startProcess starts a replica on the log at url.
func startProcess(t require.TestingT, url string, bank *bank) *process {
	p := &process{dead: make(chan struct{})}
	p.fuse.Store(math.MaxInt64)
	p.System = commandtest.Start(t, commandtest.Config{
		Database: url, Configure: p.breakConnections, Gateways: branch{bank, p}, Hold: hold,
	})
	return p
}

// breakConnections counts the process's steps on its connections, and fails them once it is dead.
func (p *process) breakConnections(config *pgxpool.Config) {
	config.MaxConns = 4
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if p.step() {
			return nil, errDead
		}
		c, err := dial(ctx, network, address)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.conns = append(p.conns, c)
		return &conn{c, p}, err
	}
}

// world is what one run of the property plays in: an event, its customers, and the write side in two replicas.
type world struct {
	*model
	url     string
	pool    *pgxpool.Pool // of the test itself
	bank    *bank
	ending  *sync.WaitGroup
	all     []*process
	log     *audit.Log
	ledger  *ledger
	history []repeatable // that can be asked again
	woundUp bool
	clock   *testenv.Clock
}

// any returns one of the replicas.
func (w *world) any(t *rapid.T) *process {
	return w.all[rapid.IntRange(0, len(w.all)-1).Draw(t, "replica")]
}

// crash replaces a replica by a fresh one.
func (w *world) crash(t *rapid.T, p *process) {
	p.kill()
	w.ending.Go(p.Stop)
	for i := range w.all {
		if w.all[i] == p {
			w.all[i] = startProcess(t, w.url, w.bank)
		}
	}
}

// ledger is what the log says, folded by the aggregates.
type ledger struct {
	position     int64
	reservations map[string]reservation.State
	payments     map[string]payment.State
	inventory    inventory.State
}

func (l *ledger) read(t *rapid.T, pool *pgxpool.Pool) {
	records, err := eventstore.ReadAll(context.Background(), pool, l.position, math.MaxInt32)
	require.NoError(t, err)
	for _, r := range records {
		l.position = r.Position
		decoded, err := catalog.Registry().Decode(r.Type, r.SchemaVersion, r.Data)
		require.NoError(t, err)
		_, id := eventstore.SplitStreamID(r.StreamID)
		switch e := decoded.(type) {
		case reservation.DomainEvent:
			l.reservations[id] = reservation.Evolve(l.reservations[id], e)
		case payment.DomainEvent:
			l.payments[id] = payment.Evolve(l.payments[id], e)
		case inventory.DomainEvent:
			l.inventory = inventory.Evolve(l.inventory, e)
		}
	}
}

// check requires the log to be sound and to agree with the model, and the bank to have the expected balance.
func (w *world) check(t *rapid.T) {
	w.ledger.read(t, w.pool)
	found := audit.NewReport(10)
	require.NoError(t, w.log.Read(context.Background(), w.pool, w.ledger.position, found))
	w.log.Check(func(string, int64) bool { return !w.woundUp }, found)
	require.True(t, found.OK(), "%v", found.Findings)
	w.requireModel(t, w.ledger)
	require.Equal(t, w.expectedBalance(w.bank.charged), w.bank.balance(), "money at the bank")
}

// runOnReplica executes a command on a replica. With fuse >= 0 that replica dies after so many steps, or when the command has ended, and the
// command is executed again on another; certain reports whether the first replica lived to return its result.
func runOnReplica[T any](t *rapid.T, w *world, fuse int, execute func(p *process) (T, error)) (value T, certain bool, err error) {
	p := w.any(t)
	if fuse < 0 {
		value, err = execute(p)
		return value, true, err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	p.fuse.Store(int64(fuse) + 1)
	go func() {
		value, err := execute(p)
		done <- result{value, err}
	}()
	var first *result
	select {
	case <-p.dead: // the caller gets no result
	case r := <-done:
		first = &r
	}
	w.crash(t, p)
	if first != nil && !isDead(first.err) {
		return first.value, true, first.err
	}
	value, err = execute(w.any(t))
	return value, false, err
}

func isDead(err error) bool {
	return err != nil && (strings.Contains(err.Error(), errDead.Error()) || strings.Contains(err.Error(), engine.ErrUnavailable.Error()))
}

// drawFuse returns -1 mostly: the process lives.
func drawFuse(t *rapid.T) int {
	if rapid.IntRange(0, 3).Draw(t, "dies") > 0 {
		return -1
	}
	return rapid.IntRange(0, 14).Draw(t, "fuse")
}

func caller(actor, key string) command.Caller {
	return command.Caller{Principal: command.User(actor), Trace: command.Trace{CorrelationID: "request"}, IdempotencyKey: key}
}

func describe(items []inventory.ReserveItem) string {
	var b strings.Builder
	for _, item := range items {
		if item.Quantity != nil {
			fmt.Fprintf(&b, "%d×%s ", *item.Quantity, item.Section)
		}
		fmt.Fprintf(&b, "%s%v ", item.Section, item.Labels)
	}
	return b.String()
}
