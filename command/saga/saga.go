// Package saga does what no process of the api lived to finish, and what takes time: holds expire, sales open and close, payments that
// were left undecided are reconciled, refunds are carried out, cancelled events are wound up, customers are written to.
//
// The follower reads the log by position and writes what follows from it, in the transaction that moves its cursor. What only waits for a
// time becomes a row in the table of deadlines: lanes claim what is due and call a use case for it, and the log ends the deadline. What
// has an effect outside becomes a job (riverqueue/river): it is tried until it succeeds, with growing pauses, and stays visible if it does
// not. Webhooks that the api stored are jobs of the same queue (package command/webhook).
//
// All use cases are idempotent, nothing is lost to a process that dies, and any number of replicas share the work.
package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/command/webhook"
	"ticketing/internal/mail"
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
	Holders(ctx context.Context, by command.Caller, eventID string) (reservationIDs []string, err error)
	WindUpEvent(ctx context.Context, by command.Caller, eventID string) error
	Sale(ctx context.Context, by command.Caller, reservationID string) (command.Sale, error)
	SaleOfPayment(ctx context.Context, by command.Caller, paymentID string) (command.Sale, error)
}

var _ Service = (*command.Service)(nil)

// Config is what Run needs. Pool, Registry, Service, Mailer, Address and PaymentTimeout are required.
type Config struct {
	Pool     *pgxpool.Pool // of the events database
	Registry *eventstore.Registry
	Service  Service
	Mailer   mail.Mailer
	// Address answers where a user gets mail; "" when there is no such user (any more).
	Address func(ctx context.Context, userID string) (string, error)
	// Webhooks handles the webhooks that the api stored. Default: nil, their jobs wait for a replica that has it.
	Webhooks *webhook.Handler
	// PaymentTimeout is how long one call of a gateway may take. A payment is asked about when it has been undecided for a little
	// longer than that since anything happened to it.
	PaymentTimeout time.Duration
	// Poll is how often the saga looks for what is new or due. Default: 100 ms.
	Poll time.Duration
	// Lease is how long a deadline or a job stays with a replica that has died. Default: 10 s.
	Lease time.Duration
	// Drain is how long what is being worked on may go on when the saga is told to stop. Default: 20 s.
	Drain      time.Duration
	Clock      func() time.Time // says what is due. Default: time.Now
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// reconcileAfter is how long a payment is left to the process that handles it: a call that timed out still has to be recorded by its caller.
func (c Config) reconcileAfter() time.Duration { return c.PaymentTimeout + c.PaymentTimeout/4 }

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
// tried again: its error says only that it could not begin.
func Run(ctx context.Context, c Config) error {
	c = c.withDefaults()
	if c.Pool == nil || c.Registry == nil || c.Service == nil || c.Mailer == nil || c.Address == nil || c.PaymentTimeout <= 0 {
		return errors.New("saga: Pool, Registry, Service, Mailer, Address and PaymentTimeout are required")
	}
	m, replicaID := newMetrics(c.Registerer), newReplicaID()
	client, err := newClient(c, m, replicaID)
	if err != nil {
		return err
	}
	if err := beat(ctx, c, replicaID); err != nil { // before it has jobs: the others would take them for a dead replica's
		return unlessDone(ctx, err)
	}
	alive, die := context.WithCancel(context.WithoutCancel(ctx))
	defer die()
	f, lanes := newFollower(c, m, client), newLanes(c, m)
	g, ctx := errgroup.WithContext(ctx)
	if err := client.Start(ctx); err != nil {
		return unlessDone(ctx, fmt.Errorf("start the saga's jobs: %w", err))
	}
	g.Go(func() error {
		defer die()
		<-client.Stopped()
		return nil
	})
	g.Go(func() error { stayAlive(alive, c, m, replicaID); return nil })
	g.Go(func() error { return look(ctx, c, m, f, lanes) })
	g.Go(func() error { return f.run(ctx) })
	for _, l := range lanes {
		g.Go(func() error { return l.run(ctx) })
	}
	g.Go(func() error { return sample(ctx, c, m) })
	return g.Wait()
}

// unlessDone answers err, except when ctx has ended: then that is why.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop while beginning
	}
	return err
}
