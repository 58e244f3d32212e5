package query

import (
	"context"
	"encoding/json"
	"fmt"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Reservations answers those of the reservations that there are.
func (r *Reader) Reservations(ctx context.Context, ids []string) (map[string]Reservation, error) {
	rows, err := r.db.ReservationsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("query: read reservations: %w", err)
	}
	reservations, err := tryConvert(rows, reservation)
	return byID(reservations, func(r Reservation) string { return r.ID }), err
}

// ReservationPage answers reservations of a customer, newest first.
func (r *Reader) ReservationPage(ctx context.Context, customerID string, args PageArgs) (Page[Reservation], error) {
	w, err := parseWindow(args, afterAll, beforeAll, reservationList.parseInstant)
	if err != nil {
		return Page[Reservation]{}, err
	}
	arg := db.ReservationsNewestFirstParams{
		CustomerID:    customerID,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id,
		RowLimit: w.rows(),
	}
	var rows []db.Reservation
	if w.backward {
		rows, err = r.db.ReservationsOldestFirst(ctx, db.ReservationsOldestFirstParams(arg))
	} else {
		rows, err = r.db.ReservationsNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Reservation]{}, fmt.Errorf("query: list reservations: %w", err)
	}
	reservations, err := tryConvert(rows, reservation)
	if err != nil {
		return Page[Reservation]{}, err
	}
	return page(w, reservations, func(r Reservation) string { return reservationList.instantCursor(r.CreatedAt, r.ID) }), nil
}

func reservation(row db.Reservation) (Reservation, error) {
	r := Reservation{
		ID: row.ID, Version: row.Version, EventID: row.EventID, CustomerID: row.CustomerID, Status: row.Status,
		Total:     money.Money{Minor: row.Total, Currency: row.Currency},
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(), CompletedAt: utc(row.CompletedAt),
		ExpiredAt: utc(row.ExpiredAt), CancelledAt: utc(row.CancelledAt), CompensatedAt: utc(row.CompensatedAt),
		RefundedAt: utc(row.RefundedAt), Metadata: row.Metadata,
	}
	if err := json.Unmarshal(row.Seats, &r.Seats); err != nil {
		return Reservation{}, fmt.Errorf("query: seats of reservation %s: %w", row.ID, err)
	}
	return r, nil
}

// tryConvert maps rows to models that a row may fail to be.
func tryConvert[Row, T any](rows []Row, f func(Row) (T, error)) ([]T, error) {
	models := make([]T, len(rows))
	for i, row := range rows {
		var err error
		if models[i], err = f(row); err != nil {
			return nil, err
		}
	}
	return models, nil
}
