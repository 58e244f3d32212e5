package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/rejection"
)

const (
	poll        = 100 * time.Millisecond
	batch       = 32              // handled at a time
	parallel    = 8               // of them at once: each waits for the gateway
	lease       = 5 * time.Minute // after which somebody else may handle what a process died of
	sqlTimeout  = 10 * time.Second
	longestWait = 10 * time.Minute // between attempts
	keep        = "30 days"        // far longer than gateways send again
	forgetEvery = time.Hour
)

// Actor stands in the log for what webhooks lead to.
const Actor = "system:webhook"

// Service is what handling needs of command.Service.
type Service interface {
	HearOfPayment(ctx context.Context, by command.Caller, h command.Hint) error
}

var _ Service = (*command.Service)(nil)

// Config is what Run needs. Registerer may be nil.
type Config struct {
	Pool       *pgxpool.Pool // of the events database
	Sources    []Source
	Service    Service
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Run handles what was stored until ctx ends. Any number of replicas share the work; what fails is tried again, ever more rarely.
func Run(ctx context.Context, c Config) error {
	h := handler{Config: c, metrics: newMetrics(c.Registerer), sources: map[string]Source{}}
	for _, s := range c.Sources {
		h.sources[s.Name()] = s
	}
	var forgot time.Time
	for ctx.Err() == nil {
		n, err := h.sweep(ctx)
		if err == nil && time.Since(forgot) > forgetEvery {
			forgot, err = time.Now(), h.forget(ctx)
		}
		if err != nil && ctx.Err() == nil {
			c.Logger.ErrorContext(ctx, "webhooks could not be handled", "error", err)
		}
		if n < batch {
			pause(ctx)
		}
	}
	return nil
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(poll):
	}
}

type handler struct {
	Config

	metrics *metrics
	sources map[string]Source
}

// stored is a webhook that is being handled.
type stored struct {
	gateway, eventID, transactionID, paymentID, traceparent string

	reversal bool
	attempts int
}

// sweep handles what is due and answers how much that was. What was begun is brought to its end when ctx ends.
func (h *handler) sweep(ctx context.Context) (int, error) {
	due, err := h.claim(ctx)
	if err != nil {
		return 0, err
	}
	working := context.WithoutCancel(ctx)
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, w := range due {
		g.Go(func() error { return h.settle(working, w, h.handle(working, w)) })
	}
	return len(due), g.Wait()
}

// claim takes what is due. The attempt counts from here on, so that what a process dies of is not tried for ever at once.
func (h *handler) claim(ctx context.Context) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	rows, err := h.Pool.Query(ctx, `UPDATE webhooks SET next_at = clock_timestamp() + $2::interval, attempts = attempts + 1
		WHERE (gateway, event_id) IN (
			SELECT gateway, event_id FROM webhooks WHERE handled_at IS NULL AND next_at <= clock_timestamp()
			ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
		) RETURNING gateway, event_id, transaction_id, payment_id, traceparent, reversal, attempts`, batch, lease)
	if err != nil {
		return nil, fmt.Errorf("claim webhooks: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w stored, err error) {
		err = row.Scan(&w.gateway, &w.eventID, &w.transactionID, &w.paymentID, &w.traceparent, &w.reversal, &w.attempts)
		return w, err //nolint:wrapcheck // it is wrapped below
	})
	if err != nil {
		return nil, fmt.Errorf("claim webhooks: %w", err)
	}
	return due, nil
}

// handle follows one hint. Its panic fails it, not the process.
func (h *handler) handle(ctx context.Context, w stored) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panicked: %v", p)
		}
	}()
	paymentID := w.paymentID
	if paymentID == "" {
		source, ok := h.sources[w.gateway]
		if !ok {
			return fmt.Errorf("gateway %s is not configured", w.gateway)
		}
		if paymentID, err = source.PaymentID(ctx, w.transactionID); err != nil {
			return err
		}
	}
	by := command.Caller{Actor: Actor, CorrelationID: w.gateway + ":" + w.eventID, Traceparent: w.traceparent}
	return h.Service.HearOfPayment(ctx, by, command.Hint{Gateway: w.gateway, PaymentID: paymentID, Reversals: w.reversal})
}

// settle writes down what became of a webhook.
func (h *handler) settle(ctx context.Context, w stored, failed error) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	rejected, _ := rejection.As(failed)
	result := "handled"
	switch {
	case errors.Is(failed, gateway.ErrUnknownPayment), rejected != nil && rejected.Code == rejection.NotFound:
		result = "unknown"
	case failed != nil:
		h.metrics.handled.WithLabelValues(w.gateway, "failed").Inc()
		wait := min(time.Second<<min(w.attempts, 20), longestWait)
		h.Logger.WarnContext(ctx, "a webhook could not be handled and is tried again",
			"gateway", w.gateway, "event", w.eventID, "attempts", w.attempts, "wait", wait, "error", failed)
		return h.exec(ctx, `UPDATE webhooks SET next_at = clock_timestamp() + $3::interval, last_error = $4 WHERE gateway = $1 AND event_id = $2`,
			w.gateway, w.eventID, wait, failed.Error())
	}
	h.metrics.handled.WithLabelValues(w.gateway, result).Inc()
	return h.exec(ctx, `UPDATE webhooks SET handled_at = clock_timestamp(), result = $3, last_error = NULL WHERE gateway = $1 AND event_id = $2`,
		w.gateway, w.eventID, result)
}

// forget deletes what is old, handled or not.
func (h *handler) forget(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	return h.exec(ctx, `DELETE FROM webhooks WHERE received_at < clock_timestamp() - $1::interval`, keep)
}

func (h *handler) exec(ctx context.Context, sql string, args ...any) error {
	if _, err := h.Pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("settle webhooks: %w", err)
	}
	return nil
}
