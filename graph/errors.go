package graph

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/graph/scalar"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

var (
	errSignIn    = apierror.New(apierror.Unauthenticated, "sign in first")
	errForbidden = apierror.New(apierror.Forbidden, "you may not see this")
	errNotFound  = apierror.New(apierror.NotFound, "there is nothing with this id")
)

// userErrors returns what a payload tells the customer about err, or err itself when the customer can't correct it.
func userErrors(ctx context.Context, err error) ([]*model.UserError, error) {
	rejected, ok := rejection.As(err)
	if !ok || rejected.Code == rejection.Forbidden {
		return nil, err
	}
	errs := []*model.UserError{userError(rejected)}
	request.NoteRejection(ctx, errs[0].Code)
	loadersOf(ctx).metrics.countErrors(errs)
	return errs, nil
}

func userError(rejected *rejection.Error) *model.UserError {
	return &model.UserError{Code: string(rejected.Code), Message: rejected.Message, Field: rejected.Field}
}

// publicError returns err as clients see it. It lists every error that clients can tell apart from INTERNAL.
func publicError(err error) *apierror.Error {
	if apiErr, ok := errors.AsType[*apierror.Error](err); ok {
		return apiErr
	}
	if rejected, ok := rejection.As(err); ok {
		return publicRejection(rejected, err)
	}
	if wrongPage, ok := errors.AsType[*query.CursorError](err); ok {
		return apierror.New(apierror.BadUserInput, "%s", wrongPage.Message)
	}
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		return errSignIn
	case errors.Is(err, scalar.ErrTime), errors.Is(err, scalar.ErrDecimal):
		return apierror.New(apierror.BadUserInput, "%s", err)
	case isPassing(err):
		return apierror.New(apierror.Unavailable, "a part of the service can't be reached; try again").After(time.Second).Because(err)
	}
	return apierror.From(err)
}

// publicRejection covers rejections that no payload can carry.
func publicRejection(rejected *rejection.Error, err error) *apierror.Error {
	switch rejected.Code {
	case rejection.Forbidden:
		return apierror.New(apierror.Forbidden, "%s", rejected.Message)
	case rejection.NotFound:
		return apierror.New(apierror.NotFound, "%s", rejected.Message)
	default:
		return apierror.From(err)
	}
}

// passing are the errors that a retry can overcome, besides those of PostgreSQL and of connections. A request that ended early is among them: no
// client reads its response. So is a response of a database that ended in the middle.
var passing = []error{
	context.DeadlineExceeded, context.Canceled, auth.ErrUnavailable, ratelimit.ErrUnavailable, engine.ErrUnavailable, io.EOF, io.ErrUnexpectedEOF,
}

// passingStates are the classes of PostgreSQL's errors that a retry can overcome: broken connections, insufficient resources, and the
// operator's (a shutdown, a statement that took too long).
var passingStates = []string{"08", "53", "57"}

// isPassing reports whether err is a temporary fault of something that we depend on.
func isPassing(err error) bool {
	if slices.ContainsFunc(passing, func(target error) bool { return errors.Is(err, target) }) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	unsent, ok := errors.AsType[interface {
		error
		SafeToRetry() bool
	}](err) // of pgx: nothing was sent, as the connection was closed
	if ok && unsent.SafeToRetry() {
		return true
	}
	fromSQL, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && len(fromSQL.SQLState()) == 5 && slices.Contains(passingStates, fromSQL.SQLState()[:2])
}
