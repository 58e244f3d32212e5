package saga

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/relay/logtest"
	"ticketing/command/reservation"
	"ticketing/internal/mail"
	"ticketing/internal/testenv"
)

// start is when the stopped clock of a test begins: now, since River cleans up by the time of the real world.
var start = time.Now().UTC().Truncate(time.Second)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testenv.OpenPool(t, testenv.EventsDatabase(t))
}

// newTimedPool is newPool with a time that only the test moves.
func newTimedPool(t *testing.T) (*pgxpool.Pool, *testenv.Clock) {
	t.Helper()
	pool := newPool(t)
	return pool, testenv.NewStoppedClock(t, pool.Config().ConnString(), start)
}

// fact is a domain event for the log of a test.
type fact struct {
	stream string
	event  any
}

// recordFacts appends facts to the log at a time.
func recordFacts(ctx context.Context, pool *pgxpool.Pool, at time.Time, facts ...fact) error {
	log := logtest.Log{Pool: pool, Registry: catalog.Registry(), Metadata: eventstore.Metadata{CorrelationID: "request", Actor: "usr", Traceparent: "trace"}}
	entries := make([]logtest.Entry, len(facts))
	for i, f := range facts {
		entries[i] = logtest.Entry{StreamID: f.stream, Event: f.event}
	}
	return log.AppendAt(ctx, at, entries...)
}

func mustRecord(t *testing.T, pool *pgxpool.Pool, at time.Time, facts ...fact) {
	t.Helper()
	require.NoError(t, recordFacts(t.Context(), pool, at, facts...))
}

// holds returns the beginnings of n holds that all end at the same time.
func holds(n int, expiresAt time.Time) []fact {
	facts := make([]fact, n)
	for i := range facts {
		facts[i] = fact{reservation.Stream(holdID(i)), reservation.ReservationInitiated{ExpiresAt: expiresAt}}
	}
	return facts
}

func holdID(i int) string { return fmt.Sprintf("rsv_%05d", i) }

// double is a Service that does what the test says; by default nothing. It counts calls, and notes those that overlap another of the same use case and id.
type double struct {
	expireHold  func(ctx context.Context, id string) error
	reconcile   func(ctx context.Context, id string) error
	refund      func(ctx context.Context, paymentID, refundID string) error
	windUp      func(ctx context.Context, id string) error
	holders     []string
	waiting     *payment.Refund // of each payment; nil: it has one that is given
	mutex       sync.Mutex
	calls       map[string]int // by use case and id
	callers     map[string]command.Caller
	active      map[string]bool
	overlapping []string
}

func newDouble() *double {
	return &double{calls: map[string]int{}, callers: map[string]command.Caller{}, active: map[string]bool{}}
}

func (d *double) begin(by command.Caller, call string) (end func()) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.active[call] {
		d.overlapping = append(d.overlapping, call)
	}
	d.calls[call]++
	d.callers[call] = by
	d.active[call] = true
	return func() {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		d.active[call] = false
	}
}

func (d *double) count(call string) int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.calls[call]
}

func (d *double) total() int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	n := 0
	for _, calls := range d.calls {
		n += calls
	}
	return n
}

func (d *double) ExpireHold(ctx context.Context, by command.Caller, id string) error {
	defer d.begin(by, "expire "+id)()
	if d.expireHold == nil {
		return nil
	}
	return d.expireHold(ctx, id)
}

func (d *double) ReconcilePayment(ctx context.Context, by command.Caller, id string) error {
	defer d.begin(by, "reconcile "+id)()
	if d.reconcile == nil {
		return nil
	}
	return d.reconcile(ctx, id)
}

func (d *double) ExecuteRefund(ctx context.Context, by command.Caller, paymentID, refundID string) error {
	defer d.begin(by, "refund "+paymentID+" "+refundID)()
	if d.refund == nil {
		return nil
	}
	return d.refund(ctx, paymentID, refundID)
}

func (d *double) OpenScheduledSales(_ context.Context, by command.Caller, id string) error {
	d.begin(by, "open "+id)()
	return nil
}

func (d *double) CloseScheduledSales(_ context.Context, by command.Caller, id string) error {
	d.begin(by, "close "+id)()
	return nil
}

func (d *double) WindUpEvent(ctx context.Context, by command.Caller, id string, _ command.Versions) error {
	defer d.begin(by, "wind up "+id)()
	if d.windUp == nil {
		return nil
	}
	return d.windUp(ctx, id)
}

