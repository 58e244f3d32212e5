package query

import (
	"errors"
	"fmt"
	"slices"
)

const (
	defaultPage = 20
	maxPage     = 100 // an answer of a hundred is what a page of a screen needs; more is another page
)

// PageArgs are the arguments of a connection. First or Last bounds the page, and is 100 at most; without either it has the first 20.
// After and Before are cursors of an earlier page.
type PageArgs struct {
	First, Last   *int
	After, Before *string
	// Reversed turns the list around. Cursors are the same in both directions.
	Reversed bool
}

// Size returns how many elements the page has at most.
func (a PageArgs) Size() int {
	switch {
	case a.First != nil:
		return *a.First
	case a.Last != nil:
		return *a.Last
	}
	return defaultPage
}

// Page is a part of a list. Cursors[i] is the cursor of Items[i].
type Page[T any] struct {
	Items   []T
	Cursors []string
	Info    PageInfo
}

// PageInfo describes what is around a page, as Relay's connections do. The cursors of an empty page are nil.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// window is the part of a list to read: at most limit rows strictly between two keys, from the first one or, if backward, from the last.
type window[K any] struct {
	after, before K
	limit         int
	backward      bool
	reversed      bool // the page is turned around
	hasAfter      bool
	hasBefore     bool
}

// rowLimit returns how many rows to read: one more than the page has, which tells whether there is another page.
func (w window[K]) rowLimit() int32 { return int32(w.limit) + 1 } //nolint:gosec // at most maxPage

// parseWindow parses the arguments of a list whose keys are strictly between first and last.
func parseWindow[K any](args PageArgs, first, last K, parse func(cursor string) (K, error)) (window[K], error) {
	w := window[K]{after: first, before: last, limit: defaultPage, reversed: args.Reversed}
	afterName, beforeName := "after", "before"
	if args.Reversed {
		args.First, args.Last, args.After, args.Before = args.Last, args.First, args.Before, args.After
		afterName, beforeName = beforeName, afterName
		w.backward = args.First == nil
	}
	switch {
	case args.First != nil && args.Last != nil:
		return w, &CursorError{Message: "first and last can't be used together"}
	case args.First != nil:
		w.limit = *args.First
	case args.Last != nil:
		w.limit, w.backward = *args.Last, true
	}
	if w.limit < 0 {
		return w, &CursorError{Message: "first and last can't be negative"}
	}
	if w.limit > maxPage {
		return w, &CursorError{Message: fmt.Sprintf("first and last can be %d at most", maxPage)}
	}

	var err error
	if args.After != nil {
		if w.after, err = parse(*args.After); err != nil {
			return w, nameArgument(afterName, err)
		}
		w.hasAfter = true
	}
	if args.Before != nil {
		if w.before, err = parse(*args.Before); err != nil {
			return w, nameArgument(beforeName, err)
		}
		w.hasBefore = true
	}
	return w, nil
}

func nameArgument(name string, err error) error {
	if wrong, ok := errors.AsType[*CursorError](err); ok {
		return &CursorError{Message: name + " " + wrong.Message}
	}
	return err
}

// cutPage makes a page of the rows that were read for a window, in the order of reading.
func cutPage[K, T any](w window[K], read []T, cursor func(T) string) Page[T] {
	more := len(read) > w.limit
	if more {
		read = read[:w.limit]
	}
	p := Page[T]{Items: read, Cursors: make([]string, len(read))}
	if w.backward != w.reversed {
		slices.Reverse(p.Items)
	}
	if w.backward {
		p.Info.HasPreviousPage, p.Info.HasNextPage = more, w.hasBefore
	} else {
		p.Info.HasNextPage, p.Info.HasPreviousPage = more, w.hasAfter
	}
	if w.reversed {
		p.Info.HasPreviousPage, p.Info.HasNextPage = p.Info.HasNextPage, p.Info.HasPreviousPage
	}
	for i, item := range p.Items {
		p.Cursors[i] = cursor(item)
	}
	if n := len(p.Cursors); n > 0 {
		p.Info.StartCursor, p.Info.EndCursor = &p.Cursors[0], &p.Cursors[n-1]
	}
	return p
}

// cutPages makes a page for each owner of the rows that were read for the same window of several lists, each in the order of reading.
func cutPages[K, T any](w window[K], owners []string, read []T, owner, cursor func(T) string) map[string]Page[T] {
	lists := make(map[string][]T, len(owners))
	for _, item := range read {
		lists[owner(item)] = append(lists[owner(item)], item)
	}
	pages := make(map[string]Page[T], len(owners))
	for _, id := range owners {
		pages[id] = cutPage(w, lists[id], cursor)
	}
	return pages
}
