package check_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// Prometheus itself reads the rules, with their templates.
func TestPrometheusUnderstandsTheRules(t *testing.T) {
	t.Parallel()
	groups, errs := rulefmt.Parse([]byte(readFile(t, "../prometheus/rules.yaml")), false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.Default())
	require.Empty(t, errs)
	require.NotEmpty(t, groups.Groups[0].Rules)
	for _, rule := range groups.Groups[0].Rules {
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		require.Contains(t, []string{"warning", "critical"}, rule.Labels["severity"], rule.Alert)
	}
}

// Each projection is scaled by its own lag, in its own namespace; what is scaled says nothing of replicas.
func TestProjectorsAreScaledByTheirLag(t *testing.T) {
	eachOverlay(t, func(t *testing.T, m manifests) {
		t.Helper()
		scaled := map[string]bool{}
		for _, s := range m.scalers {
			scaled[s.Spec.ScaleTargetRef.Name] = true
			require.LessOrEqual(t, *s.Spec.MinReplicas, s.Spec.MaxReplicas)
		}
		for _, s := range m.lagScalers {
			name := s.Spec.ScaleTargetRef.Name
			require.False(t, scaled[name], "%s is scaled twice", name)
			scaled[name] = true
			query := s.Spec.Triggers[0].Metadata["query"]
			_, err := parser.NewParser(parser.Options{}).ParseExpr(query)
			require.NoError(t, err)
			require.Contains(t, query, `projection="`+strings.TrimPrefix(name, "projector-")+`"`)
			require.Equal(t, m.namespace, regexp.MustCompile(`namespace="([^"]+)"`).FindStringSubmatch(query)[1])
		}
		for name, d := range m.deployments {
			require.Equal(t, name == "api" || strings.HasPrefix(name, "projector-"), scaled[name], name)
			require.Equal(t, scaled[name], d.Spec.Replicas == nil, "%s: the autoscaler decides", name)
		}
	})
}
