// Package payments projects payments: what was paid, refunded and disputed.
package payments

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/payment"
	"ticketing/internal/announce"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the table payments.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "payments" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{payment.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string { return []string{"payments"} }

// Apply implements projection.Projection.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadPayments(ctx, projection.AggregateIDs(batch))
	if err != nil {
		return nil, fmt.Errorf("load payments: %w", err)
	}
	changed, err := projection.Fold(batch, projection.Column(loaded, func(l db.Payment) Row { return Row(l) }))
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SavePayments(ctx, saveParams(changed)); err != nil {
		return nil, fmt.Errorf("save payments: %w", err)
	}
	changes := make([]announce.Change, 0, 2*len(changed)) // for watchers of the payment, and of its reservation
	for _, r := range changed {
		changes = append(changes, announce.Change{Kind: announce.Payment, ID: r.ID, Version: r.Version},
			announce.Change{Kind: announce.PaymentOfReservation, ID: r.ReservationID, Version: r.Version, By: r.ID})
	}
	return changes, nil
}

// Row is a row of the table payments. Refunds holds a []Refund, Disputes a []Dispute, Metadata a Metadata.
type Row db.Payment

// Refund is a refund in the column refunds.
type Refund struct {
	ID        string               `json:"id"`
	Amount    money.Money          `json:"amount"`
	Status    payment.RefundStatus `json:"status"`
	Reason    string               `json:"reason,omitempty"`
	Failure   string               `json:"failureReason,omitempty"`
	CreatedAt time.Time            `json:"createdAt"`
}

// Dispute is a dispute in the column disputes.
type Dispute struct {
	ID        string                `json:"id"`        // ours
	GatewayID string                `json:"gatewayId"` // the gateway's own
	Amount    money.Money           `json:"amount"`
	Status    payment.DisputeStatus `json:"status"`
	Reason    string                `json:"reason,omitempty"`
	CreatedAt time.Time             `json:"createdAt"`
}

// Metadata is what support asks for and no list shows.
type Metadata struct {
	CorrelationID string `json:"correlationId,omitempty"` // of the request that made the payment
	Method        string `json:"method,omitempty"`
}

// Head implements projection.Row.
func (r *Row) Head() (string, int64) { return payment.Stream(r.ID), r.Version }

// Apply implements projection.Row.
func (r *Row) Apply(record *projection.Record) error {
	initiated, isFirst := record.Event.(payment.PaymentInitiated)
	if isFirst != (record.Version == 1) {
		return record.Misplaced()
	}
	r.Version = record.Version
	switch e := record.Event.(type) {
	case payment.PaymentInitiated:
		return r.create(record, initiated)
	case payment.PaymentProcessing:
		r.setStatus(payment.Processing)
		r.TransactionID = projection.TextOrNull(e.TransactionID)
	case payment.PaymentActionRequired:
		r.setStatus(payment.RequiresAction)
		r.TransactionID = projection.TextOrNull(e.TransactionID)
	case payment.PaymentCompleted:
		r.setStatus(payment.Completed)
		r.TransactionID, r.CompletedAt = projection.TextOrNull(e.TransactionID), projection.At(e.CompletedAt)
		r.FailedAt, r.FailureCode, r.FailureReason = pgtype.Timestamptz{}, nil, nil // the gateway proved the failure wrong
	case payment.PaymentFailed:
		r.setStatus(payment.Failed)
		r.FailedAt, r.FailureCode, r.FailureReason = projection.At(e.FailedAt), projection.TextOrNull(string(e.Code)), projection.TextOrNull(e.Reason)
	case payment.RefundRequested:
		return r.addRefund(Refund{ID: e.RefundID, Amount: e.Amount, Reason: e.Reason, CreatedAt: e.RequestedAt})
	case payment.RefundReported:
		return r.addRefund(Refund{ID: e.RefundID, Amount: e.Amount, CreatedAt: e.ReportedAt})
	case payment.PaymentRefunded:
		return r.changeRefund(e.RefundID, payment.RefundCompleted, "")
	case payment.RefundFailed:
		return r.changeRefund(e.RefundID, payment.RefundRefused, e.Reason)
	case payment.RefundSentBack:
		return r.changeRefund(e.RefundID, payment.RefundRefused, e.Reason)
	case payment.RefundRetried:
		return r.changeRefund(e.RefundID, payment.RefundPending, "")
	case payment.PaymentDisputed:
		return r.changeDisputes(e.DisputeID, func(d *Dispute) {
			d.Amount, d.Status, d.Reason, d.CreatedAt = e.Amount, payment.DisputeOpen, e.Reason, e.DisputedAt
		})
	case payment.DisputeClosed:
		return r.changeDisputes(e.DisputeID, func(d *Dispute) { d.close(e) })
	default:
		return record.Misplaced()
	}
	return nil
}

func (r *Row) setStatus(s payment.Status) { r.Status = string(s) }

