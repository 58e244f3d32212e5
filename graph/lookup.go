package graph

import (
	"context"
	"errors"

	"ticketing/graph/apierror"
	"ticketing/graph/live"
	"ticketing/graph/loader"
	"ticketing/internal/id"
)

// lookup reads one kind of object by id.
type lookup[T any] struct {
	prefix string // of its ids
	loader *loader.Loader[T]
	feed   *live.Feed[T]
	check  func(T) error // says why the viewer may not see the object
}

// find returns the object, or nil when there is none. With a version it waits for the announcement of that version, without polling. A
// viewer who may not see the object waits for nothing, and so does not learn its version.
func (l lookup[T]) find(ctx context.Context, objectID string, minVersion *int) (*T, error) {
	if err := checkID(l.prefix, objectID); err != nil {
		return nil, err
	}
	value, err := l.loader.Load(ctx, objectID)
	if err == nil && value != nil {
		err = l.check(*value)
	}
	if err != nil {
		return nil, err
	}
	if minVersion == nil {
		return value, nil
	}
	wanted := int64(*minVersion)
	if wanted < 0 {
		return nil, apierror.New(apierror.BadUserInput, "minVersion can't be negative")
	}
	if wanted == 0 || (value != nil && l.feed.Version(*value) >= wanted) {
		return value, nil
	}
	return l.waitForVersion(ctx, objectID, wanted)
}

func (l lookup[T]) waitForVersion(ctx context.Context, objectID string, version int64) (*T, error) {
	watch := l.feed.Watch(objectID)
	defer watch.Close()
	newer, err := watch.AtLeast(ctx, version)
	if errors.Is(err, live.ErrNotThere) {
		return nil, apierror.New(apierror.ReadBehind, "version %d is not known here yet; try again", version)
	}
	if err != nil {
		return nil, err
	}
	return &newer, l.check(newer)
}

// stream sends the object's state now, and then each newer one. It waits a moment for an object that was just made.
func (l lookup[T]) stream(ctx context.Context, objectID string) (<-chan *T, error) {
	if err := checkID(l.prefix, objectID); err != nil {
		return nil, err
	}
	watch := l.feed.Watch(objectID)
	first, err := watch.AtLeast(ctx, 0)
	if errors.Is(err, live.ErrNotThere) {
		err = errNotFound
	}
	if err == nil {
		err = l.check(first)
	}
	if err != nil {
		watch.Close()
		return nil, err
	}
	return watch.Stream(ctx, first), nil
}

// checkID returns BAD_USER_INPUT unless value has the form of such an id.
func checkID(prefix, value string) error {
	if err := id.Check(prefix, value); err != nil {
		return apierror.New(apierror.BadUserInput, "%s", err)
	}
	return nil
}

// checkIDs checks optional ids of one kind.
func checkIDs(prefix string, values ...*string) error {
	for _, value := range values {
		if value != nil {
			if err := checkID(prefix, *value); err != nil {
				return err
			}
		}
	}
	return nil
}