func (d *double) Holders(context.Context, string, command.Versions) ([]string, error) {
	return d.holders, nil
}

// Purchase returns a completed reservation for any id; its event is cancelled when it still has holders.
func (d *double) Purchase(_ context.Context, id string) (command.Purchase, error) {
	d.begin(command.Caller{}, "purchase "+id)()
	purchase := command.Purchase{Reservation: command.Reservation{ID: id, State: reservation.State{Status: reservation.Completed, CustomerID: "usr"}}}
	if d.holders != nil {
		purchase.Event.Status = event.Cancelled
	}
	return purchase, nil
}

func (d *double) PurchaseOfPayment(_ context.Context, id string) (command.Purchase, error) {
	d.begin(command.Caller{}, "purchase by "+id)()
	refund := payment.Refund{ID: "rfd", Status: payment.RefundCompleted}
	if d.waiting != nil {
		refund = *d.waiting
	}
	return command.Purchase{
		Reservation: command.Reservation{State: reservation.State{CustomerID: "usr"}},
		Payment:     &command.Payment{ID: id, State: payment.State{Refunds: []payment.Refund{refund}}},
	}, nil
}

// post is a mail server that keeps what it is sent.
type post struct {
	mutex sync.Mutex
	sent  []mail.Message
	err   error // of each attempt
}

func (p *post) Send(_ context.Context, m mail.Message) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.err == nil {
		p.sent = append(p.sent, m)
	}
	return p.err
}

// ids returns the ids of the mails that were sent, sorted.
func (p *post) ids() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	ids := []string{}
	for _, m := range p.sent {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	return ids
}

// expires is an ExpireHold that records what the real one does.
func expires(pool *pgxpool.Pool, c *testenv.Clock) func(context.Context, string) error {
	return func(ctx context.Context, id string) error {
		return recordFacts(ctx, pool, c.Now(), fact{reservation.Stream(id), reservation.ReservationExpired{ExpiredAt: c.Now()}})
	}
}

func config(pool *pgxpool.Pool, s Service) Config {
	return Config{
		Pool: pool, Registry: catalog.Registry(), Service: s, PaymentTimeout: 30 * time.Second, Poll: 5 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Mailer: &post{},
		Address: func(context.Context, string) (string, error) { return "ann@example.com", nil },
	}
}

// runSaga runs a replica until the test is over or stop is called, which waits for its end.
func runSaga(t *testing.T, c Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// waitUntilIdle waits until nothing is to be done at the log's time. It does what River's scheduler does every five seconds: jobs that were
// postponed become available when they are due.
func waitUntilIdle(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		_, err := pool.Exec(t.Context(), `UPDATE river_job SET state = 'available' WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= `+eventstore.NowSQL)
		require.NoError(t, err)
		settled, err := Idle(t.Context(), pool)
		return settled, fmt.Sprintf("settled: %v, %v", settled, err)
	})
}

// row is a deadline as the table has it.
type row struct {
	Kind      Kind
	ID        string
	DueAt     time.Time
	NextAt    time.Time
	Revision  int64
	Attempts  int
	LastError string
	Failed    bool
}

func deadlineRows(t *testing.T, db eventstore.Querier) []row {
	t.Helper()
	return collectRows[row](t, db, `SELECT kind, id, due_at, next_at, revision, attempts, coalesce(last_error, ''), failed_at IS NOT NULL
		FROM deadlines ORDER BY kind, id`)
}

// jobRow is a job as river's table has it.
type jobRow struct {
	Kind        string
	Args        string
	State       string
	ScheduledAt time.Time
	Errors      int
	LastError   string
	Priority    int
}

func jobRows(t *testing.T, db eventstore.Querier) []jobRow {
	t.Helper()
	return collectRows[jobRow](t, db, `SELECT kind, args::text, state::text, scheduled_at, coalesce(cardinality(errors), 0),
		coalesce(errors[cardinality(errors)]->>'error', ''), priority FROM river_job ORDER BY id`)
}

// unfinished returns the jobs that have not ended.
func unfinished(t *testing.T, db eventstore.Querier) []jobRow {
	t.Helper()
	return slices.DeleteFunc(jobRows(t, db), func(j jobRow) bool { return j.State == "completed" })
}

func collectRows[R any](t *testing.T, db eventstore.Querier, query string) []R {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[R])
	require.NoError(t, err)
	return all
}
