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

// ReservationPage answers reservations that the filter lets through, newest first.
func (r *Reader) ReservationPage(ctx context.Context, f Filter, args PageArgs) (Page[Reservation], error) {
	w, err := f.window(reservationList, args)
	if err != nil {
		return Page[Reservation]{}, err
	}
	arg := db.ReservationsNewestFirstParams{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rows(),
	}
	var rows []db.Reservation
	if w.backward {
		rows, err = r.lists.ReservationsOldestFirst(ctx, db.ReservationsOldestFirstParams(arg))
	} else {
		rows, err = r.lists.ReservationsNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Reservation]{}, fmt.Errorf("query: list reservations: %w", err)
	}
	reservations, err := tryConvert(rows, reservation)
	if err != nil {
		return Page[Reservation]{}, err
	}
	return page(w, reservations, reservationCursor), nil
}

// ReservationPagesOf answers a page, as ReservationPage does, for each of several customers or events, in one query.
func (r *Reader) ReservationPagesOf(ctx context.Context, by Owner, ids []string, f Filter, args PageArgs) (map[string]Page[Reservation], error) {
	w, err := f.window(reservationList, args)
	if err != nil {
		return nil, err
	}
	arg := db.ReservationsOfNewestFirstParams{
		Owners: ids, ByEvent: bool(by), Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rows(),
	}
	var rows []db.Reservation
	if w.backward {
		rows, err = r.lists.ReservationsOfOldestFirst(ctx, db.ReservationsOfOldestFirstParams(arg))
	} else {
		rows, err = r.lists.ReservationsOfNewestFirst(ctx, arg)
	}
	if err != nil {
		return nil, fmt.Errorf("query: list reservations of several: %w", err)
	}
	reservations, err := tryConvert(rows, reservation)
	if err != nil {
		return nil, err
	}
	return pagesOf(w, ids, reservations, func(r Reservation) string { return by.of(r.EventID, r.CustomerID) }, reservationCursor), nil
}

func reservationCursor(r Reservation) string { return reservationList.instantCursor(r.CreatedAt, r.ID) }

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
