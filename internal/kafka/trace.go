package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"

	"ticketing/internal/telemetry"
)

// tracingHooks returns the hooks that make spans of publishing records and, if the client is there to receive some, of that; none if no spans are
// exported.
func (c Config) tracingHooks() []kgo.Hook {
	if !telemetry.Exports() {
		return nil
	}
	tracer := kotel.NewTracer(kotel.ClientID(c.ClientID))
	if c.Receives {
		return []kgo.Hook{publishHook{tracer}, receiveHook{tracer}}
	}
	return []kgo.Hook{publishHook{tracer}}
}

// publisher and receiver are what kotel's tracer is, each by itself.
type publisher interface {
	kgo.HookProduceRecordBuffered
	kgo.HookProduceRecordUnbuffered
}

type receiver interface {
	kgo.HookFetchRecordBuffered
	kgo.HookFetchRecordUnbuffered
}

type publishHook struct{ publisher }

// receiveHook gives the span of receiving a record the ids that the record's headers have.
type receiveHook struct{ receiver }

// OnFetchRecordBuffered is part of kgo.HookFetchRecordBuffered.
func (h receiveHook) OnFetchRecordBuffered(r *kgo.Record) {
	ctx := r.Context
	if ctx == nil {
		ctx = context.Background()
	}
	for _, header := range r.Headers {
		switch header.Key {
		case "ce_correlationid":
			ctx = telemetry.WithCorrelationID(ctx, string(header.Value)) //nolint:fatcontext // one header of many
		case "ce_actor":
			ctx = telemetry.WithUserID(ctx, string(header.Value))
		}
	}
	r.Context = ctx
	h.receiver.OnFetchRecordBuffered(r)
}
