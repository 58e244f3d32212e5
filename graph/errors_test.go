package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

func TestClientsCanTellTheseErrorsApart(t *testing.T) {
	t.Parallel()
	for code, errs := range map[apierror.Code][]error{
		apierror.Unavailable: {
			context.DeadlineExceeded, fmt.Errorf("%w: the queue is full", engine.ErrUnavailable), auth.ErrUnavailable, ratelimit.ErrUnavailable,
			&pgconn.PgError{Code: "57014"}, &pgconn.PgError{Code: "08006"},
			io.ErrUnexpectedEOF,
		},
		apierror.Unauthenticated: {auth.ErrUnauthenticated},
		apierror.Forbidden:       {rejection.New(rejection.Forbidden, "not yours")},
		apierror.NotFound:        {rejection.New(rejection.NotFound, "nothing there")},
		apierror.BadUserInput:    {&query.CursorError{Message: "no"}},
		apierror.Internal:        {errors.New("password=hunter2"), &pgconn.PgError{Code: "42P01"}, rejection.New(rejection.InvalidState, "no")},
	} {
		for _, err := range errs {
			got := publicError(fmt.Errorf("read something: %w", err))
			require.Equal(t, code, got.Code, "%v", err)
			require.NotContains(t, got.Message, "hunter2")
			_, saysWhen := got.Present().Extensions["retryAfterSeconds"]
			require.Equal(t, code == apierror.Unavailable, saysWhen)
		}
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	r := &Resolver{ // has no read side
		admission: newAdmission(RateLimits{ReadsPerIP: 1_000}, nil), usage: newUsage(nil, schema, nil), queryTimeout: time.Minute,
	}
	exec := newExecutor(r, slog.New(slog.DiscardHandler), true)
	h := transport.New(transport.Config{Host: &Server{resolver: r, open: exec, closed: exec}, Logger: slog.New(slog.DiscardHandler)})
	for name, c := range map[string]struct {
		query  string
		status int
	}{
		"query":        {`{ event(id: \"evt_01h455vb4pex5vsknk084sn02q\") { id } }`, http.StatusOK},
		"entities":     {`{ _entities(representations: [{__typename: \"Event\", id: \"evt_01h455vb4pex5vsknk084sn02q\"}]) { __typename } }`, http.StatusOK},
		"subscription": {`subscription { availability(eventId: \"evt_01h455vb4pex5vsknk084sn02q\") { id } }`, http.StatusInternalServerError}, // before the stream begins
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"`+c.query+`"}`))
			request.Header.Set("Content-Type", "application/json")
			if name == "subscription" {
				request.Header.Set("Accept", "text/event-stream")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request)
			require.Equal(t, c.status, w.Code)
			require.Contains(t, w.Body.String(), `"code":"INTERNAL"`)
			require.NotContains(t, w.Body.String(), "nil pointer")
		})
	}
}
