package telemetry

import "context"

type correlationKey struct{}

// WithCorrelationID returns a context with the id of the request that it belongs to.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

// CorrelationID returns the id of the request, "" if there is none.
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

type userKey struct{}

// WithUserID returns a context with the id of the user that it belongs to; "system:…" for a part of the system.
func WithUserID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, userKey{}, id)
}

// UserID returns the id of the user, "" if there is none.
func UserID(ctx context.Context) string {
	id, _ := ctx.Value(userKey{}).(string)
	return id
}
