package projector

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
	"ticketing/internal/money"
	"ticketing/projector/db"
)

// payments keeps what was paid, and what was given back.
type payments struct{}

func (payments) Name() string         { return "payments" }
func (payments) Categories() []string { return []string{payment.Category} }
func (payments) Tables() []string     { return []string{"payments"} }

func (payments) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadPayments(ctx, subjects(batch))
	if err != nil {
		return nil, fmt.Errorf("projector: load payments: %w", err)
	}
	own := make([]paymentRow, len(loaded))
	for i, l := range loaded {
		own[i] = paymentRow(l)
	}
	changed, err := fold[paymentRow](batch, own)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SavePayments(ctx, paymentColumns(changed)); err != nil {
		return nil, fmt.Errorf("projector: save payments: %w", err)
	}
	return column(changed, func(p *paymentRow) announce.Change {
		return announce.Change{Kind: announce.Payment, ID: p.ID, Version: p.Version}
	}), nil
}

type paymentRow db.Payment

// refund is a refund as the column refunds holds it, and as query.Refund reads it.
type refund struct {
	ID        string      `json:"id"`
	Amount    money.Money `json:"amount"`
	Status    string      `json:"status"`
	Reason    string      `json:"reason,omitempty"`
	CreatedAt time.Time   `json:"createdAt"`
}

// paymentMetadata is what support asks about and no list shows.
type paymentMetadata struct {
	CorrelationID string `json:"correlationId,omitempty"` // of the request that made the payment
	Method        string `json:"method,omitempty"`
	// Disputes are by the gateway's id of them: OPEN, WON or LOST.
	Disputes map[string]string `json:"disputes,omitempty"`
}

func (p *paymentRow) key() (string, int64) { return p.ID, p.Version }

func (p *paymentRow) evolve(r *Record) error {
	initiated, isFirst := r.Event.(payment.PaymentInitiated)
	if isFirst != (r.Version == 1) {
		return errOrder(r)
	}
	p.Version = r.Version
	switch e := r.Event.(type) {
	case payment.PaymentInitiated:
		return p.create(r, initiated)
	case payment.PaymentProcessing:
		p.Status, p.TransactionID = "PROCESSING", maybe(e.TransactionID)
	case payment.PaymentActionRequired:
		p.Status, p.TransactionID = "REQUIRES_ACTION", maybe(e.TransactionID)
	case payment.PaymentCompleted:
		p.Status, p.TransactionID, p.CompletedAt = "COMPLETED", maybe(e.TransactionID), at(e.CompletedAt)
		p.FailedAt, p.FailureCode, p.FailureReason = pgtype.Timestamptz{}, nil, nil // the gateway proved the failure wrong
	case payment.PaymentFailed:
		p.Status, p.FailedAt = "FAILED", at(e.FailedAt)
		p.FailureCode, p.FailureReason = maybe(string(e.Code)), maybe(e.Reason)
	case payment.RefundRequested:
		return p.addRefund(refund{ID: e.RefundID, Amount: e.Amount, Reason: e.Reason, CreatedAt: e.RequestedAt})
	case payment.RefundReported:
		return p.addRefund(refund{ID: e.RefundID, Amount: e.Amount, CreatedAt: e.ReportedAt})
	case payment.PaymentRefunded:
		return p.settle(e.RefundID, "COMPLETED")
	case payment.RefundFailed:
		return p.settle(e.RefundID, "FAILED")
	case payment.PaymentDisputed:
		return p.dispute(e.DisputeID, "OPEN")
	case payment.DisputeClosed:
		return p.dispute(e.DisputeID, map[bool]string{true: "WON", false: "LOST"}[e.Won])
	default:
		return errOrder(r)
	}
	return nil
}

func (p *paymentRow) create(r *Record, e payment.PaymentInitiated) error {
	metadata, err := encode(paymentMetadata{CorrelationID: r.Metadata.CorrelationID, Method: e.Method})
	*p = paymentRow{
		ID: r.subject(), Version: 1, ReservationID: e.ReservationID, CustomerID: e.CustomerID, EventID: e.EventID,
		Amount: e.Amount.Minor, Currency: e.Amount.Currency, Refunds: json.RawMessage("[]"), Status: "INITIATED",
		Gateway: e.Gateway, CreatedAt: at(e.CreatedAt), Metadata: metadata,
	}
	return err
}

