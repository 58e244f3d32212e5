package simulation

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// statement is one that the core sends, as the simulated PostgreSQL knows it: it is recognized by its whole text, and does what that text means.
// TestStatementsAreAsPostgreSQLHasThem compares its types with PostgreSQL's.
type statement struct {
	sql     string
	params  []uint32
	columns []column
	run     func(x *execution) ([][]any, error) // nil: it begins or ends a transaction
}

type column struct {
	name string
	oid  uint32
}

// normal returns a statement's text in one line.
func normal(sql string) string { return strings.Join(strings.Fields(sql), " ") }

var named = regexp.MustCompile(`^-- name: (\w+) :`)

// riverText returns the name that River gives to a statement, and a sum of its text.
func riverText(sql string) string {
	name := named.FindStringSubmatch(sql)
	if name == nil {
		return ""
	}
	return fmt.Sprintf("%s %08x", name[1], crc32.ChecksumIEEE([]byte(normal(sql))))
}

// execution is one run of a statement.
type execution struct {
	*session

	message  message
	params   []uint32
	affected int
}

// arg returns an argument of a statement.
func arg[T any](x *execution, i int) (value T) {
	err := x.db.world.types.Scan(x.params[i-1], formatOf(x.message.formats, i-1), x.message.params[i-1], &value)
	if err != nil {
		panic(fmt.Sprintf("argument %d: %v", i, err))
	}
	return value
}

// lock takes a row's lock, or an advisory one.
func (x *execution) lock(key string) error { return x.db.acquire(key, claim{session: x.session}) }

func (x *execution) now() time.Time { return x.db.now() }

// run runs a statement in the session's transaction, and returns its rows as they are sent.
func (s *session) run(st *statement, m message) (rows [][][]byte, tag string, err error) {
	if s.tx != nil && s.tx.failed {
		return nil, "", errFailed
	}
	s.beginTransaction()
	x := &execution{session: s, message: m, params: st.params}
	changes := len(s.tx.changes)
	values, err := st.run(x)
	if err != nil {
		s.tx.changes, s.tx.prepared = s.tx.changes[:changes], nil
		return nil, "", err
	}
	for _, row := range values {
		encoded, err := s.db.world.encodeRow(st.columns, m.results, row)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, encoded)
	}
	return rows, tagOf(st.sql, len(rows), x.affected), nil
}

func tagOf(sql string, rows, affected int) string {
	for _, verb := range []string{"UPDATE", "DELETE"} {
		if strings.HasPrefix(sql, verb) {
			return fmt.Sprintf("%s %d", verb, affected)
		}
	}
	if strings.HasPrefix(sql, "INSERT") || strings.Contains(sql, ") INSERT") {
		return fmt.Sprintf("INSERT 0 %d", affected)
	}
	return fmt.Sprintf("SELECT %d", max(rows, affected))
}

func (w *world) encodeRow(columns []column, formats []int16, row []any) ([][]byte, error) {
	encoded := make([][]byte, len(row))
	for i, value := range row {
		if value == nil || columns[i].oid == voidOID {
			continue
		}
		data, err := w.types.Encode(columns[i].oid, formatOf(formats, i), value, make([]byte, 0, 16)) // nil would be NULL
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[i].name, err)
		}
		encoded[i] = data
	}
	return encoded, nil
}

// firstOwn is the first number that PostgreSQL gives to a type of a database's own.
const firstOwn = 16384

// Types that statements use.
const (
	boolean      = uint32(pgtype.BoolOID)
	smallint     = uint32(pgtype.Int2OID)
	integer      = uint32(pgtype.Int4OID)
	bigint       = uint32(pgtype.Int8OID)
	text         = uint32(pgtype.TextOID)
	bytea        = uint32(pgtype.ByteaOID)
	jsonOID      = uint32(pgtype.JSONOID)
	uuidOID      = uint32(pgtype.UUIDOID)
	timestamptz  = uint32(pgtype.TimestamptzOID)
	interval     = uint32(pgtype.IntervalOID)
	oidOID       = uint32(pgtype.OIDOID)
	integers     = uint32(pgtype.Int4ArrayOID)
	bigints      = uint32(pgtype.Int8ArrayOID)
	smallints    = uint32(pgtype.Int2ArrayOID)
	texts        = uint32(pgtype.TextArrayOID)
	byteas       = uint32(pgtype.ByteaArrayOID)
	float        = uint32(pgtype.Float8OID)
	bit          = uint32(pgtype.BitOID)
	jsonbOID     = uint32(pgtype.JSONBOID)
	jsonbs       = uint32(pgtype.JSONBArrayOID)
	booleans     = uint32(pgtype.BoolArrayOID)
	varchars     = uint32(pgtype.VarcharArrayOID)
	timestamptzs = uint32(pgtype.TimestamptzArrayOID)
	jobState     = uint32(firstOwn) // a type of River's, which has another number in each database
	voidOID      = uint32(2278)
)
