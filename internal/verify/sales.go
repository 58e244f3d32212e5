package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

type saleReservationRow struct {
	ID         string        `json:"id"`
	Version    int64         `json:"version"`
	EventID    string        `json:"event_id"`
	Currency   string        `json:"currency"`
	Sections   []saleSection `json:"sections"`
	PaymentID  *string       `json:"payment_id"`
	SoldAt     *stamp        `json:"sold_at"`
	ReturnedAt *stamp        `json:"returned_at"`
}

// saleExpression leaves out what the log alone does not say: how often the row was written, and what of the payment, which is at a
// version of its own, is counted in it. lookAtSales compares that.
const saleExpression = `to_jsonb(t) - 'revision' || jsonb_build_object('sections', (SELECT coalesce(jsonb_agg(s - 'refunded' ORDER BY n), '[]')
	FROM jsonb_array_elements(t.sections) WITH ORDINALITY AS e (s, n)))`

type saleSection struct {
	Section string `json:"section"`
	Tickets int64  `json:"tickets"`
	Gross   int64  `json:"gross"`
}

func (h *hold) saleRow(id string) any {
	s := h.state
	row := saleReservationRow{
		ID: id, Version: h.version, EventID: s.EventID, Currency: s.Total.Currency, Sections: []saleSection{},
		SoldAt: maybeStamp(s.CompletedAt), ReturnedAt: maybeStamp(s.RefundedAt),
	}
	if s.Status == reservation.Completed || s.Status == reservation.Refunded {
		row.PaymentID = maybeText(s.PaymentID)
	}
	for _, seat := range s.Seats {
		i := slices.IndexFunc(row.Sections, func(s saleSection) bool { return s.Section == seat.Section })
		if i < 0 {
			i = len(row.Sections)
			row.Sections = append(row.Sections, saleSection{Section: seat.Section})
		}
		row.Sections[i].Tickets++
		row.Sections[i].Gross += seat.Price.Minor
	}
	return row
}

type salePaymentRow struct {
	ID            string       `json:"id"`
	Version       int64        `json:"version"`
	ReservationID string       `json:"reservation_id"`
	EventID       string       `json:"event_id"`
	Refunds       []saleRefund `json:"refunds"`
}

type saleRefund struct {
	Amount int64     `json:"amount"`
	At     time.Time `json:"at"`
}

func (c *charge) saleRow(id string) any {
	row := salePaymentRow{ID: id, Version: c.version, ReservationID: c.state.ReservationID, EventID: c.state.EventID, Refunds: c.refunded}
	if row.Refunds == nil {
		row.Refunds = []saleRefund{}
	}
	return row
}

// soldRow is one of sales, or of section_sales when it has no day.
type soldRow struct {
	EventID  string  `json:"event_id"`
	Section  string  `json:"section"`
	Day      *string `json:"day,omitempty"`
	Currency string  `json:"currency"`
	Sold     int64   `json:"sold"`
	Returned int64   `json:"returned"`
	Gross    int64   `json:"gross"`
	Refunded int64   `json:"refunded"`
	Tickets  int64   `json:"tickets"`
	Net      int64   `json:"net"`
}

// accounts are what the reservations and payments of one event add up to, by the keys of the rows.
type accounts struct {
	event string
	rows  map[string]map[string]*soldRow // by table
}

