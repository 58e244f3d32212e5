package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/event"
	"ticketing/projector/sales"
)

// eventSales are the sums of the reservations and payments of one event.
type eventSales struct {
	eventID  string
	days     map[dayKey]*sum
	sections map[dayKey]*sum // without a day
}

type dayKey struct {
	section, currency string
	day               time.Time
}

// counts are what is added to a sum.
type counts struct{ sold, returned, gross, refunded, lost int64 }

type sum struct {
	sold, returned        int64
	gross, refunded, lost big.Int
}

func (s *sum) add(by counts) {
	s.sold, s.returned = s.sold+by.sold, s.returned+by.returned
	s.gross.Add(&s.gross, big.NewInt(by.gross))
	s.refunded.Add(&s.refunded, big.NewInt(by.refunded))
	s.lost.Add(&s.lost, big.NewInt(by.lost))
}

func (s *sum) net() json.Number {
	net := new(big.Int).Sub(&s.gross, &s.refunded)
	return json.Number(net.Sub(net, &s.lost).String())
}

// dayRows returns the rows of sales by their keys.
func (s *eventSales) dayRows() map[string]*sales.DayRow {
	rows := make(map[string]*sales.DayRow, len(s.days))
	for k, v := range s.days {
		rows[k.section+" "+k.day.Format(time.DateOnly)+" "+k.currency] = &sales.DayRow{
			EventID: s.eventID, Section: k.section, Day: pgtype.Date{Time: k.day, Valid: true}, Currency: k.currency,
			Sold: v.sold, Returned: v.returned, Tickets: v.sold - v.returned,
			Gross: numberOf(&v.gross), Refunded: numberOf(&v.refunded), Lost: numberOf(&v.lost), Net: v.net(),
		}
	}
	return rows
}

// sectionRows returns the rows of section_sales by their keys.
func (s *eventSales) sectionRows() map[string]*sales.SectionRow {
	rows := make(map[string]*sales.SectionRow, len(s.sections))
	for k, v := range s.sections {
		rows[k.section+" "+k.currency] = &sales.SectionRow{
			EventID: s.eventID, Section: k.section, Currency: k.currency, Sold: v.sold, Returned: v.returned, Tickets: v.sold - v.returned,
			Gross: numberOf(&v.gross), Refunded: numberOf(&v.refunded), Lost: numberOf(&v.lost), Net: v.net(),
		}
	}
	return rows
}

func numberOf(n *big.Int) json.Number { return json.Number(n.String()) }

// compareAllSales compares the sums of all events.
func (r *run) compareAllSales(ctx context.Context) error {
	ids, err := readIDs(ctx, r.Read, "sales", `SELECT DISTINCT event_id FROM sale_reservations UNION SELECT event_id FROM sales
		UNION SELECT event_id FROM section_sales ORDER BY 1`)
	if err != nil {
		return err
	}
	return r.compareSales(ctx, ids)
}

