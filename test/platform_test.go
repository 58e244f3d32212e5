package test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/cmd/parts"
	"ticketing/internal/config"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// binariesFolder holds the binaries after the first test that needs them.
var binariesFolder string

// binaries builds the real programs, once a test process. scripts/test-image has the binary of the image in a folder instead.
var binaries = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("TICKETING_TEST_BINARIES"); given != "" {
		return given, nil
	}
	folder, err := os.MkdirTemp("", "ticketing-bin-")
	if err != nil {
		return "", err
	}
	binariesFolder = folder
	build := exec.Command("go", "build", "-o", folder+"/", "ticketing/cmd/api", "ticketing/cmd/relay", "ticketing/cmd/projector", "ticketing/cmd/saga",
		"ticketing/cmd/ticketing", "ticketing/cmd/demo")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(binariesFolder) // does nothing without binaries
	os.Exit(code)
}

// platform runs each part in a process of its own, as an operator would, so that parts can be killed and frozen.
type platform struct {
	t         testing.TB
	env       map[string]string
	url       string
	programs  string // the folder of another build, with its program ticketing; default: of this one
	openPools map[string]*pgxpool.Pool
}

// newPlatform starts PostgreSQL, Redis and a broker, but no part.
func newPlatform(t testing.TB) *platform {
	t.Helper()
	return newPlatformIn(t, newEnvironment(t))
}

// newPlatformIn is newPlatform with a changed environment.
func newPlatformIn(t testing.TB, env map[string]string) *platform {
	t.Helper()
	cfg, err := config.Load(env)
	require.NoError(t, err)
	require.NoError(t, parts.Migrate(t.Context(), cfg))
	return newUnmigratedPlatform(t, env)
}

// newUnmigratedPlatform is newPlatformIn without the tables.
func newUnmigratedPlatform(t testing.TB, env map[string]string) *platform {
	t.Helper()
	port, err := services.FreePort()
	require.NoError(t, err)
	env["PORT"] = strconv.Itoa(port)
	return &platform{t: t, env: env, url: fmt.Sprintf("http://127.0.0.1:%d", port), openPools: map[string]*pgxpool.Pool{}}
}

// runningPart is a part's process.
type runningPart struct {
	*process.Process
	t       testing.TB
	metrics string // address of its metrics
	log     string // file with its output
}

// startPart starts a part, which is killed at the end of the test.
func (p *platform) startPart(name string, args ...string) runningPart {
	p.t.Helper()
	port, err := services.FreePort()
	require.NoError(p.t, err)
	env := append(p.processEnvironment(), "METRICS_PORT="+strconv.Itoa(port))
	log, err := os.Create(filepath.Join(p.t.TempDir(), name+".log"))
	require.NoError(p.t, err)
	child, err := process.Start(process.Spec{Path: p.programPath(name), Args: p.programArgs(name, args), Env: env, Stdout: log, Stderr: log})
	require.NoError(p.t, err)
	p.t.Cleanup(func() {
		_ = child.Kill()
		if p.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			p.t.Logf("output of %s:\n%s", name, text)
		}
	})
	return runningPart{Process: child, t: p.t, metrics: fmt.Sprintf("http://127.0.0.1:%d/metrics", port), log: log.Name()}
}

// command returns a program that is ready to run.
func (p *platform) command(name string, args ...string) *exec.Cmd {
	p.t.Helper()
	cmd := exec.Command(p.programPath(name), p.programArgs(name, args)...)
	cmd.Env = p.processEnvironment()
	return cmd
}

func (p *platform) programPath(name string) string {
	p.t.Helper()
	if p.programs != "" {
		return filepath.Join(p.programs, "ticketing")
	}
	folder, err := binaries()
	require.NoError(p.t, err)
	return filepath.Join(folder, name)
}

func (p *platform) programArgs(name string, args []string) []string {
	if p.programs != "" && name != "ticketing" {
		return append([]string{name}, args...)
	}
	return args
}

// processEnvironment returns the environment in the form that exec.Cmd needs.
func (p *platform) processEnvironment() []string {
	var list []string
	for k, v := range p.env {
		list = append(list, k+"="+v)
	}
	return list
}

// runProgram runs a program to its end and returns its exit status and its output.
func (p *platform) runProgram(name string, args ...string) (status int, output string) {
	p.t.Helper()
	cmd := p.command(name, args...)
	printed, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		require.NoError(p.t, err)
	}
	return cmd.ProcessState.ExitCode(), string(printed)
}

// requireVerified compares the read tables with the log by ticketing verify, when they have caught up.
func (p *platform) requireVerified() {
	p.t.Helper()
	p.awaitLag(0)
	status, output := p.runProgram("ticketing", "verify", "-wait", testenv.Patience.String())
	require.Zero(p.t, status, output)
	require.Contains(p.t, output, " 0 behind", output)
}

