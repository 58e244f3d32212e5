package query

import (
	"context"
	"math"
	"strconv"
)

// Window is the part of a list ordered by versions that a page reads: at most Rows rows strictly between two versions, from the last one if
// Backward.
type Window struct {
	After, Before int64
	Rows          int
	Backward      bool
}

// VersionPage returns a page of a list that is ordered by versions, the lowest first. read reads the rows of a window from wherever they
// are, in the order of reading.
func VersionPage[T any](ctx context.Context, args PageArgs, read func(context.Context, Window) ([]T, error), version func(T) int64) (Page[T], error) {
	w, err := parseWindow(args, 0, math.MaxInt64, versionList.parseVersion)
	if err != nil {
		return Page[T]{}, err
	}
	rows, err := read(ctx, Window{After: w.after, Before: w.before, Rows: int(w.rowLimit()), Backward: w.backward})
	if err != nil {
		return Page[T]{}, err
	}
	return cutPage(w, rows, func(item T) string { return versionList.encodeCursor(strconv.FormatInt(version(item), 10), "") }), nil
}

func (l list) parseVersion(cursor string) (int64, error) {
	version, rest, ok := l.decodeCursor(cursor)
	if !ok || rest != "" || version < 0 {
		return 0, newMalformedCursor()
	}
	return version, nil
}
