package sales

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// save writes what the batch changed, reservations first: a writer that is too late with one has counted nothing.
func (c *changes) save(ctx context.Context, q *db.Queries) error {
	if err := c.saveReservations(ctx, q); err != nil {
		return err
	}
	if err := c.savePayments(ctx, q); err != nil {
		return err
	}
	return c.saveSums(ctx, q)
}

func (c *changes) saveReservations(ctx context.Context, q *db.Queries) error {
	var rows []*saleReservation
	for _, id := range slices.Sorted(maps.Keys(c.reservations)) {
		s := c.reservations[id]
		if !s.changed {
			continue
		}
		if s.sections != nil {
			var err error
			if s.Sections, err = projection.JSON(s.sections); err != nil {
				return err
			}
		}
		rows = append(rows, s)
	}
	if len(rows) == 0 {
		return nil
	}
	saved, err := q.SaveSaleReservations(ctx, db.SaveSaleReservationsParams{
		Ids:         projection.Column(rows, func(s *saleReservation) string { return s.ID }),
		Revisions:   projection.Column(rows, func(s *saleReservation) int64 { return s.Revision }),
		Versions:    projection.Column(rows, func(s *saleReservation) int64 { return s.Version }),
		EventIds:    projection.Column(rows, func(s *saleReservation) string { return s.EventID }),
		Currencies:  projection.Column(rows, func(s *saleReservation) string { return s.Currency }),
		Sections:    projection.Column(rows, func(s *saleReservation) string { return string(s.Sections) }),
		PaymentIds:  projection.Column(rows, func(s *saleReservation) string { return projection.Text(s.PaymentID) }),
		SoldAts:     projection.Column(rows, func(s *saleReservation) pgtype.Timestamptz { return s.SoldAt }),
		TimeZones:   projection.Column(rows, func(s *saleReservation) string { return s.TimeZone }),
		ReturnedAts: projection.Column(rows, func(s *saleReservation) pgtype.Timestamptz { return s.ReturnedAt }),
	})
	if err != nil {
		return fmt.Errorf("save sale reservations: %w", err)
	}
	if saved != int64(len(rows)) {
		return projection.ErrFenced
	}
	return nil
}

func (c *changes) savePayments(ctx context.Context, q *db.Queries) error {
	var rows []*salePayment
	for _, id := range slices.Sorted(maps.Keys(c.payments)) {
		if p := c.payments[id]; p.changed {
			rows = append(rows, p)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	err := q.SaveSalePayments(ctx, db.SaveSalePaymentsParams{
		Ids:            projection.Column(rows, func(p *salePayment) string { return p.ID }),
		Versions:       projection.Column(rows, func(p *salePayment) int64 { return p.Version }),
		ReservationIds: projection.Column(rows, func(p *salePayment) string { return p.ReservationID }),
		EventIds:       projection.Column(rows, func(p *salePayment) string { return p.EventID }),
		Refunds:        projection.Column(rows, func(p *salePayment) string { return string(p.Refunds) }),
	})
	if err != nil {
		return fmt.Errorf("save sale payments: %w", err)
	}
	return nil
}

func (c *changes) saveSums(ctx context.Context, q *db.Queries) error {
	if len(c.sums) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(c.sums), compareSums)
	m := db.MoveSalesParams{
		EventIds:   projection.Column(keys, func(k sumKey) string { return k.event }),
		Sections:   projection.Column(keys, func(k sumKey) string { return k.section }),
		Days:       projection.Column(keys, func(k sumKey) pgtype.Date { return pgtype.Date{Time: k.day, Valid: true} }),
		Currencies: projection.Column(keys, func(k sumKey) string { return k.currency }),
		Sold:       projection.Column(keys, func(k sumKey) int64 { return c.sums[k].sold }),
		Returned:   projection.Column(keys, func(k sumKey) int64 { return c.sums[k].returned }),
		Gross:      projection.Column(keys, func(k sumKey) string { return c.sums[k].gross.String() }),
		Refunded:   projection.Column(keys, func(k sumKey) string { return c.sums[k].refunded.String() }),
		Lost:       projection.Column(keys, func(k sumKey) string { return c.sums[k].lost.String() }),
	}
	if err := q.MoveSales(ctx, m); err != nil {
		return fmt.Errorf("move sales: %w", err)
	}
	err := q.MoveSectionSales(ctx, db.MoveSectionSalesParams{
		EventIds: m.EventIds, Sections: m.Sections, Currencies: m.Currencies,
		Sold: m.Sold, Returned: m.Returned, Gross: m.Gross, Refunded: m.Refunded, Lost: m.Lost,
	})
	if err != nil {
		return fmt.Errorf("move section sales: %w", err)
	}
	return nil
}

func compareSums(a, b sumKey) int {
	return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.section, b.section), a.day.Compare(b.day), cmp.Compare(a.currency, b.currency))
}
