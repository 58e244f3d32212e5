package webhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/internal/principal"
	"ticketing/internal/telemetry"
)

// retention is how long stored webhooks are kept, handled or not: far longer than gateways send them again.
const retention = "30 days"

// Service is what handling needs of command.Service.
type Service interface {
	RecordWebhook(ctx context.Context, by command.Caller, h command.Hint) error
}

var _ Service = (*command.Service)(nil)

// HandlerConfig is what NewHandler needs.
type HandlerConfig struct {
	Pool       *pgxpool.Pool         // Of the events database. Required.
	Service    Service               // Required.
	Sources    []Source              // Default: none; a webhook of a gateway that is not among them fails unless it names the payment.
	Registerer prometheus.Registerer // Default: metrics are not registered.
}

// Handler handles webhooks that were stored. It does the work of Job and ForgetJob.
type Handler struct {
	pool    *pgxpool.Pool
	service Service
	sources map[string]Source
	handled *prometheus.CounterVec
}

// NewHandler returns a handler.
func NewHandler(c HandlerConfig) (*Handler, error) {
	if c.Pool == nil || c.Service == nil {
		return nil, errors.New("handle webhooks: Pool and Service are required")
	}
	sources := make(map[string]Source, len(c.Sources))
	for _, s := range c.Sources {
		sources[s.Name()] = s
	}
	handled := newHandledTotal(c.Registerer)
	for name := range sources {
		for _, result := range []string{"handled", "unknown", "failed"} {
			handled.WithLabelValues(name, result) // so that all can be watched from the start
		}
	}
	return &Handler{pool: c.Pool, service: c.Service, sources: sources, handled: handled}, nil
}

// Handle asks the gateway about the payment of a stored webhook and records what it says. It may be called any number of times.
func (h *Handler) Handle(ctx context.Context, j Job) error {
	counted := "failed"
	defer func() { h.handled.WithLabelValues(j.Gateway, counted).Inc() }() // a panic counts as failed too
	result := "handled"
	err := h.applyHint(ctx, j)
	if errors.Is(err, command.ErrNotOurs) {
		result, err = "unknown", nil
	}
	if err != nil {
		return err
	}
	if err := h.recordResult(ctx, j, result); err != nil {
		return err
	}
	counted = result
	return nil
}

// applyHint passes a stored webhook on to the service; command.ErrNotOurs if it is about no payment of ours. One that is no longer stored is done
// with.
func (h *Handler) applyHint(ctx context.Context, j Job) error {
	var transactionID, traceparent string
	hint := command.Hint{Gateway: j.Gateway}
	err := h.pool.QueryRow(ctx, `SELECT transaction_id, payment_id, reversal, traceparent FROM webhooks WHERE gateway = $1 AND event_id = $2`,
		j.Gateway, j.EventID).Scan(&transactionID, &hint.PaymentID, &hint.Reversals, &traceparent)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read webhook %s: %w", j.EventID, err)
	}
	if hint.PaymentID == "" {
		source, ok := h.sources[j.Gateway]
		if !ok {
			return fmt.Errorf("gateway %s is not configured", j.Gateway)
		}
		hint.PaymentID, err = source.PaymentID(ctx, transactionID)
		if errors.Is(err, gateway.ErrUnknownPayment) {
			err = fmt.Errorf("%w: %w", command.ErrNotOurs, err)
		}
		if err != nil {
			return err
		}
	}
	if telemetry.IsSampled(ctx) {
		traceparent = telemetry.Traceparent(ctx) // the job's, which continues it
	}
	by := command.Caller{
		Principal: principal.System("webhook"), Trace: command.Trace{CorrelationID: j.correlationID(), Traceparent: traceparent},
	}
	return h.service.RecordWebhook(ctx, by, hint)
}

func (h *Handler) recordResult(ctx context.Context, j Job, result string) error {
	_, err := h.pool.Exec(ctx, `UPDATE webhooks SET handled_at = clock_timestamp(), result = $3 WHERE gateway = $1 AND event_id = $2`,
		j.Gateway, j.EventID, result)
	if err != nil {
		return fmt.Errorf("record the result of webhook %s: %w", j.EventID, err)
	}
	return nil
}

// Forget deletes webhooks that are older than 30 days, handled or not.
func (h *Handler) Forget(ctx context.Context) error {
	if _, err := h.pool.Exec(ctx, `DELETE FROM webhooks WHERE received_at < clock_timestamp() - $1::interval`, retention); err != nil {
		return fmt.Errorf("forget old webhooks: %w", err)
	}
	return nil
}
