// Package saga does what no process of the api lived to finish, and what takes time: holds expire, sales open and close, payments that
// were left undecided are reconciled, refunds are carried out, cancelled events are wound up.
//
// It has two halves. The follower reads the log by position and keeps a table of deadlines: what is to be done when, unless the log
// says before that it was done. Cursor and deadlines move in one transaction. The sweeper claims what is due and calls a use case of
// the write side for it. A use case's success does not end a deadline: the log does, so that nothing is lost to a process that dies,
// or to a clock that is wrong. All use cases are idempotent, and any number of replicas share the work.
package saga

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/eventstore"
)

// Actor stands in the log for what the saga does.
const Actor = "system:saga"

// Service is what the saga needs of command.Service. Every method may be called again, and too early or too late: then it changes
// nothing. command.ErrStillProcessing and command.ErrRefundPending say that it is to be called again later.
type Service interface {
	ExpireHold(ctx context.Context, by command.Caller, reservationID string) error
	ReconcilePayment(ctx context.Context, by command.Caller, paymentID string) error
	ExecuteRefund(ctx context.Context, by command.Caller, paymentID, refundID string) error
	OpenScheduledSales(ctx context.Context, by command.Caller, eventID string) error
	CloseScheduledSales(ctx context.Context, by command.Caller, eventID string) error
	WindUpEvent(ctx context.Context, by command.Caller, eventID string) (done bool, err error)
}

var _ Service = (*command.Service)(nil)

// Config is what Run needs. Pool, Registry, Service and PaymentTimeout are required.
type Config struct {
	Pool     *pgxpool.Pool // of the events database
	Registry *eventstore.Registry
	Service  Service
	// PaymentTimeout is how long one call of a gateway may take. A payment is asked about when it has been undecided for a little
	// longer than that since anything happened to it.
	PaymentTimeout time.Duration
	// Poll is how often the saga looks for what is new or due. Default: 100 ms.
	Poll time.Duration
	// Lease is how long a deadline stays with a replica that has died. Default: 10 s.
	Lease time.Duration
	// Drain is how long deadlines that are being worked on may go on when the saga is told to stop. Default: 20 s.
	Drain      time.Duration
	Clock      func() time.Time // says what is due. Default: time.Now
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.Poll == 0 {
		c.Poll = 100 * time.Millisecond
	}
	if c.Lease == 0 {
		c.Lease = 10 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Run works until ctx ends, and then lets what it is working on come to an end, for Drain at most. Whatever fails is logged, counted and
// tried again: its error says only that the configuration is incomplete.
func Run(ctx context.Context, c Config) error {
	c = c.withDefaults()
	if c.Pool == nil || c.Registry == nil || c.Service == nil || c.PaymentTimeout <= 0 {
		return errors.New("saga: Pool, Registry, Service and PaymentTimeout are required")
	}
	m := newMetrics(c.Registerer)
	f := newFollower(c, m)
	lanes := newLanes(c, m)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return look(ctx, c, m, f, lanes) })
	g.Go(func() error { return f.run(ctx) })
	for _, l := range lanes {
		g.Go(func() error { return l.run(ctx) })
	}
	g.Go(func() error { return sample(ctx, c, m) })
	return g.Wait()
}
