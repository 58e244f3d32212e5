package query

import (
	"context"
	"math"
	"strconv"
)

// Window is what a page reads of a list that is ordered by versions: Rows rows at most strictly between two of them, from the end when
// Backward.
type Window struct {
	After, Before int64
	Rows          int
	Backward      bool
}

// VersionPage answers a page of a list that is ordered by versions, the lowest first, wherever it is read from. read answers the rows of a
// window in the order of reading.
func VersionPage[T any](ctx context.Context, args PageArgs, read func(context.Context, Window) ([]T, error), version func(T) int64) (Page[T], error) {
	w, err := parseWindow(args, 0, math.MaxInt64, versionList.parseVersion)
	if err != nil {
		return Page[T]{}, err
	}
	rows, err := read(ctx, Window{After: w.after, Before: w.before, Rows: int(w.rows()), Backward: w.backward})
	if err != nil {
		return Page[T]{}, err
	}
	return page(w, rows, func(item T) string { return versionList.encode(strconv.FormatInt(version(item), 10), "") }), nil
}

func (l list) parseVersion(cursor string) (int64, error) {
	version, rest, ok := l.decode(cursor)
	if !ok || rest != "" || version < 0 {
		return 0, malformed()
	}
	return version, nil
}
