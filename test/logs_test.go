package test

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/mail/mailtest"
	"ticketing/internal/testenv"
)

// logLine is a line of the log of a part, with its attributes.
type logLine map[string]any

// readLines returns the lines of a part's log, each of which must be an object of JSON.
func (p runningPart) readLines() []logLine {
	p.t.Helper()
	file, err := os.Open(p.log)
	require.NoError(p.t, err)
	defer file.Close()
	var lines []logLine
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line logLine
		require.NoError(p.t, json.Unmarshal(scanner.Bytes(), &line), "no JSON: %s", scanner.Text())
		for _, key := range []string{"time", "level", "msg"} {
			require.Contains(p.t, line, key, scanner.Text())
		}
		lines = append(lines, line)
	}
	require.NoError(p.t, scanner.Err())
	return lines
}

// findLine returns the first line with all of these attributes, nil if there is none.
func findLine(lines []logLine, want logLine) logLine {
	for _, line := range lines {
		same := true
		for key, value := range want {
			same = same && line[key] == value
		}
		if same {
			return line
		}
	}
	return nil
}

func randomKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return key
}

// What happens here is all that a day may bring: purchases, declines, webhooks, forgeries, numbers of cards where they do not belong, and
// servers that go away.
func TestTheLogOfAWholeRunHasNoSecrets(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{Busy: func(n int) bool { return n%2 == 1 }})
	double, redis, broker := stripetest.New(t), testenv.RedisServer(t), testenv.BrokerServer(t, 3)
	recordKey, ticketKey := base64.StdEncoding.EncodeToString(randomKey()), base64.RawURLEncoding.EncodeToString(randomKey())
	env := withStripe(newEnvironment(t), double)
	env["REDIS_URL"], env["REDPANDA_BROKERS"] = redis.URL(), broker.Addrs()[0]
	env["LOG_FORMAT"], env["LOG_LEVEL"] = "json", "debug"
	env["RECORD_KEYS"], env["TICKET_SIGNING_KEYS"] = "1:"+recordKey, "1:"+ticketKey
	env["SMTP_URL"] = "smtp://" + post.Address
	p := newPlatformIn(t, env)
	running := p.startAll()
	api := running[0]
	double.SendTo(p.url + "/webhooks/stripe")

	organizer, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, organizer, 10, nil)
	bought := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	alice.requestID = "declined-payment"
	requireRejected(t, alice.payByCard(bought.ID, "pm_card_chargeDeclined"), "PAYMENT_DECLINED")
	alice.requestID = ""
	waiting := requireAccepted(t, alice.payByCard(bought.ID, "pm_card_authenticationRequired")).Payment
	double.Authenticate(t, *waiting.NextAction.ClientSecret)
	awaitStatus(t, alice, bought.ID, "COMPLETED")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return len(mailsOf(t, post, "alice@example.com")) == 1, "the mail with the tickets has not arrived"
	})

	const card, forged = "4242 4242 4242 4242", "bmljZSB0cnksIGJ1dCBubyBzZXNzaW9uIG9mIG91cnM"
	_ = alice.execute(`mutation Pay_4242424242424242($i: ProcessPaymentInput!) { processPayment(input: $i) { payment { id } } }`,
		vars{"i": vars{"reservationId": bought.ID, "method": vars{"card": vars{"token": card}}, "idempotencyKey": newKey()}}, nil)
	stranger := &client{t: t, url: p.url, token: forged}
	require.Equal(t, "UNAUTHENTICATED", stranger.requireError(`{ me { id } }`, nil))
	require.Equal(t, http.StatusBadRequest, stripetest.SendSigned(t, p.url+"/webhooks/stripe", []byte(`{"customer":"alice@example.com"}`), stripetest.Sign([]byte("other"), time.Now())))
	double.Down()
	other := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireRejected(t, alice.payByCard(other.ID, "pm_card_visa"), "GATEWAY_UNAVAILABLE")
	double.Heal()
	redis.Kill()
	broker.Kill()
	require.Equal(t, "UNAVAILABLE", alice.requireError(`{ me { id } }`, nil))
	api.awaitHealth("degraded", "api: redis", "api: broker")
	broker.Start()
	redis.Start()
	api.awaitHealth("ok")
	for _, part := range running {
		part.stop()
	}

	secrets := []string{
		"@example.com", alice.token, organizer.token, forged, card, "4242424242424242", *waiting.NextAction.ClientSecret,
		recordKey, ticketKey, stripetest.APIKey, stripetest.WebhookSecret,
	}
	for _, part := range running {
		text := part.readLog()
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
		}
		lines := part.readLines()
		listening := findLine(lines, logLine{"msg": "listening", "address": strings.TrimSuffix(strings.TrimPrefix(part.metrics, "http://"), "/metrics")})
		require.Contains(t, listening["server"], "/metrics")
		require.NotNil(t, findLine(lines, logLine{"msg": "starting"}))
	}
	lines := api.readLines()
	require.NotNil(t, findLine(lines, logLine{"msg": "listening", "address": strings.TrimPrefix(p.url, "http://"), "server": "the API, webhooks and pages"}))
	declined := findLine(lines, logLine{"msg": "operation", "correlation_id": "declined-payment"})
	require.NotNil(t, declined)
	require.Equal(t, logLine{"user": alice.id, "fields": "processPayment", "outcome": "PAYMENT_DECLINED", "type": "mutation"},
		logLine{"user": declined["user"], "fields": declined["fields"], "outcome": declined["outcome"], "type": declined["type"]})
	require.Len(t, declined["trace_id"], 32)
	require.Greater(t, declined["took"], 0.)
	require.NotNil(t, findLine(lines, logLine{"msg": "webhook", "operation": "stripe", "outcome": "refused"}))
	mailed := findLine(running[3].readLines(), logLine{"msg": "work", "operation": "mail", "outcome": "ok"})
	require.NotNil(t, mailed)
	require.NotEmpty(t, mailed["correlation_id"])
}

func TestProfilesAreOnlyForOperators(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	api := p.startAPI()
	operators := strings.TrimSuffix(api.metrics, "/metrics")
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap?debug=1", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=1"} {
		for address, want := range map[string]int{operators: http.StatusOK, p.url: http.StatusNotFound} {
			response, err := http.Get(address + path)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, want, response.StatusCode, address+path)
		}
	}
}
