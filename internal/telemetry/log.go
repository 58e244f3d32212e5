// Package telemetry sets up structured logs, traces and metrics, which name a request by the same ids.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger returns a logger that adds trace_id, span_id and correlation_id of the context to every line. Lines are JSON, or text for a
// terminal. An unknown level is an error.
func NewLogger(out io.Writer, level string, text bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("parse the log level: %w", err)
	}
	options := &slog.HandlerOptions{Level: l}
	var handler slog.Handler = slog.NewJSONHandler(out, options)
	if text {
		handler = slog.NewTextHandler(out, options)
	}
	return slog.New(&contextual{Handler: handler}), nil
}

// contextual adds the ids of a context. In a logger with groups they are inside the innermost one.
type contextual struct{ slog.Handler }

func (c *contextual) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	if id := CorrelationID(ctx); id != "" {
		r.AddAttrs(slog.String("correlation_id", id))
	}
	return c.Handler.Handle(ctx, r)
}

func (c *contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &contextual{Handler: c.Handler.WithAttrs(attrs)}
}

func (c *contextual) WithGroup(name string) slog.Handler {
	return &contextual{Handler: c.Handler.WithGroup(name)}
}
