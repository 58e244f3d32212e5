package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/event"       //nolint:depguard // as in verify.go
	"ticketing/command/eventstore"  //nolint:depguard // as in verify.go
	"ticketing/command/inventory"   //nolint:depguard // as in verify.go
	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// projection is one of the read side's, with the states that its rows must show.
type projection struct {
	name       string // as operators call it
	categories []string
	stream     func(id string) string // the stream's id by the row's
	table      string                 // that has a row for each stream
	key        string                 // its column with the row's id
	at         func(id string) *head
	ids        func() []string
	// look compares the rows with these ids and answers those that have not come as far as the log.
	look func(ctx context.Context, c *comparison, ids []string) (behind []string, err error)
	// rest says what the table has beside the rows with ids; nil: nothing.
	rest func(ctx context.Context, c *comparison) error
}

func (l *Log) projections() []projection {
	of := func(category string, p projection) projection {
		p.categories = []string{category}
		p.stream = func(id string) string { return category + "-" + id }
		return p
	}
	row := func(category string, p projection, row func(id string) any, expression string) projection {
		p = of(category, p)
		p.key = "id"
		p.look = func(ctx context.Context, c *comparison, ids []string) ([]string, error) {
			return c.lookAtRows(ctx, row, expression, ids)
		}
		return p
	}
	return []projection{
		row(event.Category, projection{name: "events", table: "events", at: finder(l.events), ids: lister(l.events)},
			func(id string) any { return l.events[id].row(id) },
			`to_jsonb(t) || jsonb_build_object('search',
				(SELECT coalesce(jsonb_agg(w ORDER BY w COLLATE "C"), '[]') FROM unnest(tsvector_to_array(t.search)) w))`),
		of(inventory.Category, projection{
			name: "availability", table: "inventories", key: "event_id", at: finder(l.inventories), ids: lister(l.inventories),
			look: lookAtStock, rest: orphans,
		}),
		row(reservation.Category, projection{name: "reservations", table: "reservations", at: finder(l.reservations), ids: lister(l.reservations)},
			func(id string) any { return l.reservations[id].row(id) }, `to_jsonb(t)`),
		row(payment.Category, projection{name: "payments", table: "payments", at: finder(l.payments), ids: lister(l.payments)},
			func(id string) any { return l.payments[id].row(id) }, `to_jsonb(t)`),
		row(payment.Category, projection{name: "sales", table: "sale_payments", at: finder(l.payments), ids: lister(l.payments)},
			func(id string) any { return l.payments[id].saleRow(id) }, `to_jsonb(t)`),
		row(reservation.Category, projection{
			name: "sales", table: "sale_reservations", at: finder(l.reservations), ids: lister(l.reservations), rest: lookAtSales,
		}, func(id string) any { return l.reservations[id].saleRow(id) }, saleExpression),
		{
			name: "customers", categories: []string{reservation.Category, payment.Category}, table: "customer_streams", key: "id",
			stream: func(id string) string { return id }, at: l.buyer, ids: l.buyers,
			look: func(ctx context.Context, c *comparison, ids []string) ([]string, error) {
				return c.lookAtRows(ctx, l.buyerRow, `to_jsonb(t)`, ids)
			},
			rest: lookAtCustomers,
		},
	}
}

// finder answers nil for a stream that was not read.
func finder[S any, P interface {
	*S
	stream
}](streams map[string]*S) func(id string) *head {
	return func(id string) *head {
		if s := P(streams[id]); s != nil {
			return s.at()
		}
		return nil
	}
}

func lister[S any](streams map[string]*S) func() []string {
	return func() []string { return sorted(streams) }
}

// comparison is one projection's on its way.
type comparison struct {
	Options
	projection
	log   *Log
	found *Report
}

// compare looks at all rows of a projection, in pages and without a long transaction. What is behind is looked at once more, when the
// projection has come as far as the log was at the start of the run, or after Wait.
func compare(ctx context.Context, o Options, log *Log, start eventstore.Head, p projection, found *Report) error {
	c := &comparison{Options: o, projection: p, log: log, found: found}
	for _, id := range p.ids() {
		p.at(id).seen = false // another projection may have shown it
	}
	behind, err := c.lookAtAll(ctx)
	if err != nil {
		return err
	}
	for _, id := range p.ids() {
		if h := p.at(id); !h.seen && !h.broken {
			behind = append(behind, id)
		}
	}
	if len(behind) > 0 {
		if err := c.lookAgain(ctx, start, behind); err != nil {
			return err
		}
	}
	if c.rest != nil {
		return c.rest(ctx, c)
	}
	return nil
}

// lookAgain looks once more at rows that were behind, when they had their time.
func (c *comparison) lookAgain(ctx context.Context, start eventstore.Head, behind []string) error {
	passed, err := c.await(ctx, start, time.Now().Add(c.Wait))
	if err != nil {
		return err
	}
	slices.Sort(behind)
	still := behind[:0:0]
	for ids := range slices.Chunk(behind, rowPage) {
		for _, id := range ids {
			c.at(id).seen = false
		}
		again, err := c.look(ctx, c, ids)
		if err != nil {
			return err
		}
		still = append(still, again...)
		for _, id := range ids {
			if !c.at(id).seen {
				still = append(still, id)
			}
		}
	}
	return c.judge(ctx, still, passed)
}

