package telemetry_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/telemetry"
)

func TestLinesNameTheRequest(t *testing.T) {
	t.Parallel()
	span := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x0a, 0xf7, 15: 0x9c}, SpanID: trace.SpanID{0xb7, 7: 0x31}, TraceFlags: trace.FlagsSampled,
	})
	ctx := telemetry.WithCorrelationID(trace.ContextWithSpanContext(t.Context(), span), "req_1")
	require.Equal(t, "00-0af7000000000000000000000000009c-b700000000000031-01", telemetry.Traceparent(ctx))
	require.Equal(t, "req_1", telemetry.CorrelationID(ctx))

	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, "info", false)
	require.NoError(t, err)
	logger.With("part", "api").InfoContext(ctx, "hello")
	logger.DebugContext(ctx, "unheard")
	var line map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "one line: %s", &out)
	require.Equal(t, "0af7000000000000000000000000009c", line["trace_id"])
	require.Equal(t, "b700000000000031", line["span_id"])
	require.Equal(t, "req_1", line["correlation_id"])
	require.Equal(t, "api", line["part"])
}

func TestWithoutARequestLinesStayShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, "warn", true)
	require.NoError(t, err)
	logger.Warn("hello")
	require.NotContains(t, out.String(), "_id")
	require.Empty(t, telemetry.Traceparent(t.Context()))
	_, err = telemetry.NewLogger(&out, "loud", true)
	require.Error(t, err)
}

func TestSetupMakesSpansAndMetrics(t *testing.T) {
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{ServiceName: "test", Version: "1"})
	require.NoError(t, err)
	ctx, span := otel.Tracer("test").Start(t.Context(), "work")
	defer span.End()
	require.Contains(t, telemetry.Traceparent(ctx), span.SpanContext().TraceID().String())

	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "sold_total", Help: "Tickets."})
	tel.Registry.MustRegister(counter)
	families, err := tel.Registry.Gather()
	require.NoError(t, err)
	var names []string
	for _, family := range families {
		names = append(names, family.GetName())
	}
	require.Subset(t, names, []string{"sold_total", "go_goroutines", "go_gc_heap_live_bytes"})
	require.NoError(t, tel.Shutdown(t.Context()))
}

func TestACollectorThatIsAwayDelaysNothing(t *testing.T) {
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{ServiceName: "test", OTLPEndpoint: "http://127.0.0.1:1"})
	require.NoError(t, err)
	require.NoError(t, tel.Shutdown(t.Context()), "no spans, nothing to wait for")
}
