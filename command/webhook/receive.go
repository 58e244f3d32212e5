// Package webhook hears what payment gateways tell by themselves. A request is checked to be the gateway's over its raw body, stored once by
// the gateway's id of the event, and answered; all in one statement, so that whatever was answered 2xx is there. It is handled afterwards, by
// whatever process: as a hint, after which the gateway itself is asked how the payment stands (command.Service.HearOfPayment). So an event may
// come twice, late, out of order, or before our own call has returned.
//
// Of the body only the ids are kept: it has the customer's name and address in it.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command/gateway"
	"ticketing/internal/telemetry"
)

// mostBytes is how large a webhook may be; Stripe's and PayPal's are a few kilobytes.
const mostBytes = 256 << 10

// Source is a gateway that tells by webhook.
type Source interface {
	Name() string
	// ReadWebhook checks that a request is the gateway's, over its raw body, and answers what it is about; a notice without a transaction
	// id is about nothing that matters here. gateway.ErrNotGenuine: it is not the gateway's. Any other error: that is not known at the moment.
	ReadWebhook(ctx context.Context, header http.Header, body []byte) (gateway.Notice, error)
	// PaymentID answers our id of a payment; gateway.ErrUnknownPayment when it is none of ours.
	PaymentID(ctx context.Context, transactionID string) (string, error)
}

// Receiver stores webhooks.
type Receiver struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	metrics *metrics
}

// NewReceiver answers a receiver that stores in the events database. registerer may be nil.
func NewReceiver(pool *pgxpool.Pool, log *slog.Logger, registerer prometheus.Registerer) *Receiver {
	return &Receiver{pool: pool, log: log, metrics: newMetrics(registerer)}
}

// Handler answers what serves POST /webhooks/<source's name>.
func (r *Receiver) Handler(from Source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		status, result := r.receive(w, request, from)
		r.metrics.received.WithLabelValues(from.Name(), result).Inc()
		w.WriteHeader(status)
	})
}

// receive answers the status, and what became of the request.
func (r *Receiver) receive(w http.ResponseWriter, request *http.Request, from Source) (status int, result string) {
	ctx := request.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, mostBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, "refused"
	}
	if err != nil {
		return http.StatusBadRequest, "refused"
	}
	notice, err := from.ReadWebhook(ctx, request.Header, body)
	switch {
	case errors.Is(err, gateway.ErrNotGenuine):
		r.log.WarnContext(ctx, "a webhook was refused", "gateway", from.Name(), "error", err)
		return http.StatusBadRequest, "refused"
	case err != nil:
		r.log.WarnContext(ctx, "a webhook could not be checked", "gateway", from.Name(), "error", err)
		return http.StatusServiceUnavailable, "failed"
	case notice.TransactionID == "":
		return http.StatusOK, "ignored"
	}
	stored, err := r.store(ctx, from.Name(), notice)
	switch {
	case err != nil:
		r.log.ErrorContext(ctx, "a webhook could not be stored", "gateway", from.Name(), "error", err)
		return http.StatusServiceUnavailable, "failed" // and comes again
	case !stored:
		return http.StatusOK, "repeated"
	}
	return http.StatusOK, "stored"
}

func (r *Receiver) store(ctx context.Context, gatewayName string, n gateway.Notice) (bool, error) {
	tag, err := r.pool.Exec(ctx, `INSERT INTO webhooks (gateway, event_id, type, transaction_id, payment_id, reversal, traceparent)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		gatewayName, n.EventID, n.Type, n.TransactionID, n.PaymentID, n.Reversal, telemetry.Traceparent(ctx))
	if err != nil {
		return false, fmt.Errorf("store webhook %s: %w", n.EventID, err)
	}
	return tag.RowsAffected() == 1, nil
}
