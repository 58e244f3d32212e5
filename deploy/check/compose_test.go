// Package check_test reads deploy/compose.yaml and deploy/kubernetes as their tools do, and checks them against the product: names of the
// environment, ports, paths, subcommands. It is a module of its own, so that the product does not depend on those tools.
package check_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// password replaces what deploy/.env holds.
const password = "0123456789abcdef"

func secrets() []string {
	return []string{"POSTGRES_PASSWORD=" + password, "TICKET_SIGNING_KEYS=1:" + password, "RECORD_KEYS=1:" + password}
}

func loadCompose(t *testing.T, environ ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join("..", "compose.yaml")}, cli.WithProfiles([]string{"*"}), cli.WithEnv(environ))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func TestComposeIsValid(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, secrets()...)
	require.NoError(t, err)
	known := environmentNames(t)
	parts := 0
	for name, service := range project.Services {
		require.NotRegexp(t, `(:latest|^[^:]*)$`, service.Image, "%s: a version is pinned", name)
		for dependency, d := range service.DependsOn {
			requireHealthy(t, project, name, dependency, d)
		}
		if service.Build == nil {
			continue
		}
		parts++
		require.Equal(t, "deploy/Dockerfile", service.Build.Dockerfile, name)
		require.Contains(t, listSubcommands(t), service.Command[0], name)
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		for variable := range service.Environment {
			require.Contains(t, known, variable, name)
		}
		if name != "migrate" {
			require.Contains(t, service.DependsOn, "migrate", name)
		}
		for _, port := range service.Ports {
			require.Equal(t, known["PORT"], port.Published, name)
		}
	}
	require.GreaterOrEqual(t, parts, 5)
}

// requireHealthy checks that what a service waits for can become what it waits for.
func requireHealthy(t *testing.T, project *types.Project, name, dependency string, d types.ServiceDependency) {
	t.Helper()
	on, ok := project.Services[dependency]
	require.True(t, ok, "%s depends on %s", name, dependency)
	if d.Condition == types.ServiceConditionHealthy {
		require.NotNil(t, on.HealthCheck, "%s waits for the health of %s", name, dependency)
	}
}

func TestComposeHoldsNoSecret(t *testing.T) {
	t.Parallel()
	_, err := loadCompose(t)
	require.ErrorContains(t, err, "POSTGRES_PASSWORD")
	project, err := loadCompose(t, secrets()...)
	require.NoError(t, err)
	for name, service := range project.Services {
		for variable, value := range service.Environment {
			if value != nil && (strings.Contains(variable, "PASSWORD") || strings.Contains(variable, "KEYS") || strings.HasPrefix(*value, "postgres://")) {
				require.Contains(t, *value, password, "%s: %s", name, variable)
			}
		}
	}
}

// Whatever the core needs runs without a profile.
func TestComposeCoreNeedsNoProfile(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{filepath.Join("..", "compose.yaml")}, cli.WithEnv(secrets()))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	for _, name := range []string{"api", "relay", "saga", "migrate", "postgres-events", "postgres-read", "postgres-auth", "redis", "redpanda", "mailpit"} {
		require.Contains(t, project.Services, name)
	}
	for _, name := range []string{"jaeger", "prometheus", "node-exporter", "grafana"} {
		require.NotContains(t, project.Services, name)
	}
}

// environmentNames are the names that programs read, with their defaults: .env.example has exactly these, by a test of package config.
func environmentNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(readFile(t, "../../.env.example"), -1) {
		names[m[1]] = m[2]
	}
	require.NotEmpty(t, names)
	return names
}

// listSubcommands returns what the image's binary can run.
func listSubcommands(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\t\t"([a-z]+)": +`).FindAllStringSubmatch(readFile(t, "../../cmd/ticketing/subcommands.go"), -1) {
		names = append(names, m[1])
	}
	require.True(t, slices.Contains(names, "api") && slices.Contains(names, "migrate"), "%v", names)
	return names
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	require.NoError(t, err)
	return string(text)
}
