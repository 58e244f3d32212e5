// Package deploy_test checks that what is deployed is what there is. deploy/check, a module of its own, checks the manifests themselves.
package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"ticketing/cmd/parts"
	"ticketing/internal/config"
	"ticketing/projector"
)

// Every projection has one service and one Deployment of its own: the tables of one without would stay as they are.
func TestEveryProjectionIsDeployedOnce(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(projector.Names()))
	require.Equal(t, want, deployedProjections(t, "compose.yaml"))
	require.Equal(t, want, deployedProjections(t, "kubernetes/base/projectors.yaml"))
	for _, name := range want {
		require.Contains(t, readFile(t, rulesFile), `absent(ticketing_projector_dead_letters{projection="`+name+`"})`, "an alert says that it has no process")
	}
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

// service is a service of deploy/compose.yaml.
type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	Healthcheck map[string]any
}

// composeServices reads deploy/compose.yaml as docker compose does with these secrets.
func composeServices(t *testing.T) map[string]service {
	t.Helper()
	secrets := filepath.Join(t.TempDir(), "env")
	output, err := exec.CommandContext(t.Context(), "../scripts/compose-secrets", secrets).CombinedOutput()
	require.NoError(t, err, "%s", output)
	given := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.+)$`).FindAllStringSubmatch(readFile(t, secrets), -1) {
		given[m[1]] = m[2]
	}
	variable := regexp.MustCompile(`\$\{([A-Z_]+)(:[?-])([^}]*)\}`)
	text := variable.ReplaceAllStringFunc(readFile(t, "compose.yaml"), func(found string) string {
		m := variable.FindStringSubmatch(found)
		if m[2] == ":?" {
			require.Contains(t, given, m[1], "scripts/compose-secrets makes what is required")
			return given[m[1]]
		}
		return m[3]
	})
	var compose struct{ Services map[string]service }
	// A key that a service merges in and sets counts as a duplicate here.
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &compose, yaml.AllowDuplicateMapKey()))
	require.NotEmpty(t, compose.Services)
	return compose.Services
}

// Each part starts with what deploy/compose.yaml configures: its configuration is complete, and the real check accepts it.
func TestComposeConfiguresEachPart(t *testing.T) {
	t.Parallel()
	programs := map[string]parts.Program{
		"api": parts.APIProgram(), "relay": parts.RelayProgram(), "saga": parts.SagaProgram(), "projector": parts.ProjectorProgram(),
	}
	seen := map[string]bool{}
	for name, s := range composeServices(t) {
		if !strings.HasPrefix(s.Image, "ticketing:") {
			require.NotEmpty(t, s.Healthcheck, name)
			continue
		}
		program, ok := programs[s.Command[0]]
		if !ok {
			require.Equal(t, "migrate", s.Command[0], name)
			continue
		}
		seen[s.Command[0]] = true
		_, err := config.Load(s.Environment, append(program.Needs, config.NeedMail, config.NeedRecordKeys, config.NeedTicketKeys)...)
		require.NoError(t, err, name)
		for _, secret := range []string{"RECORD_KEYS", "TICKET_SIGNING_KEYS"} {
			require.NotEmpty(t, s.Environment[secret], "the root is read-only: no key can be made in DATA_DIR")
		}
	}
	require.Len(t, seen, len(programs))
}

// Each part starts with what an overlay and the example of the Secret configure, once its placeholders are replaced.
func TestOverlaysConfigureEachPart(t *testing.T) {
	t.Parallel()
	var secret struct {
		StringData map[string]string `yaml:"stringData"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "kubernetes/secret.example.yaml")), &secret))
	for name, value := range secret.StringData {
		secret.StringData[name] = strings.ReplaceAll(value, "PASSWORD", "0f6c3a52d1b94e7788aa")
	}
	maps.Copy(secret.StringData, map[string]string{
		"RECORD_KEYS": "1:" + strings.Repeat("A", 43) + "=", "TICKET_SIGNING_KEYS": "1:" + strings.Repeat("A", 43),
		"STRIPE_API_KEY": "sk_live_0f6c3a52d1b94e77", "STRIPE_WEBHOOK_SECRET": "whsec_0f6c3a52d1b94e77",
	})
	for _, overlay := range []string{"staging", "production"} {
		environment := maps.Clone(secret.StringData)
		for _, file := range []string{"kubernetes/base/kustomization.yaml", "kubernetes/overlays/" + overlay + "/kustomization.yaml"} {
			var kustomization struct {
				ConfigMapGenerator []struct{ Literals []string } `yaml:"configMapGenerator"`
			}
			require.NoError(t, yaml.Unmarshal([]byte(readFile(t, file)), &kustomization))
			for _, literal := range kustomization.ConfigMapGenerator[0].Literals {
				name, value, _ := strings.Cut(literal, "=")
				environment[name] = value
			}
		}
		for _, program := range []parts.Program{parts.APIProgram(), parts.RelayProgram(), parts.SagaProgram(), parts.ProjectorProgram()} {
			_, err := config.Load(environment, append(program.Needs, config.NeedMail, config.NeedRecordKeys, config.NeedTicketKeys)...)
			require.NoError(t, err, overlay)
		}
	}
}

func TestPrometheusReadsEveryService(t *testing.T) {
	t.Parallel()
	services := composeServices(t)
	var prometheus struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "prometheus/prometheus.yml")), &prometheus))
	maps.DeleteFunc(services, func(_ string, s service) bool {
		return len(s.Command) == 0 || !slices.Contains([]string{"api", "relay", "saga", "projector"}, s.Command[0])
	})
	var targets []string
	for _, target := range prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets {
		name, isMetrics := strings.CutSuffix(target, ":9090")
		require.True(t, isMetrics, target)
		targets = append(targets, name)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(services)), targets)
}

// Alerts and autoscalers go by metrics that there are.
func TestMetricsOfRulesExist(t *testing.T) {
	t.Parallel()
	sources := productSources(t)
	for _, file := range []string{"prometheus/rules.yaml", "kubernetes/components/keda/scalers.yaml"} {
		metrics := regexp.MustCompile(`ticketing(_[a-z]+)+`).FindAllString(readFile(t, file), -1)
		require.NotEmpty(t, metrics)
		for _, metric := range metrics {
			metric = strings.TrimSuffix(metric, "_bucket")
			require.True(t, slices.ContainsFunc(sources, func(source string) bool { return registersMetric(source, metric) }), "%s: %s", file, metric)
		}
	}
}

// registersMetric reports whether source names the metric, as a whole or as subsystem and name.
func registersMetric(source, metric string) bool {
	short := strings.TrimPrefix(metric, "ticketing_")
	words := strings.Split(short, "_")
	for i := 1; i < len(words); i++ {
		subsystem, name := strings.Join(words[:i], "_"), strings.Join(words[i:], "_")
		if strings.Contains(source, `"`+subsystem+`"`) && strings.Contains(source, `"`+name+`"`) {
			return true
		}
	}
	return strings.Contains(source, `"`+metric+`"`) || strings.Contains(source, `"`+short+`"`)
}

func productSources(t *testing.T) []string {
	t.Helper()
	var sources []string
	for _, folder := range []string{"command", "internal", "projector", "query", "graph", "cmd"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", folder), func(path string, _ os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				sources = append(sources, readFile(t, path))
			}
			return err
		}))
	}
	return sources
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
