package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

type customerStreamRow struct {
	ID            string `json:"id"`
	Version       int64  `json:"version"`
	CustomerID    string `json:"customer_id"`
	EventID       string `json:"event_id"`
	ReservationID string `json:"reservation_id"`
	Tickets       int    `json:"tickets"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
}

type customerRow struct {
	ID           string `json:"id"`
	Reservations int    `json:"reservations"`
	Completed    int    `json:"completed"`
	Returned     int    `json:"returned"`
	Tickets      int    `json:"tickets"`
	FirstSeen    stamp  `json:"first_seen"`
	LastSeen     stamp  `json:"last_seen"`
}

type spendRow struct {
	CustomerID string `json:"customer_id"`
	Currency   string `json:"currency"`
	Spent      int64  `json:"spent"`
	Refunded   int64  `json:"refunded"`
	Net        int64  `json:"net"`
}

// buyer answers how far the stream of a reservation or a payment was read; nil: not at all.
func (l *Log) buyer(streamID string) *head {
	category, id, _ := strings.Cut(streamID, "-")
	switch {
	case category == reservation.Category && l.reservations[id] != nil:
		return &l.reservations[id].head
	case category == payment.Category && l.payments[id] != nil:
		return &l.payments[id].head
	}
	return nil
}

func (l *Log) buyers() []string {
	ids := make([]string, 0, len(l.reservations)+len(l.payments))
	for id := range l.reservations {
		ids = append(ids, reservation.Stream(id))
	}
	for id := range l.payments {
		ids = append(ids, payment.Stream(id))
	}
	slices.Sort(ids)
	return ids
}

func (l *Log) buyerRow(streamID string) any {
	row := customerStreamRow{ID: streamID}
	if category, id, _ := strings.Cut(streamID, "-"); category == reservation.Category {
		h := l.reservations[id]
		row.Version, row.CustomerID, row.EventID, row.ReservationID = h.version, h.state.CustomerID, h.state.EventID, id
		row.Tickets, row.Amount, row.Currency = len(h.state.Seats), h.state.Total.Minor, h.state.Total.Currency
	} else {
		c := l.payments[id]
		row.Version, row.CustomerID, row.EventID, row.ReservationID = c.version, c.state.CustomerID, c.state.EventID, c.state.ReservationID
		row.Amount, row.Currency = c.state.Amount.Minor, c.state.Amount.Currency
	}
	return row
}

// account is what the streams of one customer add up to.
type account struct {
	customer customerRow
	spend    map[string]*spendRow // by currency
	streams  map[string]history   // by stream
	late     bool                 // some stream's row has not come as far as the log
}

// customerPage is how many customers are looked at at one moment.
const customerPage = 500

// lookAtCustomers compares what is kept of each customer with their streams, all of one customer at one moment.
func lookAtCustomers(ctx context.Context, c *comparison) error {
	for after := ""; ; {
		rows, err := c.Read.Query(ctx, `SELECT id FROM (
			(SELECT id FROM customers WHERE id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_streams WHERE customer_id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_spend WHERE customer_id > $1 ORDER BY 1 LIMIT $2)
			UNION (SELECT DISTINCT customer_id FROM customer_history WHERE customer_id > $1 ORDER BY 1 LIMIT $2)) known
			ORDER BY id LIMIT $2`, after, customerPage)
		if err != nil {
			return fmt.Errorf("verify: read customers: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("verify: read customers: %w", err)
		}
		err = c.snapshot(ctx, func(tx pgx.Tx) error { return c.lookAtAccounts(ctx, tx, ids) })
		if err != nil {
			return err
		}
		if len(ids) < customerPage {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

func (c *comparison) lookAtAccounts(ctx context.Context, tx pgx.Tx, ids []string) error {
	accounts, err := c.openAccounts(ctx, tx, ids)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id, to_jsonb(t) FROM customers t WHERE id = ANY ($1)`, ids)
	if err != nil {
		return fmt.Errorf("verify: read customers: %w", err)
	}
	found := map[string][]byte{}
	var id string
	var row []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &row}, func() error {
		found[id] = slices.Clone(row)
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify: read customers: %w", err)
	}
	for _, id := range ids {
		a := accounts[id]
		switch {
		case a != nil && a.late:
			c.found.add(Finding{Kind: Behind, Table: "customers", Key: id, Log: "more", Row: "less"})
		case a == nil:
			c.found.add(Finding{Kind: Differs, Table: "customers", Key: id, Log: "nothing", Row: "a customer without streams"})
		case found[id] == nil:
			c.found.add(Finding{Kind: Differs, Table: "customers", Key: id, Log: "a customer", Row: "no row"})
		default:
			c.found.Rows["customers"]++
			if err := c.compareRow("customers", id, a.customer, found[id]); err != nil {
				return err
			}
		}
	}
	if err := c.lookAtSpend(ctx, tx, ids, accounts); err != nil {
		return err
	}
	return c.lookAtHistory(ctx, tx, ids, accounts)
}

// openAccounts adds up what the log says of the customers' streams, at the versions that the rows of these have.
func (c *comparison) openAccounts(ctx context.Context, tx pgx.Tx, ids []string) (map[string]*account, error) {
	rows, err := tx.Query(ctx, `SELECT customer_id, id, version FROM customer_streams WHERE customer_id = ANY ($1) ORDER BY id`, ids)
	if err != nil {
		return nil, fmt.Errorf("verify: read customer_streams: %w", err)
	}
	accounts := map[string]*account{}
	var customer, id string
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&customer, &id, &version}, func() error {
		a := accounts[customer]
		if a == nil {
			a = &account{customer: customerRow{ID: customer}, spend: map[string]*spendRow{}, streams: map[string]history{}}
			accounts[customer] = a
		}
		if h := c.at(id); h == nil || h.version < version {
			there, err := c.log.catchUp(ctx, c.Events, id, version)
			if err != nil || !there {
				a.late = true // which the comparison of the stream's row tells more of
				return err
			}
		}
		if c.at(id).version != version || c.at(id).broken {
			a.late = true
			return nil
		}
		a.add(c.log, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify: read customer_streams: %w", err)
	}
	return accounts, nil
}

