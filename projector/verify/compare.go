package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
	"ticketing/projector/projection"
)

// rowPage is how many rows are read at once.
const rowPage = 2_000

// comparison is the comparison of one table.
type comparison struct {
	*run
	table

	seen map[string]bool // ids of the rows that are there
}

func (r *run) comparisonOf(t table) *comparison {
	return &comparison{run: r, table: t, seen: map[string]bool{}}
}

// compareTable compares the rows of the streams that are in memory, in pages and without a long transaction. Rows that are behind are
// compared once more: the projection may just have written them.
func (c *comparison) compareTable(ctx context.Context) error {
	behind, err := c.comparePages(ctx, c.ids())
	if err == nil && len(behind) > 0 {
		behind, err = c.comparePages(ctx, behind)
	}
	if err != nil {
		return err
	}
	return c.reportBehind(ctx, behind)
}

// comparePages returns the rows that are behind or missing.
func (c *comparison) comparePages(ctx context.Context, ids []string) (behind []string, err error) {
	clear(c.seen)
	for page := range slices.Chunk(ids, rowPage) {
		late, err := c.compareRows(ctx, c, page)
		if err != nil {
			return nil, err
		}
		behind = append(behind, late...)
	}
	for _, id := range ids {
		if h := c.head(id); !c.seen[id] && !h.Broken && h.Version > 0 {
			behind = append(behind, id)
		}
	}
	return distinct(behind), nil
}

// findStrangers reports rows whose streams are not in the log.
func (c *comparison) findStrangers(ctx context.Context) error {
	key, name := pgx.Identifier{c.key}.Sanitize(), pgx.Identifier{c.name}.Sanitize()
	for after := ""; ; {
		ids, err := readIDs(ctx, c.Read, c.name, `SELECT `+key+` FROM `+name+` WHERE `+key+` > $1 AND version > 0 ORDER BY 1 LIMIT $2`, after, rowPage)
		if err != nil || len(ids) == 0 {
			return err
		}
		existing, err := eventstore.ExistingStreams(ctx, c.Events, projection.Column(ids, c.stream))
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
		ids = slices.DeleteFunc(ids, func(id string) bool { return existing[c.stream(id)] })
		versions, err := c.rowVersions(ctx, c.Read, ids)
		if err != nil {
			return err
		}
		for _, id := range sortedKeys(versions) {
			c.report.add(Finding{
				Kind: Differs, Table: c.name, Key: id, Column: "version", Log: formatVersion(nil), Row: strconv.FormatInt(versions[id], 10),
			})
		}
	}
}

// reportBehind reports rows that have not reached the log's version. They may still do so, unless the projection has passed it.
func (c *comparison) reportBehind(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	blocked, err := c.blockedStreams(ctx) // before the versions: what is blocked no longer is not behind any more
	if err != nil {
		return err
	}
	versions, err := c.rowVersions(ctx, c.Read, ids)
	if err != nil {
		return err
	}
	passed := c.lags[c.projection.Name()].passed
	for _, id := range ids {
		h := c.head(id)
		f := Finding{Kind: Behind, Table: c.name, Key: id, Column: "version", Log: strconv.FormatInt(h.Version, 10), Row: "no row"}
		version, ok := versions[id]
		if ok {
			f.Row = strconv.FormatInt(version, 10)
		}
		switch reason := blocked[c.stream(id)]; {
		case reason != "":
			f.Row += " (" + reason + ")"
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
func (r *run) snapshot(ctx context.Context, read func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, r.Read, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL timezone = 'UTC'`); err != nil {
			return fmt.Errorf("set the time zone: %w", err)
		}
		return read(tx)
	})
}
