// Package webhook receives what payment gateways report on their own. The receiver checks a request over its raw body, and stores it once by the
// gateway's id of the event, together with a job; a 2xx means that both are committed. The saga does the job (package command/saga): the
// webhook is only a hint, after which the gateway itself is asked about the payment (command.Service.RecordWebhook). An event may therefore
// come twice, late, out of order, or before our own call has returned.
//
// Of the body only ids are kept: it contains the customer's name and address.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/gateway"
	"ticketing/internal/telemetry"
)

// maxBytes is how large a webhook may be; Stripe's and PayPal's are a few kilobytes.
const maxBytes = 256 << 10

// Source is a gateway that sends webhooks.
type Source interface {
	Name() string
	// ReadWebhook checks over the raw body that a request is the gateway's, and returns what it is about; a notice without a transaction
	// id is about nothing that matters here. The error is gateway.ErrNotGenuine when the request is not the gateway's; any other error
	// means that this can't be found out at the moment.
	ReadWebhook(ctx context.Context, header http.Header, body []byte) (gateway.Notice, error)
	// PaymentID returns our id of a payment; gateway.ErrUnknownPayment when it is not one of ours.
	PaymentID(ctx context.Context, transactionID string) (string, error)
}

// ReceiverConfig is what NewReceiver needs.
type ReceiverConfig struct {
	Pool *pgxpool.Pool // Of the events database. Required.
	// Address returns under what a request's sender is counted. Default: the address of the connection.
	Address    func(*http.Request) string
	Clock      func() time.Time      // Default: time.Now.
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.
}

// Receiver stores webhooks and makes the jobs that handle them.
type Receiver struct {
	pool      *pgxpool.Pool
	jobs      *river.Client[pgx.Tx] // only inserts
	address   func(*http.Request) string
	strangers *strangers
	logger    *slog.Logger
	received  *prometheus.CounterVec
}

// NewReceiver returns a receiver.
func NewReceiver(c ReceiverConfig) (*Receiver, error) {
	if c.Pool == nil {
		return nil, errors.New("receive webhooks: Pool is required")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Address == nil {
		c.Address = func(r *http.Request) string {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			return host
		}
	}
	jobs, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{Logger: c.Logger})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs of webhooks: %w", err)
	}
	return &Receiver{
		pool: c.Pool, jobs: jobs, address: c.Address, strangers: newStrangers(c.Clock), logger: c.Logger, received: newReceivedTotal(c.Registerer),
	}, nil
}

// Handler serves POST /webhooks/<source's name>.
func (r *Receiver) Handler(from Source) http.Handler {
	for _, result := range []string{"refused", "limited", "failed"} { // so that they can be watched from the start
		r.received.WithLabelValues(from.Name(), result)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		began := time.Now()
		ctx, span := telemetry.StartRoot(request.Context(), "webhook "+from.Name(), trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		status, result := r.receive(w, request.WithContext(ctx), from)
		r.received.WithLabelValues(from.Name(), result).Inc()
		r.logger.InfoContext(ctx, "webhook", "operation", from.Name(), "outcome", result, "took", time.Since(began))
		w.WriteHeader(status)
	})
}

// receive returns the HTTP status, and the request's result for the metrics.
func (r *Receiver) receive(w http.ResponseWriter, request *http.Request, from Source) (status int, result string) {
	ctx := request.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, "refused"
	}
	if err != nil {
		return http.StatusBadRequest, "refused"
	}
	address := r.address(request)
	if !r.strangers.begin(address) {
		return http.StatusTooManyRequests, "limited" // a gateway sends it again
	}
	notice, err := from.ReadWebhook(ctx, request.Header, body)
	switch {
	case errors.Is(err, gateway.ErrNotGenuine):
		r.logger.WarnContext(ctx, "a webhook was refused", "gateway", from.Name(), "error", err)
		return http.StatusBadRequest, "refused"
	case err != nil:
		r.strangers.giveBack(address)
		r.logger.WarnContext(ctx, "a webhook could not be checked", "gateway", from.Name(), "error", err)
		return http.StatusServiceUnavailable, "failed"
	}
	r.strangers.foundGenuine(address)
	if notice.TransactionID == "" {
		return http.StatusOK, "ignored"
	}
	stored, err := r.storeNotice(ctx, from.Name(), notice)
	switch {
	case err != nil:
		r.logger.ErrorContext(ctx, "a webhook could not be stored", "gateway", from.Name(), "error", err)
		return http.StatusServiceUnavailable, "failed" // the gateway sends it again
	case !stored:
		return http.StatusOK, "repeated"
	}
	return http.StatusOK, "stored"
}

// storeNotice stores a notice and its job in one transaction, and reports whether the notice is new.
func (r *Receiver) storeNotice(ctx context.Context, gatewayName string, n gateway.Notice) (isNew bool, err error) {
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO webhooks (gateway, event_id, type, transaction_id, payment_id, reversal, traceparent)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			gatewayName, n.EventID, n.Type, n.TransactionID, n.PaymentID, n.Reversal, telemetry.Traceparent(ctx))
		if isNew = tag.RowsAffected() == 1; err != nil || !isNew {
			return err
		}
		job := Job{Gateway: gatewayName, EventID: n.EventID}
		metadata, err := json.Marshal(map[string]string{"correlation_id": job.correlationID(), "traceparent": telemetry.Traceparent(ctx)})
		if err != nil {
			return fmt.Errorf("encode the cause of a job: %w", err)
		}
		_, err = r.jobs.InsertTx(ctx, tx, job, &river.InsertOpts{Metadata: metadata})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store webhook %s: %w", n.EventID, err)
	}
	return isNew, nil
}
