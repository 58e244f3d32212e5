package engine

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// column is an array parameter in PostgreSQL's binary format, built row by row: encoding slices of strings would copy everything twice more.
type column struct {
	element uint32 // OID of its elements' type
	rows    uint32
	data    []byte // a header, then each element behind its length
}

const columnHeader = 5 * 4

func newColumn(element uint32) column {
	return column{element: element, data: make([]byte, columnHeader)}
}

func (c *column) addText(s string) {
	c.beginElement(len(s))
	c.data = append(c.data, s...)
}

func (c *column) addBytes(b []byte) {
	c.beginElement(len(b))
	c.data = append(c.data, b...)
}

func (c *column) addInt64(n int64) {
	c.beginElement(8)
	c.data = binary.BigEndian.AppendUint64(c.data, uint64(n)) //nolint:gosec // two's complement, as PostgreSQL has it
}

func (c *column) addInt16(n int16) {
	c.beginElement(2)
	c.data = binary.BigEndian.AppendUint16(c.data, uint16(n)) //nolint:gosec // two's complement, as PostgreSQL has it
}

// beginElement begins an element with this many bytes.
func (c *column) beginElement(length int) {
	c.rows++
	c.data = binary.BigEndian.AppendUint32(c.data, uint32(length)) //nolint:gosec // a part of one command
}

// param returns the array, valid until the next row or clear.
func (c *column) param() []byte {
	header := c.data[:0:columnHeader]
	for _, field := range [...]uint32{1, 0, c.element, c.rows, 1} { // dimensions, nulls, type, length, lower bound
		header = binary.BigEndian.AppendUint32(header, field)
	}
	return c.data
}

// clear keeps the memory for the next rows.
func (c *column) clear() { c.rows, c.data = 0, c.data[:columnHeader] }

// The element types of the append's arrays.
const (
	textColumn  = pgtype.TextOID
	bytesColumn = pgtype.ByteaOID
	int64Column = pgtype.Int8OID
	int16Column = pgtype.Int2OID
)
