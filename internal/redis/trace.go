package redis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/telemetry"
)

// spanHook makes a span of each command below a sampled one. Unlike go-redis's own it makes none of commands that belong to no request, and
// formats no arguments: they are tokens and ids.
type spanHook struct{}

// DialHook is part of redis.Hook.
func (spanHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (spanHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return traceCommands(ctx, cmd.Name(), 1, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (spanHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return traceCommands(ctx, "pipeline", len(cmds), func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

func traceCommands(ctx context.Context, name string, commands int, do func(context.Context) error) error {
	if !telemetry.IsSampled(ctx) {
		return do(ctx)
	}
	ctx, span := telemetry.StartSpan(ctx, "redis "+name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", name), attribute.Int("db.operation.batch.size", commands)))
	err := do(ctx)
	if errors.Is(err, redis.Nil) {
		telemetry.EndSpan(span, nil) // there is no such key
	} else {
		telemetry.EndSpan(span, err)
	}
	return err
}