func (r *Row) create(record *projection.Record, e payment.PaymentInitiated) (err error) {
	*r = Row{
		ID: record.AggregateID(), Version: 1, ReservationID: e.ReservationID, CustomerID: e.CustomerID, EventID: e.EventID,
		Amount: e.Amount.Minor, Currency: e.Amount.Currency, Refunds: json.RawMessage("[]"), Disputes: json.RawMessage("[]"), Gateway: e.Gateway,
		CreatedAt: projection.At(e.CreatedAt),
	}
	r.setStatus(payment.Initiated)
	r.Metadata, err = projection.JSON(Metadata{CorrelationID: record.Metadata.CorrelationID, Method: e.Method})
	return err
}

// changeDisputes changes one dispute. One that is not in the row is added: rows that were written before they had disputes lack theirs.
func (r *Row) changeDisputes(gatewayID string, change func(*Dispute)) error {
	var disputes []Dispute
	if err := json.Unmarshal(r.Disputes, &disputes); err != nil {
		return fmt.Errorf("decode disputes: %w", err)
	}
	i := slices.IndexFunc(disputes, func(d Dispute) bool { return d.GatewayID == gatewayID })
	if i < 0 {
		i = len(disputes)
		disputes = append(disputes, Dispute{
			ID: id.DisputeOf(r.Gateway, gatewayID), GatewayID: gatewayID, Amount: money.Money{Minor: r.Amount, Currency: r.Currency},
		})
	}
	change(&disputes[i])
	var err error
	r.Disputes, err = projection.JSON(disputes)
	return err
}

func (d *Dispute) close(e payment.DisputeClosed) {
	d.Status = payment.DisputeLost
	if e.Won {
		d.Status = payment.DisputeWon
	} else if e.Amount != nil {
		d.Amount = *e.Amount
	}
}

func (r *Row) addRefund(refund Refund) error {
	refund.Status = payment.RefundPending
	return r.changeRefunds(func(refunds []Refund) ([]Refund, error) { return append(refunds, refund), nil })
}

// changeRefund sets the state of a refund, and with it the payment's.
func (r *Row) changeRefund(id string, status payment.RefundStatus, failure string) error {
	return r.changeRefunds(func(refunds []Refund) ([]Refund, error) {
		i := slices.IndexFunc(refunds, func(refund Refund) bool { return refund.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("refund %s was never requested", id)
		}
		refunds[i].Status, refunds[i].Failure = status, failure
		return refunds, nil
	})
}

func (r *Row) changeRefunds(change func([]Refund) ([]Refund, error)) error {
	var refunds []Refund
	if err := json.Unmarshal(r.Refunds, &refunds); err != nil {
		return fmt.Errorf("decode refunds: %w", err)
	}
	refunds, err := change(refunds)
	if err != nil {
		return err
	}
	r.Refunded = 0
	for _, refund := range refunds {
		if refund.Status == payment.RefundCompleted {
			r.Refunded += refund.Amount.Minor
		}
	}
	switch {
	case r.Refunded > r.Amount:
		return fmt.Errorf("%d was refunded of %d", r.Refunded, r.Amount)
	case r.Refunded > 0 && r.Refunded == r.Amount:
		r.setStatus(payment.Refunded)
	case r.Refunded > 0:
		r.setStatus(payment.PartiallyRefunded)
	case r.CompletedAt.Valid:
		r.setStatus(payment.Completed)
	}
	r.Refunds, err = projection.JSON(refunds)
	return err
}

func saveParams(rows []*Row) db.SavePaymentsParams {
	return db.SavePaymentsParams{
		Ids:            projection.Column(rows, func(r *Row) string { return r.ID }),
		Versions:       projection.Column(rows, func(r *Row) int64 { return r.Version }),
		ReservationIds: projection.Column(rows, func(r *Row) string { return r.ReservationID }),
		CustomerIds:    projection.Column(rows, func(r *Row) string { return r.CustomerID }),
		EventIds:       projection.Column(rows, func(r *Row) string { return r.EventID }),
		Amounts:        projection.Column(rows, func(r *Row) int64 { return r.Amount }),
		Refunded:       projection.Column(rows, func(r *Row) int64 { return r.Refunded }),
		Currencies:     projection.Column(rows, func(r *Row) string { return r.Currency }),
		Refunds:        projection.Column(rows, func(r *Row) string { return string(r.Refunds) }),
		Statuses:       projection.Column(rows, func(r *Row) string { return r.Status }),
		Gateways:       projection.Column(rows, func(r *Row) string { return r.Gateway }),
		TransactionIds: projection.Column(rows, func(r *Row) string { return projection.Text(r.TransactionID) }),
		FailureCodes:   projection.Column(rows, func(r *Row) string { return projection.Text(r.FailureCode) }),
		FailureReasons: projection.Column(rows, func(r *Row) string { return projection.Text(r.FailureReason) }),
		CreatedAts:     projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CreatedAt }),
		CompletedAts:   projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CompletedAt }),
		FailedAts:      projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.FailedAt }),
		Disputes:       projection.Column(rows, func(r *Row) string { return string(r.Disputes) }),
		Metadata:       projection.Column(rows, func(r *Row) string { return string(r.Metadata) }),
	}
}
