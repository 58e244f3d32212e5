package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
)

const (
	catchUpEvents    = 400_000 // length of the log that projections catch up with
	catchUpCustomers = 5_000   // customers in it
)

// tablesOf lists the tables that each projection fills.
var tablesOf = map[string][]string{
	"availability": {"inventories", "sections", "seats"}, "reservations": {"reservations"}, "payments": {"payments"},
	"sales":     {"sale_reservations", "sale_payments", "sales", "section_sales"},
	"customers": {"customer_streams", "customers", "customer_spend", "customer_history"},
}

func kafkaOptions(brokers []string) []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(brokers...)} }

// benchCatchUp measures how fast projections catch up with a broker full of records, one after the other, and for comparison what PostgreSQL needs to
// store the resulting rows, by COPY, into tables with the same indexes and with synchronous_commit off as well. The time to join
// the group does not count, nor does the first batch.
func benchCatchUp(ctx context.Context, b *bench) (err error) {
	s, err := b.openReadSide(ctx, "catchup", true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began := time.Now()
	if err := newPurchases(newCustomers(catchUpCustomers)).writeLog(ctx, s.events, catchUpEvents); err != nil {
		return err
	}
	b.printf("  filled the log in %.1f s", time.Since(began).Seconds())
	began = time.Now()
	if err := s.publishLog(ctx); err != nil {
		return err
	}
	b.printf("  published it in %.1f s", time.Since(began).Seconds())
	for _, name := range []string{"reservations", "payments", "availability", "sales", "customers"} {
		if err := b.catchUpOne(ctx, s, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// publishLog publishes the whole log through the relay.
func (s *readSide) publishLog(ctx context.Context) (err error) {
	stop := s.startRelay(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	head, err := eventstore.ReadHead(ctx, s.events)
	if err != nil {
		return err
	}
	return awaitCondition(ctx, "the relay", 10*time.Millisecond, func() (bool, error) {
		var position int64
		err := s.events.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM relay_cursor`).Scan(&position)
		return position == head.Position, err
	})
}

func (b *bench) catchUpOne(ctx context.Context, s *readSide, name string) error {
	var records, copied measured
	for round := range min(b.rounds, 2) {
		if err := s.emptyProjection(ctx, name); err != nil {
			return err
		}
		err := b.measureSide(&records, name, func() (measured, error) {
			return b.withProfile("catchup-"+name, round, func() (measured, error) { return s.catchUp(ctx, name, round) })
		})
		if err != nil {
			return err
		}
		err = b.measureSide(&copied, "COPY of its rows", func() (measured, error) { return s.copyRows(ctx, tablesOf[name]) })
		if err != nil {
			return err
		}
	}
	prefix := "catch_up_" + name
	if name == "reservations" { // the goals are about it
		prefix = "catch_up"
	}
	b.printFigure(prefix+"_per_s", records.perSecond())
	b.printFigure(prefix+"_ratio", records.perSecond()/copied.perSecond())
	b.printFigure(prefix+"_time_ratio", copied.Took.Seconds()/records.Took.Seconds())
	return nil
}

// emptyProjection empties a projection, so that it starts again.
func (s *readSide) emptyProjection(ctx context.Context, name string) error {
	for _, table := range tablesOf[name] {
		if _, err := s.read.Exec(ctx, `TRUNCATE `+pgx.Identifier{table}.Sanitize()); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	if _, err := s.read.Exec(ctx, `DELETE FROM projection_checkpoints WHERE projection = $1`, name); err != nil {
		return fmt.Errorf("forget checkpoints: %w", err)
	}
	if _, err := s.read.Exec(ctx, `CHECKPOINT`); err != nil { // writes what the round before left
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (s *readSide) catchUp(ctx context.Context, name string, round int) (m measured, err error) {
	all, err := s.countRecords(ctx, name)
	if err != nil {
		return m, err
	}
	stop := s.startProjector(ctx, fmt.Sprintf("bench-%d", round), name)
	defer func() { err = errors.Join(err, stop()) }()
	var began time.Time
	first := int64(0)
	err = awaitCondition(ctx, "the projector", 2*time.Millisecond, func() (bool, error) {
		var done int64
		err := s.read.QueryRow(ctx, `SELECT coalesce(sum(next_offset), 0) FROM projection_checkpoints WHERE projection = $1`, name).Scan(&done)
		if began.IsZero() && done > 0 {
			began, first = time.Now(), done
		}
		m.Done, m.Took = int(done-first), time.Since(began)
		return done == all, err
	})
	return m, err
}

// countRecords returns how many records the projection has to read.
func (s *readSide) countRecords(ctx context.Context, name string) (records int64, err error) {
	follows := []string{topics["reservation"], topics["payment"]}
	switch name {
	case "reservations":
		follows = follows[:1]
	case "payments":
		follows = follows[1:]
	case "availability":
		follows = []string{topics["inventory"]}
	}
	err = s.events.QueryRow(ctx, `SELECT sum(last_offset + 1) FROM relay_partitions WHERE topic = ANY ($1)`, follows).Scan(&records)
	if err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	return records, nil
}

// copyRows copies all rows of the tables into tables of the same shape.
func (s *readSide) copyRows(ctx context.Context, tables []string) (m measured, err error) {
	conn, err := s.read.Acquire(ctx)
	if err != nil {
		return m, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	for _, table := range tables {
		var rows bytes.Buffer
		if _, err := pg.CopyTo(ctx, &rows, `COPY `+table+` TO STDOUT (FORMAT binary)`); err != nil {
			return m, fmt.Errorf("read %s: %w", table, err)
		}
		if _, err := conn.Exec(ctx, `DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE `+table+` INCLUDING ALL); SET synchronous_commit = off`); err != nil {
			return m, fmt.Errorf("make a table like %s: %w", table, err)
		}
		began := time.Now()
		tag, err := pg.CopyFrom(ctx, &rows, `COPY copied FROM STDIN (FORMAT binary)`)
		if err != nil {
			return m, fmt.Errorf("copy %s: %w", table, err)
		}
		m.Took += time.Since(began)
		m.Done += int(tag.RowsAffected())
	}
	return m, nil
}
