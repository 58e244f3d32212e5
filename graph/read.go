package graph

import (
	"context"
	"errors"

	"ticketing/graph/apierror"
	"ticketing/graph/live"
	"ticketing/internal/id"
)

// read answers one object by its id, and nil for what is not there. With a version it waits for the announcement of that version, not in
// a loop of queries. Who may not see the object waits for nothing, and so does not learn its version.
func read[T any](ctx context.Context, prefix, objectID string, minVersion *int, l *loader[T], feed *live.Feed[T], may func(T) error) (*T, error) {
	if err := checkID(prefix, objectID); err != nil {
		return nil, err
	}
	value, err := l.load(ctx, objectID)
	if err == nil && value != nil {
		err = may(*value)
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
	if wanted == 0 || (value != nil && feed.Version(*value) >= wanted) {
		return value, nil
	}
	watch := feed.Watch(objectID)
	defer watch.Close()
	newer, err := watch.AtLeast(ctx, wanted)
	if errors.Is(err, live.ErrNotThere) {
		return nil, apierror.New(apierror.ReadBehind, "version %d is not known here yet; try again", wanted)
	}
	if err != nil {
		return nil, err
	}
	return &newer, may(newer)
}

// checkID answers BAD_USER_INPUT for what is no id of the type.
func checkID(prefix, value string) error {
	if err := id.Check(prefix, value); err != nil {
		return apierror.New(apierror.BadUserInput, "%s", err)
	}
	return nil
}