// lookAtSales compares the sums with the reservations and payments that they are made of, all of one event at one moment. Those were
// compared with the log row by row.
func lookAtSales(ctx context.Context, c *comparison) error {
	rows, err := c.Read.Query(ctx, `SELECT DISTINCT event_id FROM sale_reservations UNION SELECT event_id FROM sales
		UNION SELECT event_id FROM section_sales ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("verify: read sales: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("verify: read sales: %w", err)
	}
	for _, id := range ids {
		err := c.snapshot(ctx, func(tx pgx.Tx) error {
			a := accounts{event: id, rows: map[string]map[string]*soldRow{"sales": {}, "section_sales": {}}}
			if err := c.addUp(ctx, tx, &a); err != nil {
				return err
			}
			if err := c.lookAtSums(ctx, tx, "sales", "t.section || ' ' || t.day || ' ' || t.currency", a); err != nil {
				return err
			}
			return c.lookAtSums(ctx, tx, "section_sales", "t.section || ' ' || t.currency", a)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addUp counts an event's reservations with what was given back of them, and compares how that is spread.
func (c *comparison) addUp(ctx context.Context, tx pgx.Tx, a *accounts) error {
	rows, err := tx.Query(ctx, `SELECT r.id, r.currency, r.sections, r.sold_at, r.returned_at, coalesce(p.refunds, '[]')
		FROM sale_reservations r LEFT JOIN sale_payments p ON p.id = r.payment_id WHERE r.event_id = $1 ORDER BY r.id`, a.event)
	if err != nil {
		return fmt.Errorf("verify: read sale_reservations: %w", err)
	}
	var id, currency string
	var sections []struct {
		saleSection
		Refunded int64 `json:"refunded"`
	}
	var refunds []saleRefund
	var sectionsJSON, refundsJSON []byte
	var sold, returned *time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &currency, &sectionsJSON, &sold, &returned, &refundsJSON}, func() error {
		sections, refunds = nil, nil
		if err := json.Unmarshal(sectionsJSON, &sections); err != nil {
			return fmt.Errorf("sections of %s: %w", id, err)
		}
		if err := json.Unmarshal(refundsJSON, &refunds); err != nil {
			return fmt.Errorf("refunds of %s: %w", id, err)
		}
		kept := make([]int64, len(sections))
		for i, s := range sections {
			kept[i] = s.Gross
			if sold != nil {
				a.add(s.Section, *sold, currency, soldRow{Sold: s.Tickets, Gross: s.Gross})
			}
			if returned != nil {
				a.add(s.Section, *returned, currency, soldRow{Returned: s.Tickets})
			}
		}
		for _, refund := range refunds {
			for i, share := range shares(refund.Amount, kept) {
				kept[i] -= share
				a.add(sections[i].Section, refund.At, currency, soldRow{Refunded: share})
			}
		}
		for i, s := range sections {
			if refunded := s.Gross - kept[i]; refunded != s.Refunded {
				c.found.add(Finding{
					Kind: Differs, Table: "sale_reservations", Key: id, Column: "sections, refunded of " + s.Section,
					Log: strconv.FormatInt(refunded, 10), Row: strconv.FormatInt(s.Refunded, 10),
				})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify: read sale_reservations: %w", err)
	}
	return nil
}

// shares splits an amount in proportion to what is kept, by largest remainder.
func shares(amount int64, kept []int64) []int64 {
	split := make([]int64, len(kept))
	whole := new(big.Int)
	for _, k := range kept {
		whole.Add(whole, big.NewInt(k))
	}
	if whole.Sign() == 0 {
		return split
	}
	rests, left := make([]*big.Int, len(kept)), amount
	for i, k := range kept {
		share, rest := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(amount), big.NewInt(k)), whole, new(big.Int))
		split[i], rests[i] = share.Int64(), rest
		left -= split[i]
	}
	for ; left > 0; left-- {
		most := 0
		for i := range rests {
			if rests[i].Cmp(rests[most]) > 0 {
				most = i
			}
		}
		split[most]++
		rests[most] = big.NewInt(-1)
	}
	return split
}

func (a *accounts) add(section string, when time.Time, currency string, by soldRow) {
	day := when.UTC().Format(time.DateOnly)
	a.row("sales", section+" "+day+" "+currency, soldRow{Section: section, Day: &day, Currency: currency}).add(by)
	a.row("section_sales", section+" "+currency, soldRow{Section: section, Currency: currency}).add(by)
}

func (a *accounts) row(table, key string, empty soldRow) *soldRow {
	if a.rows[table][key] == nil {
		empty.EventID = a.event
		a.rows[table][key] = &empty
	}
	return a.rows[table][key]
}

func (r *soldRow) add(by soldRow) {
	r.Sold, r.Returned, r.Gross, r.Refunded = r.Sold+by.Sold, r.Returned+by.Returned, r.Gross+by.Gross, r.Refunded+by.Refunded
	r.Tickets, r.Net = r.Sold-r.Returned, r.Gross-r.Refunded
}

func (c *comparison) lookAtSums(ctx context.Context, tx pgx.Tx, table, key string, a accounts) error {
	rows, err := tx.Query(ctx, `SELECT `+key+`, to_jsonb(t) FROM `+table+` t WHERE event_id = $1 ORDER BY 1`, a.event)
	if err != nil {
		return fmt.Errorf("verify: read %s: %w", table, err)
	}
	want := a.rows[table]
	var id string
	var row []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &row}, func() error {
		c.found.Rows[table]++
		expected := want[id]
		delete(want, id)
		if expected == nil {
			c.found.add(Finding{Kind: Differs, Table: table, Key: a.event + " " + id, Log: "nothing was sold", Row: string(row)})
			return nil
		}
		return c.compareRow(table, a.event+" "+id, expected, row)
	})
	if err != nil {
		return fmt.Errorf("verify: read %s: %w", table, err)
	}
	for _, id := range sorted(want) {
		c.found.add(Finding{Kind: Differs, Table: table, Key: a.event + " " + id, Log: "something was sold", Row: "no row"})
	}
	return nil
}
