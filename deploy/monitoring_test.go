package deploy_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the rules for Kubernetes")

const (
	rulesFile      = "prometheus/rules.yaml"
	kubernetesFile = "kubernetes/components/monitoring/rules.yaml"
)

const kubernetesHeader = `# Made of deploy/prometheus/rules.yaml: change that, and run go test ./deploy -args -update.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: ticketing }
spec:
`

// Prometheus in Kubernetes has the rules of the one in deploy/compose.yaml, word for word.
func TestKubernetesHasTheSameRules(t *testing.T) {
	t.Parallel()
	_, groups, found := strings.Cut(readFile(t, rulesFile), "\ngroups:\n")
	require.True(t, found)
	want := kubernetesHeader + "  groups:\n" + regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(groups, "  $1")
	if *update {
		require.NoError(t, os.WriteFile(kubernetesFile, []byte(want), 0o600))
	}
	require.Equal(t, want, readFile(t, kubernetesFile))
}

// alert is a rule of deploy/prometheus/rules.yaml.
type alert struct {
	Alert       string
	Expr        string
	Annotations map[string]string
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	var rules struct{ Groups []struct{ Rules []alert } }
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, rulesFile)), &rules))
	require.Len(t, rules.Groups, 1)
	return rules.Groups[0].Rules
}

// Who gets an alert finds what to do: its page says what customers notice, how to look, how to repair it, and when it is over.
func TestEachAlertHasItsRunbook(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/runbooks/Ticketing*.md")
	require.NoError(t, err)
	alerts, index := readAlerts(t), readFile(t, "../docs/runbooks/README.md")
	require.Len(t, pages, len(alerts), "a page for each alert, and no others")
	for _, a := range alerts {
		require.Equal(t, "{{ $externalLabels.runbooks }}docs/runbooks/"+a.Alert+".md", a.Annotations["runbook_url"])
		require.Contains(t, index, "["+a.Alert+"]("+a.Alert+".md)")
		page := readFile(t, "../docs/runbooks/"+a.Alert+".md")
		require.Contains(t, page, "`"+a.Expr+"`", "%s: the page has the rule's expression", a.Alert)
		for _, part := range []string{"# " + a.Alert, "**What customers notice.**", "**How to look**", "**How to repair it**", "**Over when.**"} {
			require.Contains(t, page, part, a.Alert)
		}
	}
}

// Grafana gets every dashboard in Kubernetes, too; ids and titles are unique.
func TestDashboardsAreDeployed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("grafana/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 5)
	kustomization, seen := readFile(t, "grafana/kustomization.yaml"), map[string]bool{}
	for _, file := range files {
		require.Contains(t, kustomization, "- dashboards/"+filepath.Base(file)+"\n")
		var dashboard struct {
			UID, Title string
			Panels     []struct{ ID int }
		}
		require.NoError(t, json.Unmarshal([]byte(readFile(t, file)), &dashboard), file)
		require.False(t, seen[dashboard.UID] || seen[dashboard.Title], file)
		seen[dashboard.UID], seen[dashboard.Title] = true, true
		for i, panel := range dashboard.Panels {
			require.Equal(t, i+1, panel.ID, file)
		}
	}
}

// Each alert fires when it should, with its texts, and not a moment before.
func TestPromtoolAgreesWithTheRules(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing: scripts/setup --tests installs Prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = "prometheus"
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	tests := readFile(t, "prometheus/rules_test.yaml")
	for _, a := range readAlerts(t) {
		require.Equal(t, 2, strings.Count(tests, "alertname: "+a.Alert+"\n")+strings.Count(tests, "alertname: "+a.Alert+","), "%s is tested", a.Alert)
	}
}
