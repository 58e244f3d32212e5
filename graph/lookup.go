package graph

import (
	"context"
	"errors"
	"math"

	"ticketing/command/eventstore"
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

// find returns the object, or nil when there is none. What the log has is never missing because the read side is behind: it is waited for,
// and so is a version, by its announcement and without polling. A viewer who may not see the object waits for nothing, and so does not
// learn its version.
func (l lookup[T]) find(ctx context.Context, objectID string, minVersion *int) (*T, error) {
	if err := checkID(l.prefix, objectID); err != nil {
		return nil, err
	}
	wanted, err := parseMinVersion(minVersion)
	if err != nil {
		return nil, err
	}
	value, err := l.loader.Load(ctx, objectID)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return l.findInLog(ctx, objectID, max(wanted, 1))
	}
	if err := l.check(*value); err != nil || wanted == 0 || l.feed.Version(*value) >= wanted {
		return value, err
	}
	return l.waitForVersion(ctx, objectID, wanted)
}

func parseMinVersion(minVersion *int) (int64, error) {
	if minVersion == nil {
		return 0, nil
	}
	if *minVersion < 0 {
		return 0, apierror.New(apierror.BadUserInput, "minVersion can't be negative")
	}
	return int64(*minVersion), nil
}

// findInLog waits for an object that the read side does not know, if the log has it. It returns nil when the log does not.
func (l lookup[T]) findInLog(ctx context.Context, objectID string, wanted int64) (*T, error) {
	stream, err := auditStream(objectID, "")
	if err != nil {
		return nil, err
	}
	logged, err := loadersOf(ctx).loggedVersion(ctx, stream)
	if err != nil || logged == 0 {
		return nil, err
	}
	return l.waitForVersion(ctx, objectID, wanted)
}

// waitForVersion returns READ_BEHIND when the read side does not have the version in time.
func (l lookup[T]) waitForVersion(ctx context.Context, objectID string, version int64) (*T, error) {
	watch := l.feed.Watch(objectID)
	defer watch.Close()
	newer, err := watch.AtLeast(ctx, version)
	if errors.Is(err, live.ErrNotThere) {
		return nil, errReadBehind(version)
	}
	if err != nil {
		return nil, err
	}
	return &newer, l.check(newer)
}

func errReadBehind(version int64) error {
	return apierror.New(apierror.ReadBehind, "version %d is not known here yet; try again", version)
}

// loggedVersion returns the version of the last domain event of a stream, 0 when the log has none.
func (r *Resolver) loggedVersion(ctx context.Context, stream string) (int64, error) {
	last, err := r.log.Range(ctx, stream, eventstore.Range{Before: math.MaxInt64, Limit: 1, Backward: true})
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].Version, nil
}

// stream sends the object's state now, and then each newer one. It waits a moment for an object that was just made.
func (l lookup[T]) stream(ctx context.Context, objectID string) (<-chan *T, error) {
	if err := checkID(l.prefix, objectID); err != nil {
		return nil, err
	}
	watch := l.feed.Watch(objectID)
	first, err := watch.AtLeast(ctx, 0)
	if errors.Is(err, live.ErrNotThere) {
		err = errMissing(ctx, objectID)
	}
	if err == nil {
		err = l.check(first)
	}
	if err != nil {
		watch.Close()
		return nil, err
	}
	states, offered := watch.Stream(ctx, first)
	subscriptionOf(ctx).follow(watch.Again, offered)
	return states, nil
}

// errMissing returns why the read side does not know an object: the log does not have it either, or the read side is behind.
func errMissing(ctx context.Context, objectID string) error {
	stream, err := auditStream(objectID, "")
	if err != nil {
		return err
	}
	logged, err := loadersOf(ctx).loggedVersion(ctx, stream)
	switch {
	case err != nil:
		return err
	case logged == 0:
		return errNotFound
	}
	return errReadBehind(logged)
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
