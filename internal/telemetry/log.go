// Package telemetry says what the process does: structured logs, traces and metrics that name the same request by the same ids. What
// is worth saying is left to those who do it.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger answers a logger that adds trace_id, span_id and correlation_id of its context to every line. Lines are JSON, or text for
// people. A level that is unknown is an error.
func NewLogger(out io.Writer, level string, text bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	options := &slog.HandlerOptions{Level: l}
	var handler slog.Handler = slog.NewJSONHandler(out, options)
	if text {
		handler = slog.NewTextHandler(out, options)
	}
	return slog.New(&contextual{Handler: handler}), nil
}

// contextual adds what a context knows. In a logger with groups these attributes are inside the innermost one.
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
