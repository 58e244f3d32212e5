package test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// monitor is a real Prometheus, which scrapes a platform and evaluates the rules.
type monitor struct {
	t     testing.TB
	url   string
	began time.Time
}

// startPrometheus starts Prometheus with the product's rules, and node-exporter.
func startPrometheus(t testing.TB, tr *trading) *monitor {
	t.Helper()
	folder := t.TempDir()
	rules, err := filepath.Abs("../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	var targets []string
	for _, part := range tr.running {
		targets = append(targets, strings.TrimSuffix(strings.TrimPrefix(part.metrics, "http://"), "/metrics"))
	}
	node := startExporter(t, "prometheus-node-exporter", "--web.listen-address=%s")
	config := filepath.Join(folder, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s }
rule_files: [%s]
scrape_configs:
  - { job_name: ticketing, static_configs: [{ targets: [%s] }] }
  - { job_name: node, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{ targets: [%s] }] }
`, rules, strings.Join(targets, ", "), node), 0o600))
	address := startExporter(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address=%s")
	return &monitor{t: t, url: "http://" + address, began: time.Now()}
}

// startExporter starts a program that serves HTTP on an address, which %s in its arguments means.
func startExporter(t testing.TB, name string, args ...string) (address string) {
	t.Helper()
	program, err := exec.LookPath(name)
	require.NoError(t, err, "scripts/setup --tests installs it")
	port, err := services.FreePort()
	require.NoError(t, err)
	address = "127.0.0.1:" + strconv.Itoa(port)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "%s", address)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	require.NoError(t, err)
	server, err := process.Start(process.Spec{Path: program, Args: args, Stdout: log, Stderr: log})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = server.Kill()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("output of %s:\n%s", name, text)
		}
	})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false, err.Error()
		}
		return response.StatusCode == http.StatusOK && response.Body.Close() == nil, response.Status
	})
	return address
}

// get reads a part of Prometheus' API.
func (p *monitor) get(path string, query url.Values, data any) {
	p.t.Helper()
	response, err := http.Get(p.url + path + "?" + query.Encode())
	require.NoError(p.t, err)
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	require.NoError(p.t, json.NewDecoder(response.Body).Decode(&answer))
	require.Equal(p.t, "success", answer.Status, "%s %v: %s", path, query, answer.Error)
}

// shows reports whether a query has had a value, and one that is a number, since the beginning.
func (p *monitor) shows(query string) (values, numbers bool) {
	p.t.Helper()
	var data struct{ Result []struct{ Values [][2]any } }
	p.get("/api/v1/query_range", url.Values{
		"query": {query}, "step": {"1"},
		"start": {strconv.FormatInt(p.began.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix()+1, 10)},
	}, &data)
	for _, series := range data.Result {
		for _, value := range series.Values {
			number, err := strconv.ParseFloat(fmt.Sprint(value[1]), 64)
			values = true
			numbers = numbers || err == nil && !math.IsNaN(number)
		}
	}
	return values, numbers
}

// requireMetrics checks that Prometheus knows each metric of a query.
func (p *monitor) requireMetrics(query string) {
	p.t.Helper()
	names := regexp.MustCompile(`\b(ticketing_[a-z_]+|node_[a-z_]+|go_[a-z_]+|process_[a-z_]+|up)\b`).FindAllString(query, -1)
	require.NotEmpty(p.t, names, query)
	for _, name := range names {
		values, _ := p.shows("count(" + name + ")")
		require.True(p.t, values, "%s: there is no metric %s", query, name)
	}
}

type dashboard struct {
	Title  string
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

func readDashboards(t testing.TB) (dashboards []dashboard) {
	t.Helper()
	files, err := filepath.Glob("../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(text, &d), file)
		dashboards = append(dashboards, d)
	}
	return dashboards
}

// Over a real run, each query of each panel shows something, and each rule is evaluated on metrics that exist.
func TestDashboardsAndAlertsOverARealRun(t *testing.T) {
	if os.Getenv("ALERTS") == "" {
		t.Skip("run `make test-alerts`")
	}
	tr := startTrading(t)
	p := startPrometheus(t, tr)
	tr.trade()
	for _, d := range readDashboards(t) {
		for _, panel := range d.Panels {
			p.awaitPanel(tr, d.Title+", "+panel.Title, panel.Targets)
		}
	}
	p.requireRules()
}

// awaitPanel waits until each query of a panel has values, and one of them numbers. What was counted but once has no rate: trade goes on.
func (p *monitor) awaitPanel(tr *trading, title string, targets []struct{ Expr string }) {
	p.t.Helper()
	deadline := time.Now().Add(testenv.Patience)
	for {
		empty, isShown := "", false
		for _, target := range targets {
			values, numbers := p.shows(target.Expr)
			isShown = isShown || numbers
			if !values {
				empty = target.Expr
			}
		}
		if empty == "" && isShown {
			break
		}
		require.True(p.t, time.Now().Before(deadline), "%s is empty: %s", title, empty)
		tr.trade()
	}
	for _, target := range targets {
		p.requireMetrics(target.Expr)
	}
}

// requireRules checks that each rule was evaluated, and that there are the metrics that it and the autoscalers of projectors go by.
func (p *monitor) requireRules() {
	t := p.t
	t.Helper()
	var scalers []string
	text, err := os.ReadFile("../deploy/kubernetes/components/keda/scalers.yaml")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`query: (.*)`).FindAllStringSubmatch(string(text), -1) {
		scalers = append(scalers, strings.ReplaceAll(m[1], `, namespace="ticketing"`, ""))
	}
	require.NotEmpty(t, scalers)
	for _, query := range scalers {
		values, _ := p.shows(query)
		require.True(t, values, query)
	}
	text, err = os.ReadFile("../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	var wanted struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &wanted))
	type rule struct{ Name, Health, LastError string }
	var evaluated struct{ Groups []struct{ Rules []rule } }
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		p.get("/api/v1/rules", nil, &evaluated)
		for _, r := range evaluated.Groups[0].Rules {
			if r.Health == "unknown" {
				return false, r.Name + " was not evaluated yet"
			}
		}
		return true, ""
	})
	require.Len(t, evaluated.Groups[0].Rules, len(wanted.Groups[0].Rules))
	for i, r := range evaluated.Groups[0].Rules {
		require.Equal(t, rule{Name: wanted.Groups[0].Rules[i].Alert, Health: "ok"}, r)
		p.requireMetrics(wanted.Groups[0].Rules[i].Expr)
	}
}
