package test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
	"ticketing/projector"
)

// newImagePlatform is a platform without tables, as for a first deployment. The container image has one binary with all parts as subcommands, and
// no folder that it could write to. scripts/test-image runs the tests of this file with the binary in the image's root.
func newImagePlatform(t testing.TB, post *mailtest.PostOffice) *platform {
	t.Helper()
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
	return &platform{t: t, env: env, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// deploy migrates, starts all parts from the one binary, and waits until each is ready.
func (p *platform) deploy() []runningPart {
	p.t.Helper()
	status, output := p.runProgram("ticketing", "migrate", "up")
	require.Zero(p.t, status, output)
	running := []runningPart{p.startPart("ticketing", "api"), p.startPart("ticketing", "relay"), p.startPart("ticketing", "saga")}
	for _, name := range projector.Names() {
		running = append(running, p.startPart("ticketing", "projector", "--projection", name))
	}
	for _, part := range running {
		p.awaitHealthcheck(part)
	}
	return running
}

func TestTheBinaryOfTheImageSells(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	p := newImagePlatform(t, post)
	running := p.deploy()

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
	status, output := p.runProgram("ticketing", "verify", "-wait", testenv.Patience.String())
	require.Zero(t, status, output)
	for _, part := range running {
		part.stop()
	}
}

// In production there is no sandbox, no link outside of a mail, and Redis has a password.
func TestTheBinaryOfTheImageSellsInProduction(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	p := newImagePlatform(t, post)
	for _, name := range []string{"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL"} {
		u, err := url.Parse(p.env[name])
		require.NoError(t, err)
		if secret, _ := u.User.Password(); len(secret) < 12 {
			u.User = url.UserPassword(u.User.Username(), "0123456789abcdef") // the tests' server asks for none
		}
		p.env[name] = u.String()
	}
	p.env["REDIS_URL"] = protectRedis(t, p.env["REDIS_URL"])
	p.env["ENVIRONMENT"], p.env["HOST"], p.env["AUTH_BASE_URL"] = "production", "127.0.0.1", "https://tickets.example.com"
	delete(p.env, "AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING")
	status, output := p.runProgram("ticketing", "doctor")
	require.Equal(t, 1, status, output)
	require.Contains(t, output, "has no tables: run migrate up")
	running := p.deploy()

	organizer, alice := signInByMail(t, p.url, post, adminEmail), signInByMail(t, p.url, post, "alice@example.com")
	id := requireAccepted(t, organizer.createEvent(nil)).Event.ID
	requireAccepted(t, organizer.addInventory(id, "Free", "0.00", vars{"capacity": 10}))
	requireAccepted(t, organizer.eventAction("publishEvent", id))
	requireAccepted(t, organizer.eventAction("openSales", id))
	reserved := requireAccepted(t, alice.reserveSeats(id, bestSeats("Free", 2))).Reservation
	requireAccepted(t, alice.executeMutation("processPayment", "ProcessPaymentInput", "reservation { id }",
		vars{"reservationId": reserved.ID, "idempotencyKey": newKey()}))
	awaitStatus(t, alice, reserved.ID, "COMPLETED")
	status, output = p.runProgram("ticketing", "verify", "-wait", testenv.Patience.String())
	require.Zero(t, status, output)
	for _, part := range running {
		part.stop()
	}
}

// protectRedis gives a test's Redis a password, and returns its URL then.
func protectRedis(t testing.TB, address string) string {
	t.Helper()
	options, err := redis.ParseURL(address)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	const password = "0123456789abcdef"
	require.NoError(t, client.ConfigSet(t.Context(), "requirepass", password).Err())
	return strings.Replace(address, "redis://", "redis://:"+password+"@", 1)
}

// signInByMail signs a user in with the link that they get by mail.
func signInByMail(t testing.TB, url string, post *mailtest.PostOffice, email string) *client {
	t.Helper()
	c := &client{t: t, url: url}
	c.mustExecute(`mutation($e: String!) { requestMagicLink(input: {email: $e}) { `+errorFields+` } }`, vars{"e": email}, nil)
	var token string
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		for _, d := range post.Got() {
			if m := regexp.MustCompile(`token=([\w.-]+)`).FindStringSubmatch(mailtest.Parts(t, d.Data)["text/plain"]); d.To == email && m != nil {
				token = m[1]
			}
		}
		return token != "", "no mail with a link has arrived"
	})
	c.useLink(token)
	return c
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
