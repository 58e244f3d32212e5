package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"

	"ticketing/projector/projection"
	"ticketing/projector/sales"
)

// How PostgreSQL turns a row into JSON.
const (
	wholeRow        = `to_jsonb(t)`
	eventExpression = `to_jsonb(t) || jsonb_build_object('search',
		(SELECT coalesce(jsonb_agg(w ORDER BY w COLLATE "C"), '[]') FROM unnest(tsvector_to_array(t.search)) w))`
)

// rowComparison compares rows of a table whose key is id.
type rowComparison[R any] struct {
	expect     func(id string) (R, error)
	expression string             // the row as JSON
	normalize  func(row *R) error // removes what the log does not say. nil: it says everything.
}

func (t rowComparison[R]) compareRows(ctx context.Context, c *comparison, ids []string) (behind []string, err error) {
	err = c.snapshot(ctx, func(tx pgx.Tx) error {
		var id string
		var version int64
		var row []byte
		rows := query{
			c.name, `SELECT id, version, ` + t.expression + ` FROM ` + pgx.Identifier{c.name}.Sanitize() + ` t
				WHERE id = ANY ($1) AND version > 0 ORDER BY id`, []any{ids}, []any{&id, &version, &row},
		}
		return eachRow(ctx, tx, rows, func() error {
			same, late, err := c.matchVersion(ctx, id, version)
			if late {
				behind = append(behind, id)
			}
			if err != nil || !same {
				return err
			}
			want, err := t.expect(id)
			if err != nil {
				return fmt.Errorf("compute row %s: %w", id, err)
			}
			return compareRow(c.report, c.name, id, want, row, t.normalize)
		})
	})
	return behind, err
}

// withoutRefunds removes how often the row was written and what refunds took from its sections.
func withoutRefunds(row *sales.ReservationRow) error {
	var sections []sales.Section
	if err := json.Unmarshal(row.Sections, &sections); err != nil {
		return fmt.Errorf("decode sections: %w", err)
	}
	for i := range sections {
		sections[i].Refunded = 0
	}
	row.Revision = 0
	var err error
	row.Sections, err = projection.JSON(sections)
	return err
}

// compareRow compares all columns of a row with what PostgreSQL has of it, also columns that only one side has.
func compareRow[R any](report *Report, table, key string, want R, inTable []byte, normalize func(*R) error) error {
	report.Rows[table]++
	var got R
	if err := json.Unmarshal(inTable, &got); err != nil {
		return fmt.Errorf("decode %s %s: %w", table, key, err)
	}
	if normalize != nil {
		if err := normalize(&got); err != nil {
			return fmt.Errorf("decode %s %s: %w", table, key, err)
		}
	}
	wanted, err := columnsOf(want)
	if err != nil {
		return err
	}
	found, err := columnsOf(got)
	if err != nil {
		return err
	}
	columns := map[string]json.RawMessage{} // of the table
	if err := json.Unmarshal(inTable, &columns); err != nil {
		return fmt.Errorf("decode %s %s: %w", table, key, err)
	}
	for _, name := range sortedKeys(wanted) {
		f := Finding{Kind: Differs, Table: table, Key: key, Column: name, Log: string(wanted[name]), Row: string(found[name])}
		if _, ok := columns[name]; !ok {
			f.Row = "no column"
		} else if equalJSON(wanted[name], found[name]) {
			continue
		}
		report.add(f)
	}
	for _, name := range sortedKeys(columns) {
		if _, ok := wanted[name]; !ok {
			report.add(Finding{Kind: Differs, Table: table, Key: key, Column: name, Log: "no such column", Row: string(columns[name])})
		}
	}
	return nil
}

func columnsOf(row any) (columns map[string]json.RawMessage, err error) {
	data, err := projection.JSON(row)
	if err == nil {
		err = json.Unmarshal(data, &columns)
	}
	return columns, err
}

// equalJSON reports whether two JSON values mean the same.
func equalJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	left, errLeft := decodeJSON(a)
	right, errRight := decodeJSON(b)
	return errLeft == nil && errRight == nil && reflect.DeepEqual(left, right)
}

func decodeJSON(data json.RawMessage) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}
