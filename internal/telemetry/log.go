// Package telemetry sets up structured logs, traces and metrics, which name a request by the same ids.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/grpclog"

	"ticketing/internal/supervise"
)

// NewLogger returns a logger that adds trace_id, span_id, correlation_id and user of the context to every line. Lines are JSON, or text for a
// terminal, and have no secrets (see Redact). An unknown level is an error.
func NewLogger(out io.Writer, level string, text bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("parse the log level: %w", err)
	}
	options := &slog.HandlerOptions{Level: l, ReplaceAttr: redactAttr}
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
	if id := UserID(ctx); id != "" {
		r.AddAttrs(slog.String("user", id))
	}
	return c.Handler.Handle(ctx, r)
}

func (c *contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &contextual{Handler: c.Handler.WithAttrs(attrs)}
}

func (c *contextual) WithGroup(name string) slog.Handler {
	return &contextual{Handler: c.Handler.WithGroup(name)}
}

// LogTo has the standard library's log, the tracing SDK and gRPC log to logger what they would print.
func LogTo(logger *slog.Logger) {
	slog.SetDefault(logger)
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))
	otel.SetErrorHandler(traceLog{logger, supervise.NewRepetitions().IsNews})
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) // its errors come by the SDK's
}
