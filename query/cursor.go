package query

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// CursorError says that the arguments of a page are invalid: a cursor of another list, or arguments that exclude each other. Its message
// is for the client.
type CursorError struct{ Message string }

func (e *CursorError) Error() string { return e.Message }

// list names the list that a cursor belongs to, so that a cursor of another one is refused.
type list string

const (
	eventList       list = "event"
	reservationList list = "reservation"
	paymentList     list = "payment"
	seatList        list = "seat"
	versionList     list = "version"
	sectionList     list = "section"
	customerList    list = "customer"
	spendingList    list = "spending"
	historyList     list = "history"
)

// instant is the key of lists that show the newest first. The id orders items of the same microsecond.
type instant struct {
	at time.Time
	id string
}

// Every key is strictly between these two. A list begins at the newest, near afterAll.
var (
	afterAll  = instant{at: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}
	beforeAll = instant{at: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}
)

func (l list) instantCursor(at time.Time, id string) string {
	return l.encodeCursor(strconv.FormatInt(at.UnixMicro(), 10), id)
}

func (l list) parseInstant(cursor string) (instant, error) {
	micros, id, ok := l.decodeCursor(cursor)
	if !ok || id == "" {
		return instant{}, newMalformedCursor()
	}
	at := time.UnixMicro(micros).UTC()
	if at.Before(beforeAll.at) || at.After(afterAll.at) {
		return instant{}, newMalformedCursor()
	}
	return instant{at: at, id: id}, nil
}

func (l list) ordinalCursor(ordinal int) string { return l.encodeCursor(strconv.Itoa(ordinal), "") }

func (l list) parseOrdinal(cursor string) (int32, error) {
	ordinal, rest, ok := l.decodeCursor(cursor)
	if !ok || rest != "" || ordinal < 0 || ordinal > math.MaxInt32 {
		return 0, newMalformedCursor()
	}
	return int32(ordinal), nil
}

func (l list) encodeCursor(number, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(l) + ":" + number + ":" + id))
}

func (l list) decodeCursor(cursor string) (number int64, id string, ok bool) {
	const longest = 1_200 // valid cursors are shorter, one of a list by names too; a client may send megabytes
	if len(cursor) > longest {
		return 0, "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, "", false
	}
	parts := strings.SplitN(string(raw), ":", 3)
	if len(parts) != 3 || parts[0] != string(l) || strings.ContainsRune(parts[2], 0) || !utf8.ValidString(parts[2]) {
		return 0, "", false
	}
	number, err = strconv.ParseInt(parts[1], 10, 64)
	return number, parts[2], err == nil
}

func newMalformedCursor() error {
	return &CursorError{Message: "is not a cursor of this list in this order"}
}
