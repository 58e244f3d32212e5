package query

import "slices"

const (
	defaultPage = 20
	maxPage     = 100
)

// PageArgs are the arguments of a connection. First or Last bounds the page (neither: the first 20; at most 100 are answered
// however many are asked for), After and Before are cursors that a page answered.
type PageArgs struct {
	First, Last   *int
	After, Before *string
}

// Page is a part of a list. Cursors[i] is the cursor of Items[i].
type Page[T any] struct {
	Items   []T
	Cursors []string
	Info    PageInfo
}

// PageInfo says what is around a page, as Relay's connections do. Cursors are nil when the page is empty.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// window is a page to read: limit rows at most strictly between two keys, from its beginning or, backward, from its end.
type window[K any] struct {
	after, before K
	limit         int
	backward      bool
	hasAfter      bool
	hasBefore     bool
}

// rows is how many rows to ask for: one more than wanted tells whether there is another page.
func (w window[K]) rows() int32 { return int32(w.limit) + 1 } //nolint:gosec // at most maxPage

// parseWindow reads args for a list whose keys lie strictly between first and last.
func parseWindow[K any](args PageArgs, first, last K, parse func(cursor string) (K, error)) (window[K], error) {
	w := window[K]{after: first, before: last, limit: defaultPage}
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
	w.limit = min(w.limit, maxPage)

	var err error
	if args.After != nil {
		if w.after, err = parse(*args.After); err != nil {
			return w, err
		}
		w.hasAfter = true
	}
	if args.Before != nil {
		if w.before, err = parse(*args.Before); err != nil {
			return w, err
		}
		w.hasBefore = true
	}
	return w, nil
}

// page cuts what was read for a window (in the order of reading, one row too many when there are more) to the page.
func page[K, T any](w window[K], read []T, cursor func(T) string) Page[T] {
	more := len(read) > w.limit
	if more {
		read = read[:w.limit]
	}
	p := Page[T]{Items: read, Cursors: make([]string, len(read))}
	if w.backward {
		slices.Reverse(p.Items)
		p.Info.HasPreviousPage, p.Info.HasNextPage = more, w.hasBefore
	} else {
		p.Info.HasNextPage, p.Info.HasPreviousPage = more, w.hasAfter
	}
	for i, item := range p.Items {
		p.Cursors[i] = cursor(item)
	}
	if n := len(p.Cursors); n > 0 {
		p.Info.StartCursor, p.Info.EndCursor = &p.Cursors[0], &p.Cursors[n-1]
	}
	return p
}

// pagesOf cuts what was read for the same window of several lists, each in the order of reading, to a page of each.
func pagesOf[K, T any](w window[K], owners []string, read []T, owner, cursor func(T) string) map[string]Page[T] {
	lists := make(map[string][]T, len(owners))
	for _, item := range read {
		lists[owner(item)] = append(lists[owner(item)], item)
	}
	pages := make(map[string]Page[T], len(owners))
	for _, id := range owners {
		pages[id] = page(w, lists[id], cursor)
	}
	return pages
}