func (a *account) add(l *Log, streamID string) {
	category, id, _ := strings.Cut(streamID, "-")
	if category == reservation.Category {
		h := l.reservations[id]
		a.see(h.trace)
		a.streams[streamID] = h.history
		a.customer.Reservations++
		if h.state.CompletedAt != nil {
			a.customer.Completed++
			a.customer.Tickets += len(h.state.Seats)
		}
		if h.state.RefundedAt != nil {
			a.customer.Returned++
			a.customer.Tickets -= len(h.state.Seats)
		}
		return
	}
	p := l.payments[id]
	a.see(p.trace)
	a.streams[streamID] = p.history
	if p.state.CompletedAt == nil {
		return
	}
	currency := p.state.Amount.Currency
	if a.spend[currency] == nil {
		a.spend[currency] = &spendRow{CustomerID: a.customer.ID, Currency: currency}
	}
	s := a.spend[currency]
	s.Spent += p.state.Amount.Minor
	s.Refunded += p.state.RefundedMinor()
	s.Net = s.Spent - s.Refunded
}

func (a *account) see(t trace) {
	if first := time.Time(a.customer.FirstSeen); first.IsZero() || t.first.Before(first) {
		a.customer.FirstSeen = stamp(t.first)
	}
	if t.last.After(time.Time(a.customer.LastSeen)) {
		a.customer.LastSeen = stamp(t.last)
	}
}

func (c *comparison) lookAtSpend(ctx context.Context, tx pgx.Tx, ids []string, accounts map[string]*account) error {
	rows, err := tx.Query(ctx, `SELECT customer_id, currency, to_jsonb(t) FROM customer_spend t WHERE customer_id = ANY ($1) ORDER BY 1, 2`, ids)
	if err != nil {
		return fmt.Errorf("verify: read customer_spend: %w", err)
	}
	seen := map[string]bool{}
	var customer, currency string
	var row []byte
	_, err = pgx.ForEachRow(rows, []any{&customer, &currency, &row}, func() error {
		a, key := accounts[customer], customer+" "+currency
		seen[key] = true
		switch {
		case a == nil || a.late: // told already
		case a.spend[currency] == nil:
			c.found.add(Finding{Kind: Differs, Table: "customer_spend", Key: key, Log: "nothing", Row: string(row)})
		default:
			c.found.Rows["customer_spend"]++
			return c.compareRow("customer_spend", key, a.spend[currency], row)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify: read customer_spend: %w", err)
	}
	for _, id := range sorted(accounts) {
		for _, currency := range sorted(accounts[id].spend) {
			if key := id + " " + currency; !seen[key] && !accounts[id].late {
				c.found.add(Finding{Kind: Differs, Table: "customer_spend", Key: key, Log: "something was spent", Row: "no row"})
			}
		}
	}
	return nil
}

func (c *comparison) lookAtHistory(ctx context.Context, tx pgx.Tx, ids []string, accounts map[string]*account) error {
	rows, err := tx.Query(ctx, `SELECT at, to_jsonb(t) FROM customer_history t WHERE customer_id = ANY ($1) ORDER BY customer_id, position`, ids)
	if err != nil {
		return fmt.Errorf("verify: read customer_history: %w", err)
	}
	got := map[string]map[string]*history{} // by customer and stream
	var at time.Time
	var row []byte
	_, err = pgx.ForEachRow(rows, []any{&at, &row}, func() error {
		c.found.Rows["customer_history"]++
		e := struct {
			entry
			At string `json:"at"` // read by itself
		}{}
		if err := json.Unmarshal(row, &e); err != nil {
			return fmt.Errorf("verify: decode customer_history: %w", err)
		}
		e.entry.At = stamp(at)
		stream := reservation.Stream(e.ReservationID)
		if e.PaymentID != nil {
			stream = payment.Stream(*e.PaymentID)
		}
		if got[e.CustomerID] == nil {
			got[e.CustomerID] = map[string]*history{}
		}
		if got[e.CustomerID][stream] == nil {
			got[e.CustomerID][stream] = &history{}
		}
		return got[e.CustomerID][stream].add(e.entry)
	})
	if err != nil {
		return fmt.Errorf("verify: read customer_history: %w", err)
	}
	for _, id := range ids {
		if a := accounts[id]; a != nil && !a.late {
			c.compareHistory(id, a.streams, got[id])
		}
	}
	return nil
}

func (c *comparison) compareHistory(customerID string, want map[string]history, got map[string]*history) {
	for _, stream := range sorted(want) {
		have := history{}
		if got[stream] != nil {
			have = *got[stream]
		}
		if want[stream] != have {
			c.found.add(Finding{
				Kind: Differs, Table: "customer_history", Key: customerID + " " + stream,
				Log: fmt.Sprintf("%d entries, sum %x", want[stream].entries, want[stream].sum),
				Row: fmt.Sprintf("%d entries, sum %x", have.entries, have.sum),
			})
		}
	}
	for _, stream := range sorted(got) {
		if _, ok := want[stream]; !ok {
			c.found.add(Finding{
				Kind: Differs, Table: "customer_history", Key: customerID + " " + stream, Log: "no stream of theirs", Row: "entries",
			})
		}
	}
}
