package query

import (
	"context"
	"encoding/json"
	"fmt"

	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query/db"
)

// Reservations returns the reservations with the given ids, as far as they exist.
func (r *Reader) Reservations(ctx context.Context, ids []string) (map[string]Reservation, error) {
	rows, err := r.db.ReservationsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	reservations, err := tryConvertRows(rows, newReservation)
	return indexByID(reservations, func(r Reservation) string { return r.ID }), err
}

// ReservationsByTicket returns the reservation of each ticket that exists, by the ticket's id.
func (r *Reader) ReservationsByTicket(ctx context.Context, ticketIDs []string) (map[string]Reservation, error) {
	rows, err := r.db.ReservationsByTicket(ctx, ticketIDs)
	if err != nil {
		return nil, fmt.Errorf("read reservations of tickets: %w", err)
	}
	reservations, err := tryConvertRows(rows, newReservation)
	if err != nil {
		return nil, err
	}
	byTicket := make(map[string]Reservation, len(ticketIDs))
	for _, found := range reservations {
		for ordinal := range found.Seats {
			byTicket[id.Ticket(found.ID, ordinal)] = found
		}
	}
	return byTicket, nil
}

// ReservationsWithPayments returns the same, with the versions of their payments.
func (r *Reader) ReservationsWithPayments(ctx context.Context, ids []string) (map[string]Reservation, error) {
	reservations, err := r.Reservations(ctx, ids)
	if err != nil {
		return nil, err
	}
	versions, err := r.db.PaymentVersions(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the versions of payments: %w", err)
	}
	for _, row := range versions {
		if found, ok := reservations[row.ReservationID]; ok {
			found.PaymentsVersion = row.Versions
			reservations[row.ReservationID] = found
		}
	}
	return reservations, nil
}

// ReservationPage returns a page of the reservations that match the filter, newest first.
func (r *Reader) ReservationPage(ctx context.Context, f Filter, args PageArgs) (Page[Reservation], error) {
	w, err := f.parseWindow(reservationList, args)
	if err != nil {
		return Page[Reservation]{}, err
	}
	arg := db.ReservationsNewestFirstParams{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rowLimit(),
	}
	var rows []db.Reservation
	if w.backward {
		rows, err = r.lists.ReservationsOldestFirst(ctx, db.ReservationsOldestFirstParams(arg))
	} else {
		rows, err = r.lists.ReservationsNewestFirst(ctx, arg)
	}
	if err != nil {
		return Page[Reservation]{}, fmt.Errorf("list reservations: %w", err)
	}
	reservations, err := tryConvertRows(rows, newReservation)
	if err != nil {
		return Page[Reservation]{}, err
	}
	return cutPage(w, reservations, reservationCursor), nil
}

// ReservationPagesOf returns a page, as ReservationPage does, for each of several customers or events, in one query.
func (r *Reader) ReservationPagesOf(ctx context.Context, by Owner, ids []string, f Filter, args PageArgs) (map[string]Page[Reservation], error) {
	w, err := f.parseWindow(reservationList, args)
	if err != nil {
		return nil, err
	}
	reservations, err := r.readReservationsOf(ctx, by, ids, f, w)
	if err != nil {
		return nil, err
	}
	return cutPages(w, ids, reservations, func(r Reservation) string { return by.ownerID(r.EventID, r.CustomerID) }, reservationCursor), nil
}

// ReservationPageOfAll returns one page, as ReservationPage does, of what several customers have together.
func (r *Reader) ReservationPageOfAll(ctx context.Context, customerIDs []string, f Filter, args PageArgs) (Page[Reservation], error) {
	w, err := f.parseWindow(reservationList, args)
	if err != nil {
		return Page[Reservation]{}, err
	}
	reservations, err := r.readReservationsOf(ctx, OfCustomers, customerIDs, f, w)
	if err != nil {
		return Page[Reservation]{}, err
	}
	return cutPage(w, reservations[:min(len(reservations), int(w.rowLimit()))], reservationCursor), nil
}

// readReservationsOf reads up to a page for each of the owners, all in the order of the list.
func (r *Reader) readReservationsOf(ctx context.Context, by Owner, ids []string, f Filter, w window[instant]) ([]Reservation, error) {
	arg := db.ReservationsOfNewestFirstParams{
		Owners: ids, ByEvent: by == OfEvents, Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID,
		OlderThanTime: w.after.at, OlderThanID: w.after.id, NewerThanTime: w.before.at, NewerThanID: w.before.id, RowLimit: w.rowLimit(),
	}
	var rows []db.Reservation
	var err error
	if w.backward {
		rows, err = r.lists.ReservationsOfOldestFirst(ctx, db.ReservationsOfOldestFirstParams(arg))
	} else {
		rows, err = r.lists.ReservationsOfNewestFirst(ctx, arg)
	}
	if err != nil {
		return nil, fmt.Errorf("list reservations of several: %w", err)
	}
	return tryConvertRows(rows, newReservation)
}

func reservationCursor(r Reservation) string { return reservationList.instantCursor(r.CreatedAt, r.ID) }

func newReservation(row db.Reservation) (Reservation, error) {
	r := Reservation{
		ID: row.ID, Version: row.Version, EventID: row.EventID, CustomerID: row.CustomerID, Status: row.Status,
		Total:     money.Money{Minor: row.Total, Currency: row.Currency},
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(), CompletedAt: toUTC(row.CompletedAt),
		ExpiredAt: toUTC(row.ExpiredAt), CancelledAt: toUTC(row.CancelledAt), CompensatedAt: toUTC(row.CompensatedAt),
		RefundedAt: toUTC(row.RefundedAt), Metadata: row.Metadata,
	}
	if err := json.Unmarshal(row.Seats, &r.Seats); err != nil {
		return Reservation{}, fmt.Errorf("parse the seats of reservation %s: %w", row.ID, err)
	}
	return r, nil
}

// tryConvertRows converts rows to models with a conversion that may fail.
func tryConvertRows[Row, T any](rows []Row, f func(Row) (T, error)) ([]T, error) {
	models := make([]T, len(rows))
	for i, row := range rows {
		var err error
		if models[i], err = f(row); err != nil {
			return nil, err
		}
	}
	return models, nil
}
