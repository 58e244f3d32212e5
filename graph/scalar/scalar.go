// Package scalar reads and writes the API's own scalars. It is strict: a value that does not have exactly the form is an error.
package scalar

import (
	"errors"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/graph/plain"
)

// ErrTime, errDate and ErrDecimal describe the form that a value must have. Clients see their texts.
var (
	errDate    = errors.New(`must be a day of UTC, such as "2026-12-31"`)
	ErrTime    = errors.New(`must be a moment in UTC as RFC 3339 text, such as "2026-12-31T20:00:00Z"`)
	ErrDecimal = errors.New(`must be an exact decimal number as a string, such as "150.00"`)
)

// MarshalTime writes a moment as RFC 3339 in UTC, with the microseconds that the databases keep.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendTime(nil, t)) })
}

// AppendTime appends what MarshalTime writes.
func AppendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().Truncate(time.Microsecond).AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// UnmarshalTime reads a moment of RFC 3339 in UTC; other offsets are refused.
func UnmarshalTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, ErrTime
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, ErrTime
	}
	if _, offset := t.Zone(); offset != 0 || t.Year() < 1 {
		return time.Time{}, ErrTime
	}
	return t.UTC(), nil
}

// MarshalDate writes a day of UTC.
func MarshalDate(day time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendDate(nil, day)) })
}

// AppendDate appends what MarshalDate writes.
func AppendDate(b []byte, day time.Time) []byte {
	return append(day.UTC().AppendFormat(append(b, '"'), time.DateOnly), '"')
}

// UnmarshalDate reads a day of UTC: its first moment.
func UnmarshalDate(v any) (time.Time, error) {
	text, _ := v.(string)
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 1 {
		return time.Time{}, errDate
	}
	return day, nil
}

// MarshalDecimal writes a decimal number as a string.
func MarshalDecimal(decimal string) graphql.Marshaler { return graphql.MarshalString(decimal) }

// AppendDecimal appends what MarshalDecimal writes.
func AppendDecimal(b []byte, decimal string) []byte { return plain.AppendString(b, decimal) }

// UnmarshalDecimal reads a decimal number, which must be a string. money.Parse checks whether it is an amount of its currency.
func UnmarshalDecimal(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", ErrDecimal
	}
	return text, nil
}
