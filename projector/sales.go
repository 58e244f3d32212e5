package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// sales keeps what was sold and given back, by event, section and day.
//
// Tickets and prices are in the reservation's stream, refunds in that of its payment, and either may come first. So a row a reservation
// and a row a payment keep what the other one needs, and whatever comes second is what counts. Everything that counts, or that may
// count later, gives the reservation's row a new revision, which is compared and set.
type sales struct{}

func (sales) Name() string         { return "sales" }
func (sales) Categories() []string { return []string{reservation.Category, payment.Category} }
func (sales) Tables() []string {
	return []string{"sale_reservations", "sale_payments", "sales", "section_sales"}
}

func (sales) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	books, turns, err := loadBooks(ctx, q, batch)
	if err != nil {
		return nil, err
	}
	taken, err := takeTurns(turns, batch)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	for i := range taken {
		if err := books.evolve(&taken[i]); err != nil {
			return nil, taken[i].fail(err)
		}
	}
	return nil, books.save(ctx, q)
}

// loadBooks reads reservations before payments: a refund that is committed between the two changes the reservation's revision.
func loadBooks(ctx context.Context, q *db.Queries, batch []Record) (*books, turns, error) {
	b, turns := newBooks(), newTurns()
	reservationIDs, paymentIDs, err := involved(ctx, q, batch)
	if err != nil {
		return nil, turns, err
	}
	reservations, err := q.LoadSaleReservations(ctx, reservationIDs)
	if err != nil {
		return nil, turns, fmt.Errorf("projector: load sales: %w", err)
	}
	for _, row := range reservations {
		b.reservations[row.ID] = &sale{SaleReservation: row}
		turns.versions[reservation.Stream(row.ID)] = row.Version
	}
	payments, err := q.LoadSalePayments(ctx, paymentIDs)
	if err != nil {
		return nil, turns, fmt.Errorf("projector: load payments of sales: %w", err)
	}
	for _, row := range payments {
		b.payments[row.ID] = &salePayment{SalePayment: row}
		turns.versions[payment.Stream(row.ID)] = row.Version
	}
	return b, turns, nil
}

// involved answers whose rows the batch needs: those of its streams, the reservations of its refunds, and the payments that completed
// its reservations.
func involved(ctx context.Context, q *db.Queries, batch []Record) (reservationIDs, paymentIDs []string, err error) {
	var refunded []string
	paid := map[string]string{} // reservation by payment
	for i := range batch {
		r := &batch[i]
		if r.category() == reservation.Category {
			reservationIDs = append(reservationIDs, r.subject())
		} else {
			paymentIDs = append(paymentIDs, r.subject())
		}
		switch e := r.Event.(type) {
		case reservation.ReservationCompleted:
			paymentIDs = append(paymentIDs, e.PaymentID)
		case payment.PaymentInitiated:
			paid[r.subject()] = e.ReservationID
		case payment.PaymentRefunded:
			refunded = append(refunded, r.subject())
		}
	}
	var earlier []string
	for _, id := range refunded {
		if reservationID, ok := paid[id]; ok {
			reservationIDs = append(reservationIDs, reservationID)
		} else {
			earlier = append(earlier, id)
		}
	}
	if len(earlier) > 0 {
		of, err := q.SaleReservationsOfPayments(ctx, distinct(earlier))
		if err != nil {
			return nil, nil, fmt.Errorf("projector: find the reservations of payments: %w", err)
		}
		reservationIDs = append(reservationIDs, of...)
	}
	return distinct(reservationIDs), distinct(paymentIDs), nil
}
