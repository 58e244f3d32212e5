package projector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/projector/db"
)

// save writes what the batch changed, reservations first: whoever is too late with one has counted nothing.
func (b *books) save(ctx context.Context, q *db.Queries) error {
	if err := b.saveReservations(ctx, q); err != nil {
		return err
	}
	if err := b.savePayments(ctx, q); err != nil {
		return err
	}
	return b.saveSums(ctx, q)
}

func (b *books) saveReservations(ctx context.Context, q *db.Queries) error {
	var rows []*sale
	for _, id := range slices.Sorted(maps.Keys(b.reservations)) {
		s := b.reservations[id]
		if !s.changed {
			continue
		}
		if s.sections != nil {
			var err error
			if s.Sections, err = encode(s.sections); err != nil {
				return err
			}
		}
		rows = append(rows, s)
	}
	if len(rows) == 0 {
		return nil
	}
	saved, err := q.SaveSaleReservations(ctx, db.SaveSaleReservationsParams{
		Ids:         column(rows, func(s *sale) string { return s.ID }),
		Revisions:   column(rows, func(s *sale) int64 { return s.Revision }),
		Versions:    column(rows, func(s *sale) int64 { return s.Version }),
		EventIds:    column(rows, func(s *sale) string { return s.EventID }),
		Currencies:  column(rows, func(s *sale) string { return s.Currency }),
		Sections:    column(rows, func(s *sale) string { return string(s.Sections) }),
		PaymentIds:  column(rows, func(s *sale) string { return text(s.PaymentID) }),
		SoldAts:     column(rows, func(s *sale) pgtype.Timestamptz { return s.SoldAt }),
		ReturnedAts: column(rows, func(s *sale) pgtype.Timestamptz { return s.ReturnedAt }),
	})
	if err != nil {
		return fmt.Errorf("projector: save sales: %w", err)
	}
	if saved != int64(len(rows)) {
		return errFenced
	}
	return nil
}

func (b *books) savePayments(ctx context.Context, q *db.Queries) error {
	var rows []*salePayment
	for _, id := range slices.Sorted(maps.Keys(b.payments)) {
		if p := b.payments[id]; p.changed {
			rows = append(rows, p)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	err := q.SaveSalePayments(ctx, db.SaveSalePaymentsParams{
		Ids:            column(rows, func(p *salePayment) string { return p.ID }),
		Versions:       column(rows, func(p *salePayment) int64 { return p.Version }),
		ReservationIds: column(rows, func(p *salePayment) string { return p.ReservationID }),
		EventIds:       column(rows, func(p *salePayment) string { return p.EventID }),
		Refunds:        column(rows, func(p *salePayment) string { return string(p.Refunds) }),
	})
	if err != nil {
		return fmt.Errorf("projector: save payments of sales: %w", err)
	}
	return nil
}

func (b *books) saveSums(ctx context.Context, q *db.Queries) error {
	if len(b.sums) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(b.sums), sumKey.compare)
	m := db.MoveSalesParams{
		EventIds:   column(keys, func(k sumKey) string { return k.event }),
		Sections:   column(keys, func(k sumKey) string { return k.section }),
		Days:       column(keys, func(k sumKey) pgtype.Date { return pgtype.Date{Time: k.day, Valid: true} }),
		Currencies: column(keys, func(k sumKey) string { return k.currency }),
		Sold:       column(keys, func(k sumKey) int64 { return b.sums[k].sold }),
		Returned:   column(keys, func(k sumKey) int64 { return b.sums[k].returned }),
		Gross:      column(keys, func(k sumKey) int64 { return b.sums[k].gross }),
		Refunded:   column(keys, func(k sumKey) int64 { return b.sums[k].refunded }),
	}
	if err := q.MoveSales(ctx, m); err != nil {
		return fmt.Errorf("projector: move sales: %w", err)
	}
	err := q.MoveSectionSales(ctx, db.MoveSectionSalesParams{
		EventIds: m.EventIds, Sections: m.Sections, Currencies: m.Currencies,
		Sold: m.Sold, Returned: m.Returned, Gross: m.Gross, Refunded: m.Refunded,
	})
	if err != nil {
		return fmt.Errorf("projector: move sales of sections: %w", err)
	}
	return nil
}

func (k sumKey) compare(other sumKey) int {
	return cmp.Or(cmp.Compare(k.event, other.event), cmp.Compare(k.section, other.section), k.day.Compare(other.day),
		cmp.Compare(k.currency, other.currency))
}
