package query

import (
	"context"
	"encoding/json"
	"fmt"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Payments returns the payments with the given ids, as far as they exist.
func (r *Reader) Payments(ctx context.Context, ids []string) (map[string]Payment, error) {
	rows, err := r.db.PaymentsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	payments, err := tryConvertRows(rows, newPayment)
	return indexByID(payments, func(p Payment) string { return p.ID }), err
}

// PaymentsByRefund returns the payment of each refund that exists, by the refund's id.
func (r *Reader) PaymentsByRefund(ctx context.Context, refundIDs []string) (map[string]Payment, error) {
	rows, err := r.db.PaymentsByRefund(ctx, refundIDs)
	if err != nil {
		return nil, fmt.Errorf("read payments of refunds: %w", err)
	}
	payments, err := tryConvertRows(rows, newPayment)
	if err != nil {
		return nil, err
	}
	byRefund := make(map[string]Payment, len(refundIDs))
	for _, p := range payments {
		for _, refund := range p.Refunds {
			byRefund[refund.ID] = p
		}
	}
	return byRefund, nil
}

// PaymentsByDispute returns the payment of each dispute that exists, by the dispute's id.
func (r *Reader) PaymentsByDispute(ctx context.Context, disputeIDs []string) (map[string]Payment, error) {
	rows, err := r.db.PaymentsByDispute(ctx, disputeIDs)
	if err != nil {
		return nil, fmt.Errorf("read payments of disputes: %w", err)
	}
	payments, err := tryConvertRows(rows, newPayment)
	if err != nil {
		return nil, err
	}
	byDispute := make(map[string]Payment, len(disputeIDs))
	for _, p := range payments {
		for _, dispute := range p.Disputes {
			byDispute[dispute.ID] = p
		}
	}
	return byDispute, nil
}

// PaymentsByReservation returns the payments of each reservation, oldest first.
func (r *Reader) PaymentsByReservation(ctx context.Context, reservationIDs []string) (map[string][]Payment, error) {
	rows, err := r.db.PaymentsByReservation(ctx, reservationIDs)
	if err != nil {
		return nil, fmt.Errorf("read payments of reservations: %w", err)
	}
	payments, err := tryConvertRows(rows, newPayment)
	if err != nil {
		return nil, err
	}
	byReservation := make(map[string][]Payment, len(reservationIDs))
	for _, p := range payments {
		byReservation[p.ReservationID] = append(byReservation[p.ReservationID], p)
	}
	return byReservation, nil
}

// PaymentPage returns a page of the payments that match the filter, newest first.
func (r *Reader) PaymentPage(ctx context.Context, f PaymentFilter, args PageArgs) (Page[Payment], error) {
	w, err := f.parseWindow(paymentList, args)
	if err != nil {
		return Page[Payment]{}, err
	}
	arg := db.PaymentsNewestFirstParams{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, Gateway: f.Gateway, WaitingRefunds: f.WaitingRefunds,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rowLimit(),
	}
	var rows []db.Payment
	if w.backward {
		rows, err = r.lists.PaymentsOldestFirst(ctx, db.PaymentsOldestFirstParams(arg))
	} else {
		rows, err = r.lists.PaymentsNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Payment]{}, fmt.Errorf("list payments: %w", err)
	}
	payments, err := tryConvertRows(rows, newPayment)
	if err != nil {
		return Page[Payment]{}, err
	}
	return cutPage(w, payments, paymentCursor), nil
}

// PaymentPagesOf returns a page, as PaymentPage does, for each of several customers or events, in one query.
func (r *Reader) PaymentPagesOf(ctx context.Context, by Owner, ids []string, f PaymentFilter, args PageArgs) (map[string]Page[Payment], error) {
	w, err := f.parseWindow(paymentList, args)
	if err != nil {
		return nil, err
	}
	payments, err := r.readPaymentsOf(ctx, by, ids, f, w)
	if err != nil {
		return nil, err
	}
	return cutPages(w, ids, payments, func(p Payment) string { return by.ownerID(p.EventID, p.CustomerID) }, paymentCursor), nil
}

// PaymentPageOfAll returns one page, as PaymentPage does, of what several customers have together.
func (r *Reader) PaymentPageOfAll(ctx context.Context, customerIDs []string, f PaymentFilter, args PageArgs) (Page[Payment], error) {
	w, err := f.parseWindow(paymentList, args)
	if err != nil {
		return Page[Payment]{}, err
	}
	payments, err := r.readPaymentsOf(ctx, OfCustomers, customerIDs, f, w)
	if err != nil {
		return Page[Payment]{}, err
	}
	return cutPage(w, payments[:min(len(payments), int(w.rowLimit()))], paymentCursor), nil
}

// readPaymentsOf reads up to a page for each of the owners, all in the order of the list.
func (r *Reader) readPaymentsOf(ctx context.Context, by Owner, ids []string, f PaymentFilter, w window[instant]) ([]Payment, error) {
	arg := db.PaymentsOfNewestFirstParams{
		Owners: ids, ByEvent: by == OfEvents, Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, Gateway: f.Gateway,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rowLimit(),
	}
	var rows []db.Payment
	var err error
	if w.backward {
		rows, err = r.lists.PaymentsOfOldestFirst(ctx, db.PaymentsOfOldestFirstParams(arg))
	} else {
		rows, err = r.lists.PaymentsOfNewestFirst(ctx, arg)
	}
	if err != nil {
		return nil, fmt.Errorf("list payments of several: %w", err)
	}
	return tryConvertRows(rows, newPayment)
}

func paymentCursor(p Payment) string { return paymentList.instantCursor(p.CreatedAt, p.ID) }

func newPayment(row db.Payment) (Payment, error) {
	p := Payment{
		ID: row.ID, Version: row.Version, ReservationID: row.ReservationID, CustomerID: row.CustomerID, EventID: row.EventID,
		Amount:   money.Money{Minor: row.Amount, Currency: row.Currency},
		Refunded: money.Money{Minor: row.Refunded, Currency: row.Currency},
		Status:   row.Status, Gateway: row.Gateway, TransactionID: row.TransactionID,
		FailureCode: row.FailureCode, FailureReason: row.FailureReason,
		CreatedAt: row.CreatedAt.UTC(), CompletedAt: toUTC(row.CompletedAt), FailedAt: toUTC(row.FailedAt), Metadata: row.Metadata,
	}
	if err := json.Unmarshal(row.Refunds, &p.Refunds); err != nil {
		return Payment{}, fmt.Errorf("parse the refunds of payment %s: %w", row.ID, err)
	}
	if err := json.Unmarshal(row.Disputes, &p.Disputes); err != nil {
		return Payment{}, fmt.Errorf("parse the disputes of payment %s: %w", row.ID, err)
	}
	return p, nil
}