// judge says what became of rows that have not come as far as the log: they may still, unless the projection has been there.
func (c *comparison) judge(ctx context.Context, ids []string, passed bool) error {
	if len(ids) == 0 {
		return nil
	}
	aside, err := c.deadLetters(ctx)
	if err != nil {
		return err
	}
	versions, err := c.versions(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		h := c.at(id)
		f := Finding{Kind: Behind, Table: c.table, Key: id, Column: "version", Log: strconv.FormatInt(h.version, 10), Row: "no row"}
		version, ok := versions[id]
		if ok {
			f.Row = strconv.FormatInt(version, 10)
		}
		switch {
		case aside[c.stream(id)]:
			f.Row += " (waits behind a dead letter)"
		case passed && version < h.known:
			f.Kind = Differs
		}
		c.found.add(f)
	}
	return nil
}

// rowPage is how many rows are read at once.
const rowPage = 2_000

func (c *comparison) lookAtAll(ctx context.Context) (behind []string, err error) {
	key, table := pgx.Identifier{c.key}.Sanitize(), pgx.Identifier{c.table}.Sanitize()
	for after := ""; ; {
		rows, err := c.Read.Query(ctx, `SELECT `+key+` FROM `+table+` WHERE `+key+` > $1 ORDER BY 1 LIMIT $2`, after, rowPage)
		if err != nil {
			return nil, fmt.Errorf("verify: read %s: %w", c.table, err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("verify: read %s: %w", c.table, err)
		}
		page, err := c.look(ctx, c, ids)
		if err != nil {
			return nil, err
		}
		behind = append(behind, page...)
		if len(ids) < rowPage {
			return behind, nil
		}
		after = ids[len(ids)-1]
	}
}

// meet brings a stream's state to the version of its row, if the row is ahead of what was read of the log. It answers whether the two
// can be compared now, or the row has not come as far.
func (c *comparison) meet(ctx context.Context, id string, version int64) (same, behind bool, err error) {
	h := c.at(id)
	if h == nil || h.version < version {
		if h != nil && h.broken {
			h.seen = true
			return false, false, nil
		}
		there, err := c.log.catchUp(ctx, c.Events, c.stream(id), version)
		if err != nil {
			return false, false, err
		}
		h = c.at(id)
		if !there {
			inLog := "no stream"
			if h.version > 0 {
				inLog = strconv.FormatInt(h.version, 10)
			}
			c.found.add(Finding{Kind: Differs, Table: c.table, Key: id, Column: "version", Log: inLog, Row: strconv.FormatInt(version, 10)})
		}
	}
	h.seen = true
	return h.version == version && !h.broken, h.version > version && !h.broken, nil
}

// lookAtRows compares rows of a table that has one for each stream.
func (c *comparison) lookAtRows(ctx context.Context, expect func(id string) any, expression string, ids []string) (behind []string, err error) {
	err = c.snapshot(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, version, `+expression+` FROM `+pgx.Identifier{c.table}.Sanitize()+` t
			WHERE id = ANY ($1) AND version > 0 ORDER BY id`, ids)
		if err != nil {
			return fmt.Errorf("verify: read %s: %w", c.table, err)
		}
		var id string
		var version int64
		var row []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &version, &row}, func() error {
			same, late, err := c.meet(ctx, id, version)
			if late {
				behind = append(behind, id)
			}
			if err != nil || !same {
				return err
			}
			c.found.Rows[c.table]++
			return c.compareRow(c.table, id, expect(id), row)
		})
		if err != nil {
			return fmt.Errorf("verify: read %s: %w", c.table, err)
		}
		return nil
	})
	return behind, err
}

// compareRow compares all columns, also those that only one side has.
func (c *comparison) compareRow(table, key string, inLog any, inTable []byte) error {
	want, err := columns(inLog)
	if err != nil {
		return fmt.Errorf("verify: encode %s %s: %w", table, key, err)
	}
	got, err := columns(inTable)
	if err != nil {
		return fmt.Errorf("verify: decode %s %s: %w", table, key, err)
	}
	for _, name := range sorted(want) {
		if value, ok := got[name]; !ok {
			c.found.add(Finding{Kind: Differs, Table: table, Key: key, Column: name, Log: string(want[name]), Row: "no column"})
		} else if !equal(want[name], value) {
			c.found.add(Finding{Kind: Differs, Table: table, Key: key, Column: name, Log: string(want[name]), Row: string(value)})
		}
	}
	for _, name := range sorted(got) {
		if _, ok := want[name]; !ok {
			c.found.add(Finding{Kind: Differs, Table: table, Key: key, Column: name, Log: "no such column", Row: string(got[name])})
		}
	}
	return nil
}

// equal compares JSON by what it means.
func equal(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var left, right any
	for data, value := range map[*json.RawMessage]*any{&a: &left, &b: &right} {
		d := json.NewDecoder(bytes.NewReader(*data))
		d.UseNumber()
		if d.Decode(value) != nil {
			return false
		}
	}
	return reflect.DeepEqual(left, right)
}

// snapshot reads what belongs together at one moment. Times come as UTC.
func (c *comparison) snapshot(ctx context.Context, read func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, c.Read, options, func(tx pgx.Tx) error { //nolint:wrapcheck // read's errors say what was read
		if _, err := tx.Exec(ctx, `SET LOCAL timezone = 'UTC'`); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		return read(tx)
	})
}
