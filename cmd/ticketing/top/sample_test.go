package top

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// sampleOf returns a sample of processes whose metrics are these texts.
func sampleOf(t *testing.T, second int, texts ...string) Sample {
	t.Helper()
	s := Sample{At: time.Unix(int64(1000+second), 0), Processes: map[string]Families{}}
	for i, text := range texts {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text + "\n"))
		require.NoError(t, err)
		s.Processes[string(rune('a'+i))] = families
	}
	return s
}

func TestRatesSurviveRestarts(t *testing.T) {
	t.Parallel()
	before := sampleOf(t, 0, `n_total{code="ok"} 100`, `n_total{code="ok"} 50`)
	now := sampleOf(t, 10, "n_total{code=\"ok\"} 120\nn_total{code=\"no\"} 5", `n_total{code="ok"} 10`)
	s := span{before, now}
	require.InDelta(t, 3.0, s.rate("n_total", where{"code": "ok"}), 1e-9, "20 of the first, and 10 of the second, which has started anew")
	require.InDelta(t, 0.5, s.rate("n_total", where{"code": "no"}), 1e-9)
	require.True(t, math.IsNaN(span{now: now}.rate("n_total", nil)), "one sample has no rate")
}

func TestQuantilesAreThoseOfTheTimeBetween(t *testing.T) {
	t.Parallel()
	histogram := func(one, two, all string) string {
		return "# TYPE s histogram\ns_bucket{le=\"1\"} " + one + "\ns_bucket{le=\"2\"} " + two + "\ns_bucket{le=\"+Inf\"} " + all + "\ns_sum 0\ns_count " + all
	}
	before, now := sampleOf(t, 0, histogram("1000", "1000", "1000")), sampleOf(t, 1, histogram("1000", "1100", "1100"))
	require.InDelta(t, 1.5, span{before, now}.quantile(0.5, "s", nil), 1e-9, "all 100 between are from 1 to 2")
	require.Less(t, span{now: now}.quantile(0.5, "s", nil), 1.0, "since the beginning most are below 1")
	require.True(t, math.IsNaN(span{now, now}.quantile(0.5, "s", nil)), "nothing was observed between")
	require.InDelta(t, 2, span{now: sampleOf(t, 0, histogram("0", "0", "5"))}.quantile(0.9, "s", nil), 1e-9, "above the last bound")
}

func TestWhatReplicasMeasureAlikeIsNotAddedUp(t *testing.T) {
	t.Parallel()
	s := sampleOf(t, 0, "lag{p=\"0\"} 3\nlag{p=\"1\"} 4", "lag{p=\"0\"} 3\nlag{p=\"1\"} 5")
	require.InDelta(t, 8, s.mostSum("lag", nil, "p"), 1e-9)
	require.InDelta(t, 5, s.most("lag", nil), 1e-9)
	require.InDelta(t, 15, s.sum("lag", nil), 1e-9)
}

func TestWhatOverloadRefusesIsShown(t *testing.T) {
	t.Parallel()
	metrics := func(refused string) string {
		return "ticketing_graphql_running 128\nticketing_graphql_running_limit 130\nticketing_graphql_operations_total{type=\"none\",code=\"UNAVAILABLE\"} " + refused
	}
	require.Regexp(t, `(?m)OVERLOAD.*\n +128 +130 +50`, Render(sampleOf(t, 0, metrics("0")), sampleOf(t, 10, metrics("500"))))
}
