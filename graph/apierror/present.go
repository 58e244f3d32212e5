package apierror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/internal/text"
)

// longestMessage bounds messages that repeat what a client sent, in bytes.
const longestMessage = 500

// Presenter returns the function that turns every error of an operation into what its client sees. classify chooses the Error for an
// error that is none; it is the one place that knows which errors clients can tell apart.
func Presenter(logger *slog.Logger, classify func(error) *Error) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		if presented, ok := presentProtocolError(err); ok {
			return presented
		}
		apiErr := classify(err)
		if apiErr.Code == Internal || apiErr.Code == Unavailable {
			logFailure(ctx, logger, apiErr, err)
		}
		presented := apiErr.PresentTo(ctx)
		if located, ok := errors.AsType[*gqlerror.Error](err); ok {
			presented.Path, presented.Locations = located.Path, located.Locations
		} else {
			presented.Path = graphql.GetPath(ctx)
		}
		return presented
	}
}

// Recover returns the function that turns a panic into an INTERNAL error and logs its stack.
func Recover(logger *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, p any) error {
		logger.ErrorContext(ctx, "panic in an operation", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		return New(Internal, internalMessage)
	}
}

// presentProtocolError passes on the errors of the parser, the validator and the limits, which concern only what the client sent. Only
// they have a code already.
func presentProtocolError(err error) (*gqlerror.Error, bool) {
	gqlErr, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return nil, false
	}
	if _, coded := gqlErr.Extensions["code"]; !coded {
		return nil, false
	}
	presented := &gqlerror.Error{Message: text.Shorten(gqlErr.Message, longestMessage), Locations: gqlErr.Locations, Extensions: gqlErr.Extensions}
	// The validator puts the place within the variables into the response path.
	if len(gqlErr.Path) > 1 && gqlErr.Path[0] == ast.PathName("variable") {
		presented.Message = text.Shorten(fmt.Sprintf("variable $%s %s", gqlErr.Path[1:].String(), gqlErr.Message), longestMessage)
	}
	return presented, true
}

func logFailure(ctx context.Context, logger *slog.Logger, apiErr *Error, err error) {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // the client left
	}
	logger.Log(ctx, level, "operation failed", "code", string(apiErr.Code), "error", err.Error(), "path", graphql.GetPath(ctx).String())
}
