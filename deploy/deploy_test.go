// Package deploy_test checks that what is deployed is what there is. deploy/check, a module of its own, checks the manifests themselves.
package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"ticketing/projector"
)

// Every projection has one service and one Deployment of its own: the tables of one without would stay as they are.
func TestEveryProjectionIsDeployedOnce(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(projector.Names()))
	require.Equal(t, want, deployedProjections(t, "compose.yaml"))
	require.Equal(t, want, deployedProjections(t, "kubernetes/base/projectors.yaml"))
}

func deployedProjections(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile(`\[projector, --projection, ([a-z]+)\]`).FindAllStringSubmatch(readFile(t, file), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

func TestPrometheusReadsEveryService(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	// A key that a service merges in and sets counts as a duplicate here.
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(readFile(t, "compose.yaml")), &compose, yaml.AllowDuplicateMapKey()))
	var prometheus struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "prometheus/prometheus.yml")), &prometheus))
	maps.DeleteFunc(compose.Services, func(_ string, s struct{ Command []string }) bool {
		return len(s.Command) == 0 || !slices.Contains([]string{"api", "relay", "saga", "projector"}, s.Command[0])
	})
	var targets []string
	for _, target := range prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets {
		name, isMetrics := strings.CutSuffix(target, ":9090")
		require.True(t, isMetrics, target)
		targets = append(targets, name)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(compose.Services)), targets)
}

func TestTheImageIsBuiltWithTheModulesGo(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(readFile(t, "../go.mod"))[1]
	require.Contains(t, readFile(t, "Dockerfile"), "golang:"+version+"-")
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	require.NoError(t, err)
	return string(text)
}
