// Package saga does what takes time and what a process of the api did not live to finish: holds expire, sales open and close, undecided
// payments are reconciled, refunds are carried out, cancelled events are wound up, mails are sent to customers.
//
// The follower reads the log by position and writes what follows from it, in the transaction that moves its cursor. What only waits for a
// time becomes a row in the table of deadlines: lanes claim what is due and call a use case for it, and the log ends the deadline. What
// has an effect outside becomes a job (riverqueue/river): it is tried until it succeeds, with growing pauses, and stays visible if it does
// not. Webhooks that the api stored are jobs of the same queue (package command/webhook).
//
// All use cases are idempotent, a process that dies loses nothing, and any number of replicas share the work.
package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/command/webhook"
	"ticketing/internal/mail"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
)

// Service is what the saga needs of command.Service. Every method may be called repeatedly, too early or too late: then it changes
// nothing. command.ErrStillProcessing and command.ErrRefundPending mean that it has to be called again later.
type Service interface {
	ExpireHold(ctx context.Context, by command.Caller, reservationID string) error
	ReconcilePayment(ctx context.Context, by command.Caller, paymentID string) error
	ExecuteRefund(ctx context.Context, by command.Caller, paymentID, refundID string) error
	OpenScheduledSales(ctx context.Context, by command.Caller, eventID string) error
	CloseScheduledSales(ctx context.Context, by command.Caller, eventID string) error
	Holders(ctx context.Context, eventID string, part command.Versions) (reservationIDs []string, err error)
	WindUpEvent(ctx context.Context, by command.Caller, eventID string, part command.Versions) error
	Purchase(ctx context.Context, reservationID string) (command.Purchase, error)
	PurchaseOfPayment(ctx context.Context, paymentID string) (command.Purchase, error)
}

var _ Service = (*command.Service)(nil)

// Config is what Run needs.
type Config struct {
	Pool     *pgxpool.Pool        // Of the events database. Required.
	Registry *eventstore.Registry // Decodes the log. Required.
	Service  Service              // Required.
	Mailer   mail.Mailer          // Required.
	// Address returns a user's mail address; "" if the user does not exist any more. Required.
	Address func(ctx context.Context, userID string) (string, error)
	// OrderLink returns the address of an order that opens it without a session until then. Default: mails have no link.
	OrderLink func(reservationID string, until time.Time) string
	// DisputePage returns the address at which a gateway's dispute of a transaction is replied to, "" if there is none. Default: mails have no link.
	DisputePage func(gateway, transactionID string) string
	// SignTicket returns the text of a ticket's QR code. Default: nil, mails have no codes.
	SignTicket func(ticketID, eventID string) (string, error)
	// Texts returns texts that the log names by their ids, as far as they were not erased. Default: nil, mails do without them.
	Texts func(ctx context.Context, ids []string) (map[string]string, error)
	// Webhooks handles the webhooks that the api stored. Default: nil, their jobs wait for a replica that has it.
	Webhooks *webhook.Handler
	// PaymentTimeout is how long one call of a gateway may take. The gateway is asked about an undecided payment a little later than
	// that after the payment's last domain event. Required.
	PaymentTimeout time.Duration
	// Poll is how often the saga looks for what is new or due. Default: 100 ms.
	Poll time.Duration
	// Lease is how long a deadline or a job stays with a replica that has died. Default: 10 s.
	Lease time.Duration
	// Drain is how long work that was begun may go on when the saga stops. Default: 20 s.
	Drain      time.Duration
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.

	clock  *logClock
	atWork *atWork
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
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.clock, c.atWork = &logClock{}, newAtWork()
	return c
}

// The pauses between attempts to start.
const shortestStart, longestStart = 100 * time.Millisecond, 3 * time.Second

// Run works until ctx ends, and then waits for the work that was begun, at most for Drain. Failures are logged, counted and tried again, a database
// that is away or silent at the start included; an error means that Config can't be worked with.
func Run(ctx context.Context, c Config) error {
	c = c.withDefaults()
	if c.Pool == nil || c.Registry == nil || c.Service == nil || c.Mailer == nil || c.Address == nil || c.PaymentTimeout <= 0 {
		return errors.New("run the saga: Pool, Registry, Service, Mailer, Address and PaymentTimeout are required")
	}
	m, replicaID := newMetrics(c.Registerer), newReplicaID()
	client, err := newClient(c, m, replicaID)
	if err != nil {
		return err
	}
	alive, die := context.WithCancel(context.WithoutCancel(ctx))
	defer die()
	f, lanes := newFollower(c, m, client), newLanes(c, m)
	g, ctx := errgroup.WithContext(ctx)
	if !startJobs(ctx, c, client, replicaID) {
		return nil
	}
	g.Go(func() error {
		defer die()
		<-client.Stopped()
		return nil
	})
	g.Go(func() error { keepReplicaAlive(alive, c, m, replicaID); return nil })
	g.Go(func() error { watchForWork(ctx, c, m, f, lanes); return nil })
	g.Go(func() error { return f.run(ctx) })
	for _, l := range lanes {
		g.Go(func() error { return l.run(ctx) })
	}
	g.Go(func() error { return sampleRepeatedly(ctx, c, m) })
	return g.Wait()
}

// startJobs has the jobs worked on until ctx ends. It reports false if ctx ended before they were.
func startJobs(ctx context.Context, c Config, client *river.Client[pgx.Tx], replicaID string) bool {
	fault := supervise.NewFault("starting the saga", c.Logger)
	for pause := shortestStart; ; pause = min(2*pause, longestStart) {
		err := tryStart(ctx, c, client, replicaID)
		if ctx.Err() == nil || err == nil {
			fault.Note(ctx, err)
		}
		if err == nil {
			return true
		}
		if wait.For(ctx, pause) != nil {
			return false
		}
	}
}

func tryStart(ctx context.Context, c Config, client *river.Client[pgx.Tx], replicaID string) error {
	if err := renewReplica(ctx, c, replicaID); err != nil { // before it has jobs, which the others would otherwise take over
		return err
	}
	reading, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	now, err := eventstore.ReadTime(reading, c.Pool)
	if err != nil {
		return err
	}
	c.clock.set(now) // before River compares times
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start the saga's jobs: %w", err)
	}
	return nil
}