func (p *paymentRow) addRefund(r refund) error {
	r.Status = "PENDING"
	return p.changeRefunds(func(refunds []refund) ([]refund, error) { return append(refunds, r), nil })
}

// dispute notes how a dispute stands.
func (p *paymentRow) dispute(disputeID, status string) error {
	var m paymentMetadata
	if err := json.Unmarshal(p.Metadata, &m); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if m.Disputes == nil {
		m.Disputes = map[string]string{}
	}
	m.Disputes[disputeID] = status
	var err error
	p.Metadata, err = encode(m)
	return err
}

// settle ends a refund, and the payment with the last of it.
func (p *paymentRow) settle(refundID, status string) error {
	return p.changeRefunds(func(refunds []refund) ([]refund, error) {
		i := slices.IndexFunc(refunds, func(r refund) bool { return r.ID == refundID })
		if i < 0 {
			return nil, fmt.Errorf("refund %s was never requested", refundID)
		}
		refunds[i].Status = status
		return refunds, nil
	})
}

func (p *paymentRow) changeRefunds(change func([]refund) ([]refund, error)) error {
	var refunds []refund
	if err := json.Unmarshal(p.Refunds, &refunds); err != nil {
		return fmt.Errorf("refunds: %w", err)
	}
	refunds, err := change(refunds)
	if err != nil {
		return err
	}
	p.Refunded = 0
	for _, r := range refunds {
		if r.Status == "COMPLETED" {
			p.Refunded += r.Amount.Minor
		}
	}
	switch {
	case p.Refunded > p.Amount:
		return fmt.Errorf("%d was given back of %d", p.Refunded, p.Amount)
	case p.Refunded > 0 && p.Refunded == p.Amount:
		p.Status = "REFUNDED"
	case p.Refunded > 0:
		p.Status = "PARTIALLY_REFUNDED"
	}
	p.Refunds, err = encode(refunds)
	return err
}

func paymentColumns(rows []*paymentRow) db.SavePaymentsParams {
	return db.SavePaymentsParams{
		Ids:            column(rows, func(p *paymentRow) string { return p.ID }),
		Versions:       column(rows, func(p *paymentRow) int64 { return p.Version }),
		ReservationIds: column(rows, func(p *paymentRow) string { return p.ReservationID }),
		CustomerIds:    column(rows, func(p *paymentRow) string { return p.CustomerID }),
		EventIds:       column(rows, func(p *paymentRow) string { return p.EventID }),
		Amounts:        column(rows, func(p *paymentRow) int64 { return p.Amount }),
		Refunded:       column(rows, func(p *paymentRow) int64 { return p.Refunded }),
		Currencies:     column(rows, func(p *paymentRow) string { return p.Currency }),
		Refunds:        column(rows, func(p *paymentRow) string { return string(p.Refunds) }),
		Statuses:       column(rows, func(p *paymentRow) string { return p.Status }),
		Gateways:       column(rows, func(p *paymentRow) string { return p.Gateway }),
		TransactionIds: column(rows, func(p *paymentRow) string { return text(p.TransactionID) }),
		FailureCodes:   column(rows, func(p *paymentRow) string { return text(p.FailureCode) }),
		FailureReasons: column(rows, func(p *paymentRow) string { return text(p.FailureReason) }),
		CreatedAts:     column(rows, func(p *paymentRow) pgtype.Timestamptz { return p.CreatedAt }),
		CompletedAts:   column(rows, func(p *paymentRow) pgtype.Timestamptz { return p.CompletedAt }),
		FailedAts:      column(rows, func(p *paymentRow) pgtype.Timestamptz { return p.FailedAt }),
		Metadata:       column(rows, func(p *paymentRow) string { return string(p.Metadata) }),
	}
}
