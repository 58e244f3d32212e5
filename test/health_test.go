package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// partHealth is what a part reports to operators.
type partHealth struct {
	code   int
	Status string
	Checks map[string]struct {
		Status, Since, Error string
		Seconds              float64
		Detail               any
	}
}

func (p runningPart) readHealth() partHealth {
	var health partHealth
	response, err := http.Get(p.health())
	if err != nil {
		return health
	}
	defer response.Body.Close()
	health.code = response.StatusCode
	require.NoError(p.t, json.NewDecoder(response.Body).Decode(&health))
	return health
}

// awaitHealth waits until the part has a status and exactly the named checks fail.
func (p runningPart) awaitHealth(status string, failing ...string) {
	p.t.Helper()
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		health := p.readHealth()
		var found []string
		for name, check := range health.Checks {
			if check.Status != "ok" && check.Since != "" && check.Error != "" {
				found = append(found, name)
			}
		}
		state := health.Status + ": " + strings.Join(found, ", ")
		return health.Status == status && len(found) == len(failing) && containsAll(found, failing) &&
			(health.code == http.StatusOK) == (status == "ok" || status == "degraded"), state
	})
}

func containsAll(list, wanted []string) bool {
	joined := "\n" + strings.Join(list, "\n") + "\n"
	for _, name := range wanted {
		if !strings.Contains(joined, "\n"+name+"\n") {
			return false
		}
	}
	return true
}

// setReachable opens or closes a database, as if its server came or went.
func setReachable(t testing.TB, databaseURL string, reachable bool) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	db, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	defer db.Close(t.Context())
	allow := map[bool]string{true: "true", false: "false"}[reachable]
	_, err = db.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS "+allow)
	require.NoError(t, err)
	if !reachable {
		_, err = db.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
		require.NoError(t, err)
	}
}

// Each part looks at what it works with: it is unavailable without what it can do nothing without, degraded without the rest, and well
// again by itself.
func TestHealthFollowsWhatAPartWorksWith(t *testing.T) {
	t.Parallel()
	redis, broker := testenv.RedisServer(t), testenv.BrokerServer(t, 3)
	env := newEnvironment(t)
	env["REDIS_URL"], env["REDPANDA_BROKERS"] = redis.URL(), broker.Addrs()[0]
	p := newPlatformIn(t, env)
	api, relay, saga, projector := p.startAPI(), p.startPart("relay"), p.startPart("saga"), p.startPart("projector", "--projection", "events")
	allWell := func() {
		for _, part := range []runningPart{api, relay, saga, projector} {
			part.awaitHealth("ok")
			for name, check := range part.readHealth().Checks {
				require.Positive(t, check.Seconds, "%s took %v s", name, check.Seconds)
			}
		}
	}
	allWell()
	require.Contains(t, relay.readHealth().Checks["relay: events database"].Detail, "unpublished")
	require.Contains(t, projector.readHealth().Checks["projector: projections"].Detail, "events")
	require.JSONEq(t, `{"status":"ok"}`, getBody(t, p.url+"/health/ready"), "the public port shows no details")

	redis.Kill()
	api.awaitHealth("degraded", "api: redis")
	projector.awaitHealth("degraded", "projector: redis")
	relay.awaitHealth("ok")
	redis.Start()
	allWell()

	broker.Kill()
	api.awaitHealth("degraded", "api: broker")
	projector.awaitHealth("unavailable", "projector: broker")
	relay.awaitHealth("unavailable", "relay: broker")
	saga.awaitHealth("ok")
	broker.Start()
	allWell()

	setReachable(t, env["AUTH_DATABASE_URL"], false)
	api.awaitHealth("degraded", "api: auth database")
	saga.awaitHealth("degraded", "saga: auth database")
	setReachable(t, env["AUTH_DATABASE_URL"], true)
	allWell()

	setReachable(t, env["PROJECTION_DATABASE_URL"], false)
	api.awaitHealth("unavailable", "api: read database", "api: projections")
	projector.awaitHealth("unavailable", "projector: read database", "projector: projections")
	relay.awaitHealth("ok")
	setReachable(t, env["PROJECTION_DATABASE_URL"], true)
	allWell()

	setMigration(t, env["DATABASE_URL"], -1)
	for name, part := range map[string]runningPart{"api": api, "relay": relay, "saga": saga, "projector": projector} {
		part.awaitHealth("unavailable", name+": migrations")
	}
	setMigration(t, env["DATABASE_URL"], 1)
	allWell()
}

// What hangs is worse than what is down: nothing says so. Operators get a response all the same, which names it alone.
func TestHealthNamesWhatHangs(t *testing.T) {
	t.Parallel()
	redis := testenv.RedisServer(t)
	env := newEnvironment(t)
	env["REDIS_URL"] = redis.URL()
	p := newPlatformIn(t, env)
	api, projector := p.startAPI(), p.startPart("projector", "--projection", "events")
	projector.awaitHealth("ok")
	redis.Freeze()
	for name, part := range map[string]runningPart{"api: redis": api, "projector: redis": projector} {
		part.awaitHealth("degraded", name)
		require.Less(t, part.readHealth().Checks[name].Seconds, (testenv.Patience / 2).Seconds(), "the check has ended")
	}
	require.JSONEq(t, `{"status":"degraded"}`, getBody(t, p.url+"/health/ready"))
	redis.Unfreeze()
	api.awaitHealth("ok")
	projector.awaitHealth("ok")
}

// What only makes mails late, or retries slower, is shown all the same.
func TestHealthShowsTheMailServerAndTheCache(t *testing.T) {
	t.Parallel()
	cache := testenv.RedisServer(t)
	port, err := services.FreePort()
	require.NoError(t, err)
	env := newEnvironment(t)
	env["REDIS_CACHE_URL"], env["SMTP_URL"] = cache.URL(), fmt.Sprintf("smtp://127.0.0.1:%d", port)
	p := newPlatformIn(t, env)
	api, saga := p.startAPI(), p.startPart("saga")
	saga.awaitHealth("degraded", "saga: mail server")
	api.awaitHealth("degraded", "api: mail server")
	require.Contains(t, api.readHealth().Checks["api: mail server"].Error, "connect to the mail server")
	cache.Kill()
	api.awaitHealth("degraded", "api: mail server", "api: redis cache")
	require.JSONEq(t, `{"status":"degraded"}`, getBody(t, p.url+"/health/ready"))
	cache.Start()
	api.awaitHealth("degraded", "api: mail server")
}

// setMigration makes a database look as if so many more migrations had run.
func setMigration(t testing.TB, databaseURL string, more int) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), `UPDATE schema_migrations SET version = version + $1`, more)
	require.NoError(t, err)
}

// What a gateway says is kept, and acted on, also while no session can be checked.
func TestWebhooksAreHandledWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	redis, double := testenv.RedisServer(t), stripetest.New(t)
	env := withStripe(newEnvironment(t), double)
	env["REDIS_URL"] = redis.URL()
	p := newPlatformIn(t, env)
	api := p.startAPI()
	p.startPart("saga")
	double.SendTo(p.url + "/webhooks/stripe")
	alice := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))

	redis.Kill()
	api.awaitHealth("degraded", "api: redis")
	double.Authenticate(t, *waiting.Payment.NextAction.ClientSecret)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		completed := queryCount(t, env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'ReservationCompleted'`)
		return completed == 1, "the webhook was not handled"
	})
}
