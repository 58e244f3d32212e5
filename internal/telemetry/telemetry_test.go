package telemetry_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"

	"ticketing/internal/telemetry"
)

func TestLinesNameTheRequest(t *testing.T) {
	t.Parallel()
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := telemetry.WithCorrelationID(telemetry.WithTraceparent(t.Context(), traceparent), "req_1")
	require.Equal(t, traceparent, telemetry.Traceparent(ctx))
	require.Equal(t, "req_1", telemetry.CorrelationID(ctx))

	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, "info", false)
	require.NoError(t, err)
	logger.With("part", "api").InfoContext(ctx, "hello")
	logger.DebugContext(ctx, "unheard")
	var line map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "one line: %s", &out)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", line["trace_id"])
	require.Equal(t, "b7ad6b7169203331", line["span_id"])
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
	require.Empty(t, telemetry.Traceparent(telemetry.WithTraceparent(t.Context(), "rubbish")))
	_, err = telemetry.NewLogger(&out, "loud", true)
	require.Error(t, err)
}

//nolint:paralleltest // sets what the whole process uses
func TestSetupMakesSpansAndMetrics(t *testing.T) {
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{ServiceName: "test", Version: "1"})
	require.NoError(t, err)
	ctx, span := otel.Tracer("test").Start(t.Context(), "work")
	defer span.End()
	require.Contains(t, telemetry.Traceparent(ctx), span.SpanContext().TraceID().String())

	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "sold_total", Help: "Tickets."})
	tel.Registry.MustRegister(counter)
	counter.Inc()
	answer := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, answer.Body.String(), "sold_total 1")
	require.Contains(t, answer.Body.String(), "go_goroutines")
	require.NoError(t, tel.Shutdown(t.Context()))
}

//nolint:paralleltest // sets what the whole process uses
func TestACollectorThatIsAwayDelaysNothing(t *testing.T) {
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{ServiceName: "test", OTLPEndpoint: "http://127.0.0.1:1"})
	require.NoError(t, err)
	require.NoError(t, tel.Shutdown(t.Context()), "no spans, nothing to wait for")
}
