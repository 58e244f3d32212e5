package test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
	"ticketing/projector"
)

// The container image has one binary with all parts as subcommands, and no folder that it could write to. scripts/test-image runs this test
// with the binary in the image's root.
func TestTheBinaryOfTheImageSells(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	env := newEnvironment(t)
	for _, name := range []string{"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL"} {
		env[name] = testenv.EmptyDatabase(t)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	env["TICKET_SIGNING_KEYS"] = "1:" + base64.RawURLEncoding.EncodeToString(key)
	env["RECORD_KEYS"] = "1:" + base64.StdEncoding.EncodeToString(key)
	env["SMTP_URL"], env["DATA_DIR"] = "smtp://"+post.Address, "/nowhere"
	port, err := services.FreePort()
	require.NoError(t, err)
	env["PORT"] = strconv.Itoa(port)
	p := &platform{t: t, env: env, url: fmt.Sprintf("http://127.0.0.1:%d", port)}

	status, output := p.runProgram("ticketing", "migrate", "up")
	require.Zero(t, status, output)
	running := []runningPart{p.startPart("ticketing", "api"), p.startPart("ticketing", "relay"), p.startPart("ticketing", "saga")}
	for _, name := range projector.Names() {
		running = append(running, p.startPart("ticketing", "projector", "--projection", name))
	}
	for _, part := range running {
		p.awaitHealthcheck(part)
	}

	organizer, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, organizer, 10, vars{"timeZone": "America/Argentina/Buenos_Aires"})
	reserved := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	awaitSections(t, alice, id, map[string][3]int{"Floor": {8, 2, 0}})
	requireAccepted(t, alice.payByCard(reserved.ID, "pm_card_visa"))
	awaitStatus(t, alice, reserved.ID, "COMPLETED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {8, 0, 2}})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return len(mailsOf(t, post, "alice@example.com")) == 1, "the mail with the tickets has not arrived"
	})
	status, output = p.runProgram("ticketing", "verify", "-wait", testenv.Patience.String())
	require.Zero(t, status, output)
	requireDashboardMetrics(t, running)
	for _, part := range running {
		part.stop()
	}
}

// requireDashboardMetrics checks that the parts have each metric that Grafana's dashboard shows.
func requireDashboardMetrics(t testing.TB, running []runningPart) {
	t.Helper()
	var metrics strings.Builder
	for _, part := range running {
		response, err := http.Get(part.metrics)
		require.NoError(t, err)
		_, err = io.Copy(&metrics, response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
	}
	dashboard, err := os.ReadFile("../deploy/grafana/dashboards/ticketing.json")
	require.NoError(t, err)
	shown := regexp.MustCompile(`ticketing_[a-z_]+`).FindAllString(string(dashboard), -1)
	require.NotEmpty(t, shown)
	for _, name := range shown {
		require.Contains(t, metrics.String(), "# TYPE "+strings.TrimSuffix(name, "_bucket")+" ")
	}
}

// awaitHealthcheck waits until the health check of the part's container would succeed.
func (p *platform) awaitHealthcheck(part runningPart) {
	p.t.Helper()
	metrics, err := url.Parse(part.metrics)
	require.NoError(p.t, err)
	p.env["METRICS_PORT"] = metrics.Port()
	defer delete(p.env, "METRICS_PORT")
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		status, output := p.runProgram("ticketing", "healthcheck")
		return status == 0, output + part.readLog()
	})
}
