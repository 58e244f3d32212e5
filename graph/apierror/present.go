package apierror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	"ticketing/graph/scalar"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/internal/text"
	"ticketing/query"
)

// longestMessage bounds messages that repeat what a client sent, in bytes.
const longestMessage = 500

const internalMessage = "something went wrong on our side; the X-Request-Id of the response helps us to find it"

// Presenter answers the function that turns every error of an operation into what its client is told.
func Presenter(logger *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		if fromParser, ok := protocolError(err); ok {
			return fromParser
		}
		apiErr := From(err)
		if apiErr.Code == Internal || apiErr.Code == Unavailable {
			log(ctx, logger, apiErr, err)
		}
		presented := apiErr.Present()
		if located, ok := errors.AsType[*gqlerror.Error](err); ok {
			presented.Path, presented.Locations = located.Path, located.Locations
		} else {
			presented.Path = graphql.GetPath(ctx)
		}
		return presented
	}
}

// Recover answers the function that turns a panic into an INTERNAL error, and logs where it came from.
func Recover(logger *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, p any) error {
		logger.ErrorContext(ctx, "panic in an operation", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		return New(Internal, internalMessage)
	}
}

// Present answers the error as a GraphQL error.
func (e *Error) Present() *gqlerror.Error {
	extensions := map[string]any{"code": string(e.Code)}
	if e.RetryAfter > 0 || e.Code == RateLimited || e.Code == Unavailable {
		extensions["retryAfterSeconds"] = e.retryAfterSeconds()
	}
	return &gqlerror.Error{Message: e.Message, Extensions: extensions}
}

// From answers err as an error for clients. It is the list of everything inside that clients are told apart from INTERNAL.
func From(err error) *Error {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return apiErr
	}
	if rejected, ok := rejection.As(err); ok {
		return fromRejection(rejected, err)
	}
	if wrongPage, ok := errors.AsType[*query.CursorError](err); ok {
		return New(BadUserInput, "%s", wrongPage.Message)
	}
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		return New(Unauthenticated, "sign in first")
	case errors.Is(err, scalar.ErrTime), errors.Is(err, scalar.ErrDecimal):
		return New(BadUserInput, "%s", err)
	case isUnavailable(err):
		return New(Unavailable, "a part of the service can't be reached; try again").After(time.Second).Because(err)
	}
	return New(Internal, internalMessage).Because(err)
}

// fromRejection covers rejections that no payload can carry.
func fromRejection(rejected *rejection.Error, err error) *Error {
	switch rejected.Code {
	case rejection.Forbidden:
		return New(Forbidden, "%s", rejected.Message)
	case rejection.NotFound:
		return New(NotFound, "%s", rejected.Message)
	default:
		return New(Internal, internalMessage).Because(err)
	}
}

// passingStates are the classes of PostgreSQL's errors that pass: broken connections, insufficient resources, and the operator's (a
// shutdown, a statement that took too long).
var passingStates = []string{"08", "53", "57"}

// isUnavailable says whether err is a passing fault of something that we depend on. A request that ended early is one too: the answer
// reaches nobody.
func isUnavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, auth.ErrUnavailable) ||
		errors.Is(err, ratelimit.ErrUnavailable) || errors.Is(err, engine.ErrUnavailable) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	fromSQL, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && len(fromSQL.SQLState()) == 5 && slices.Contains(passingStates, fromSQL.SQLState()[:2])
}

// protocolError passes on what the parser, the validator and the limits say, which concerns only what the client sent. They are the only
// ones to give their errors a code.
func protocolError(err error) (*gqlerror.Error, bool) {
	gqlErr, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return nil, false
	}
	if _, coded := gqlErr.Extensions["code"]; !coded {
		return nil, false
	}
	presented := &gqlerror.Error{Message: text.Shorten(gqlErr.Message, longestMessage), Locations: gqlErr.Locations, Extensions: gqlErr.Extensions}
	// The validator misuses the response path for the place in the variables.
	if len(gqlErr.Path) > 1 && gqlErr.Path[0] == ast.PathName("variable") {
		presented.Message = text.Shorten(fmt.Sprintf("variable $%s %s", gqlErr.Path[1:].String(), gqlErr.Message), longestMessage)
	}
	return presented, true
}

func log(ctx context.Context, logger *slog.Logger, apiErr *Error, err error) {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // the client left
	}
	logger.Log(ctx, level, "operation failed", "code", string(apiErr.Code), "error", err.Error(), "path", graphql.GetPath(ctx).String())
}
