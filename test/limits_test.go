package test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

var metricInTable = regexp.MustCompile(`ticketing_[a-z_]+(\{[^}]*\})?`)

// docs/limits.md names the metrics that show that a limit is met. Each is there before it is.
func TestEveryMetricOfTheTableOfLimitsIsMeasured(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../docs/limits.md")
	require.NoError(t, err)
	wanted := metricInTable.FindAllString(string(table), -1)
	require.Greater(t, len(wanted), 40)
	s, _ := startWithPayPal(t)
	playSale(t, s)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		measured := getBody(t, s.url+"/metrics")
		var missing []string
		for _, metric := range wanted {
			if !isMeasured(measured, metric) {
				missing = append(missing, metric)
			}
		}
		return len(missing) == 0, "missing: " + strings.Join(missing, ", ")
	})
}

// isMeasured reports whether metrics has one with this name, and with this label if it has a value.
func isMeasured(metrics, metric string) bool {
	name, label, _ := strings.Cut(strings.TrimSuffix(metric, "}"), "{")
	if !strings.Contains(label, "=") {
		label = ""
	}
	for line := range strings.Lines(metrics) {
		rest, same := strings.CutPrefix(line, name)
		rest = strings.TrimPrefix(rest, "_count")
		if same && (rest[0] == '{' || rest[0] == ' ') && strings.Contains(rest, label) {
			return true
		}
	}
	return false
}
