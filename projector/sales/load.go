package sales

import (
	"context"
	"fmt"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// loadChanges reads reservations before payments: a refund that is committed between the two changes the reservation's revision.
func loadChanges(ctx context.Context, q *db.Queries, batch []projection.Record) (*changes, projection.Turns, error) {
	c, turns := newChanges(), projection.NewTurns()
	reservationIDs, paymentIDs, err := involvedIDs(ctx, q, batch)
	if err != nil {
		return nil, turns, err
	}
	reservations, err := q.LoadSaleReservations(ctx, reservationIDs)
	if err != nil {
		return nil, turns, fmt.Errorf("load sale reservations: %w", err)
	}
	for _, row := range reservations {
		c.reservations[row.ID] = &saleReservation{ReservationRow: ReservationRow(row)}
		turns.SetVersion(reservation.Stream(row.ID), row.Version)
	}
	payments, err := q.LoadSalePayments(ctx, paymentIDs)
	if err != nil {
		return nil, turns, fmt.Errorf("load sale payments: %w", err)
	}
	for _, row := range payments {
		c.payments[row.ID] = &salePayment{PaymentRow: PaymentRow(row)}
		turns.SetVersion(payment.Stream(row.ID), row.Version)
	}
	return c, turns, nil
}

// involvedIDs returns whose rows the batch needs: those of its streams, of the reservations of its refunds, and of the payments that
// completed its reservations.
func involvedIDs(ctx context.Context, q *db.Queries, batch []projection.Record) (reservationIDs, paymentIDs []string, err error) {
	var refunded []string
	paid := map[string]string{} // reservation by payment
	for i := range batch {
		r := &batch[i]
		if r.Category() == reservation.Category {
			reservationIDs = append(reservationIDs, r.AggregateID())
		} else {
			paymentIDs = append(paymentIDs, r.AggregateID())
		}
		switch e := r.Event.(type) {
		case reservation.ReservationCompleted:
			paymentIDs = append(paymentIDs, e.PaymentID)
		case payment.PaymentInitiated:
			paid[r.AggregateID()] = e.ReservationID
		case payment.PaymentRefunded, payment.RefundSentBack, payment.PaymentDisputed, payment.DisputeClosed:
			refunded = append(refunded, r.AggregateID())
		}
	}
	var earlier []string // payments that began before the batch
	for _, id := range refunded {
		if reservationID, ok := paid[id]; ok {
			reservationIDs = append(reservationIDs, reservationID)
		} else {
			earlier = append(earlier, id)
		}
	}
	if len(earlier) > 0 {
		ids, err := q.SaleReservationsOfPayments(ctx, projection.Distinct(earlier))
		if err != nil {
			return nil, nil, fmt.Errorf("find the reservations of payments: %w", err)
		}
		reservationIDs = append(reservationIDs, ids...)
	}
	return projection.Distinct(reservationIDs), projection.Distinct(paymentIDs), nil
}
