package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
)

// rowPage is how many rows are read at once.
const rowPage = 2_000

// comparison is the comparison of one table, and of those that depend on it.
type comparison struct {
	Config
	table

	expected *expected
	report   *Report
	start    eventstore.Head // of the log, at the beginning of the run
	seen     map[string]bool // ids of the rows that are there
}

// compareTable compares all rows, in pages and without a long transaction. Rows that are behind are compared once more when the projection
// has applied what was in the log at the beginning of the run, or after Wait.
func (c *comparison) compareTable(ctx context.Context) error {
	behind, err := c.comparePages(ctx)
	if err != nil {
		return err
	}
	for _, id := range c.ids() {
		if h := c.head(id); !c.seen[id] && !h.Broken && h.Version > 0 {
			behind = append(behind, id)
		}
	}
	if len(behind) > 0 {
		if err := c.compareAgain(ctx, behind); err != nil {
			return err
		}
	}
	if c.compareRest != nil {
		return c.compareRest(ctx, c)
	}
	return nil
}

func (c *comparison) comparePages(ctx context.Context) (behind []string, err error) {
	key, name := pgx.Identifier{c.key}.Sanitize(), pgx.Identifier{c.name}.Sanitize()
	for after := ""; ; {
		ids, err := readIDs(ctx, c.Read, c.name, `SELECT `+key+` FROM `+name+` WHERE `+key+` > $1 ORDER BY 1 LIMIT $2`, after, rowPage)
		if err != nil {
			return nil, err
		}
		page, err := c.compareRows(ctx, c, ids)
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

// compareAgain compares rows that were behind, after they had their time.
func (c *comparison) compareAgain(ctx context.Context, behind []string) error {
	passed, err := c.awaitProjection(ctx, time.Now().Add(c.Wait))
	if err != nil {
		return err
	}
	slices.Sort(behind)
	var still []string
	for ids := range slices.Chunk(behind, rowPage) {
		for _, id := range ids {
			delete(c.seen, id)
		}
		again, err := c.compareRows(ctx, c, ids)
		if err != nil {
			return err
		}
		still = append(still, again...)
		for _, id := range ids {
			if !c.seen[id] {
				still = append(still, id)
			}
		}
	}
	return c.reportBehind(ctx, still, passed)
}

// reportBehind reports rows that have not reached the log's version. They may still do so, unless the projection has passed it.
func (c *comparison) reportBehind(ctx context.Context, ids []string, passed bool) error {
	if len(ids) == 0 {
		return nil
	}
	blocked, err := c.blockedStreams(ctx)
	if err != nil {
		return err
	}
	versions, err := c.rowVersions(ctx, c.Read, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		h := c.head(id)
		f := Finding{Kind: Behind, Table: c.name, Key: id, Column: "version", Log: strconv.FormatInt(h.Version, 10), Row: "no row"}
		version, ok := versions[id]
		if ok {
			f.Row = strconv.FormatInt(version, 10)
		}
		switch {
		case blocked[c.stream(id)]:
			f.Row += " (waits behind a dead letter)"
		case passed && version < h.Audited:
			f.Kind = Differs
		}
		c.report.add(f)
	}
	return nil
}

// matchVersion brings a stream's state to the version of its row, if the row is ahead of what was read of the log. It reports whether the
// two can be compared now, or whether the row is behind.
func (c *comparison) matchVersion(ctx context.Context, id string, version int64) (same, behind bool, err error) {
	c.seen[id] = true
	h := c.head(id)
	if h != nil && h.Broken {
		return false, false, nil
	}
	if h == nil || h.Version < version {
		reached, err := c.expected.log.CatchUp(ctx, c.Events, c.stream(id), version)
		if err != nil {
			return false, false, err
		}
		h = c.head(id)
		if !reached {
			c.report.add(Finding{
				Kind: Differs, Table: c.name, Key: id, Column: "version", Log: formatVersion(h), Row: strconv.FormatInt(version, 10),
			})
			return false, false, nil
		}
	}
	return h.Version == version && !h.Broken, h.Version > version && !h.Broken, nil
}

func formatVersion(h *audit.Head) string {
	if h == nil || h.Version == 0 {
		return "no stream"
	}
	return strconv.FormatInt(h.Version, 10)
}

// snapshot reads what belongs together at one moment, with times in UTC.
func (c *comparison) snapshot(ctx context.Context, read func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, c.Read, options, func(tx pgx.Tx) error { //nolint:wrapcheck // read's errors say what was read
		if _, err := tx.Exec(ctx, `SET LOCAL timezone = 'UTC'`); err != nil {
			return fmt.Errorf("set the time zone: %w", err)
		}
		return read(tx)
	})
}