// startAPI starts an api and waits until it is ready.
func (p *platform) startAPI() runningPart {
	p.t.Helper()
	api := p.startPart("api")
	p.awaitReady()
	return api
}

// awaitReady waits until the api is ready.
func (p *platform) awaitReady() {
	p.t.Helper()
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		response, err := http.Get(p.url + "/health/ready")
		if err != nil {
			return false, err.Error()
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, response.Status
	})
}

// health returns the address of what the part reports of itself to operators.
func (p runningPart) health() string { return strings.TrimSuffix(p.metrics, "/metrics") + "/health" }

// killNow ends the process as kill -9 does.
func (p runningPart) killNow() {
	p.t.Helper()
	require.NoError(p.t, p.Kill())
}

// freeze suspends the process, as on a machine that hangs; unfreeze resumes it.
func (p runningPart) freeze() {
	p.t.Helper()
	require.NoError(p.t, p.Signal(syscall.SIGSTOP))
}

func (p runningPart) unfreeze() {
	p.t.Helper()
	require.NoError(p.t, p.Signal(syscall.SIGCONT))
}

// readLog returns the process's output.
func (p runningPart) readLog() string {
	p.t.Helper()
	text, err := os.ReadFile(p.log)
	require.NoError(p.t, err)
	return string(text)
}

// stop sends SIGTERM and waits until the process has ended.
func (p runningPart) stop() {
	p.t.Helper()
	p.endBy(syscall.SIGTERM)
}

// endBy sends a signal and waits until the process has ended.
func (p runningPart) endBy(signal syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.Signal(signal))
	select {
	case <-p.Done():
		require.NoError(p.t, p.Err(), "a part that gets SIGTERM or SIGINT must exit with 0")
	case <-time.After(testenv.Patience):
		require.Fail(p.t, "the process did not end")
	}
}

// awaitReadSide waits until the read tables agree with the log.
func (p *platform) awaitReadSide() {
	p.t.Helper()
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		for table, category := range map[string]string{"events": "event", "inventories": "inventory", "reservations": "reservation", "payments": "payment"} {
			key := "id"
			if table == "inventories" {
				key = "event_id"
			}
			inLog := queryText(p.t, p.env["DATABASE_URL"], `SELECT coalesce(md5(string_agg(substr(stream_id, length($1) + 2) || ' ' || v, ',' ORDER BY stream_id COLLATE "C")), '')
				FROM (SELECT stream_id, max(version) AS v FROM domain_events WHERE stream_id LIKE $1 || '-%' GROUP BY stream_id) s`, category)
			inTable := queryText(p.t, p.env["PROJECTION_DATABASE_URL"], fmt.Sprintf(
				`SELECT coalesce(md5(string_agg(%[1]s || ' ' || version, ',' ORDER BY %[1]s)), '') FROM %[2]s`, key, table))
			if inLog != inTable {
				return false, table + " differs from the log"
			}
		}
		return true, ""
	})
	// The sections' counts must equal the reservations' seats: no record applied twice, none lost.
	wrong := queryCount(p.t, p.env["PROJECTION_DATABASE_URL"], `SELECT count(*) FROM sections s
		LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE status IN ('SEATS_RESERVED', 'PAYMENT_PENDING')) AS reserved,
				count(*) FILTER (WHERE status = 'COMPLETED') AS sold
			FROM reservations r, jsonb_array_elements(r.seats) seat WHERE r.event_id = s.event_id AND seat->>'section' = s.name) held ON true
		WHERE s.reserved <> held.reserved OR s.sold <> held.sold`)
	require.Zero(p.t, wrong, "sections whose counts are not what reservations hold")
}

// lockTable locks a read table for writers until unlock is called.
func (p *platform) lockTable(table string) (unlock func()) {
	p.t.Helper()
	conn, err := pgx.Connect(p.t.Context(), p.env["PROJECTION_DATABASE_URL"])
	require.NoError(p.t, err)
	tx, err := conn.Begin(p.t.Context())
	require.NoError(p.t, err)
	_, err = tx.Exec(p.t.Context(), `LOCK TABLE `+table+` IN SHARE ROW EXCLUSIVE MODE`) // reading is allowed
	require.NoError(p.t, err)
	return func() {
		require.NoError(p.t, tx.Rollback(p.t.Context()))
		require.NoError(p.t, conn.Close(p.t.Context()))
	}
}

// awaitBlocked waits until so many projectors wait for the table's lock, each within a transaction.
func (p *platform) awaitBlocked(table string, projectors int) {
	p.t.Helper()
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		n := queryCount(p.t, p.env["PROJECTION_DATABASE_URL"], `SELECT count(DISTINCT pid) FROM pg_locks WHERE relation = $1::regclass AND NOT granted`, table)
		return n >= projectors, fmt.Sprintf("%d wait for %s", n, table)
	})
}