// compareSales compares the sums with the reservations and payments that they are made of, all of one event at one moment. Those were
// compared with the log row by row.
func (r *run) compareSales(ctx context.Context, eventIDs []string) error {
	for _, id := range eventIDs {
		if err := r.snapshot(ctx, func(tx pgx.Tx) error { return r.compareSalesOf(ctx, tx, id) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) compareSalesOf(ctx context.Context, tx pgx.Tx, eventID string) error {
	s := &eventSales{eventID: eventID, days: map[dayKey]*sum{}, sections: map[dayKey]*sum{}}
	if err := r.sumSales(ctx, tx, s); err != nil {
		return err
	}
	if err := compareSums(ctx, r, tx, "sales", "t.section || ' ' || t.day || ' ' || t.currency", eventID, s.dayRows()); err != nil {
		return err
	}
	return compareSums(ctx, r, tx, "section_sales", "t.section || ' ' || t.currency", eventID, s.sectionRows())
}

// soldReservation is a row of sale_reservations with the refunds of its payment.
type soldReservation struct {
	id, currency, timeZone    string
	sections                  []sales.Section
	refunds                   []sales.Refund
	soldAt, returnedAt        *time.Time
	sectionsJSON, refundsJSON []byte
}

// sumSales sums up an event's reservations and what was refunded of them, and compares how that is spread over their sections.
func (r *run) sumSales(ctx context.Context, tx pgx.Tx, s *eventSales) error {
	var sold soldReservation
	reservations := query{
		"sale_reservations", `SELECT r.id, r.currency, r.sections, r.sold_at, r.returned_at, r.time_zone, coalesce(p.refunds, '[]')
			FROM sale_reservations r LEFT JOIN sale_payments p ON p.id = r.payment_id WHERE r.event_id = $1 ORDER BY r.id`,
		[]any{s.eventID}, []any{&sold.id, &sold.currency, &sold.sectionsJSON, &sold.soldAt, &sold.returnedAt, &sold.timeZone, &sold.refundsJSON},
	}
	return eachRow(ctx, tx, reservations, func() error {
		sold.sections, sold.refunds = nil, nil
		if err := json.Unmarshal(sold.sectionsJSON, &sold.sections); err != nil {
			return fmt.Errorf("decode sections of %s: %w", sold.id, err)
		}
		if err := json.Unmarshal(sold.refundsJSON, &sold.refunds); err != nil {
			return fmt.Errorf("decode refunds of %s: %w", sold.id, err)
		}
		for i, refunded := range s.addReservation(sold) {
			if section := sold.sections[i]; refunded != section.Refunded {
				r.report.add(Finding{
					Kind: Differs, Table: "sale_reservations", Key: sold.id, Column: "sections, refunded of " + section.Name,
					Log: strconv.FormatInt(refunded, 10), Row: strconv.FormatInt(section.Refunded, 10),
				})
			}
		}
		return nil
	})
}

// addReservation adds a reservation and returns what is refunded of each section.
func (s *eventSales) addReservation(r soldReservation) []int64 {
	kept, refunded := make([]int64, len(r.sections)), make([]int64, len(r.sections))
	for i, section := range r.sections {
		kept[i] = section.Gross
		if r.soldAt != nil {
			s.add(r, section.Name, *r.soldAt, counts{sold: section.Tickets, gross: section.Gross})
		}
		tickets := section.Tickets
		for _, returned := range section.Returns {
			tickets -= returned.Tickets
			s.add(r, section.Name, returned.At, counts{returned: returned.Tickets})
		}
		if r.returnedAt != nil {
			s.add(r, section.Name, *r.returnedAt, counts{returned: tickets})
		}
	}
	for _, refund := range r.refunds {
		if refund.Dispute != "" {
			s.addLoss(r, refund)
			continue
		}
		shares := spreadRefund(refund, r.sections, kept)
		if refund.Amount < 0 { // sent back
			refund.Amount = -refund.Amount
			shares = spreadRefund(refund, r.sections, refunded)
			for i := range shares {
				shares[i] = -shares[i]
			}
		}
		for i, share := range shares {
			kept[i] -= share
			refunded[i] += share
			s.add(r, r.sections[i].Name, refund.At, counts{refunded: share})
		}
	}
	return refunded
}

// addLoss adds what a lost dispute has cost, by the prices of the sections.
func (s *eventSales) addLoss(r soldReservation, dispute sales.Refund) {
	if !dispute.Lost {
		return
	}
	prices, whole := make([]int64, len(r.sections)), int64(0)
	for i, section := range r.sections {
		prices[i] = section.Gross
		whole += section.Gross
	}
	for i, share := range splitAmount(min(dispute.Amount, whole), prices) {
		s.add(r, r.sections[i].Name, dispute.At, counts{lost: share})
	}
}

// spreadRefund returns what of each section a refund takes: first of those of its tickets, as far as there is room, then in proportion to the rest.
func spreadRefund(refund sales.Refund, sections []sales.Section, room []int64) []int64 {
	first, rest := make([]int64, len(room)), make([]int64, len(room))
	left := refund.Amount
	for i, section := range sections {
		first[i] = min(refund.Parts[section.Name], room[i], left)
		rest[i] = room[i] - first[i]
		left -= first[i]
	}
	for i, share := range splitAmount(left, rest) {
		first[i] += share
	}
	return first
}

// splitAmount splits an amount in proportion to what is kept, by largest remainder.
func splitAmount(amount int64, kept []int64) []int64 {
	shares := make([]int64, len(kept))
	whole := new(big.Int)
	for _, k := range kept {
		whole.Add(whole, big.NewInt(k))
	}
	if whole.Sign() == 0 {
		return shares
	}
	rests, left := make([]*big.Int, len(kept)), amount
	for i, k := range kept {
		share, rest := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(amount), big.NewInt(k)), whole, new(big.Int))
		shares[i], rests[i] = share.Int64(), rest
		left -= shares[i]
	}
	for ; left > 0; left-- {
		largest := 0
		for i := range rests {
			if rests[i].Cmp(rests[largest]) > 0 {
				largest = i
			}
		}
		shares[largest]++
		rests[largest] = big.NewInt(-1)
	}
	return shares
}

func (s *eventSales) add(r soldReservation, section string, when time.Time, by counts) {
	day := dayKey{section, r.currency, event.Day(when, r.timeZone)}
	if s.days[day] == nil {
		s.days[day] = &sum{}
	}
	s.days[day].add(by)
	all := dayKey{section: section, currency: r.currency}
	if s.sections[all] == nil {
		s.sections[all] = &sum{}
	}
	s.sections[all].add(by)
}

// compareSums compares the rows of an event in sales or section_sales.
func compareSums[R any](ctx context.Context, r *run, tx pgx.Tx, table, key, eventID string, want map[string]*R) error {
	var id string
	var row []byte
	rows := query{table, `SELECT ` + key + `, to_jsonb(t) FROM ` + table + ` t WHERE event_id = $1 ORDER BY 1`, []any{eventID}, []any{&id, &row}}
	err := eachRow(ctx, tx, rows, func() error {
		expected := want[id]
		delete(want, id)
		if expected == nil {
			r.report.Rows[table]++
			r.report.add(Finding{Kind: Differs, Table: table, Key: eventID + " " + id, Log: "nothing was sold", Row: string(row)})
			return nil
		}
		return compareRow(r.report, table, eventID+" "+id, *expected, row, nil)
	})
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(want) {
		r.report.add(Finding{Kind: Differs, Table: table, Key: eventID + " " + id, Log: "something was sold", Row: "no row"})
	}
	return nil
}
