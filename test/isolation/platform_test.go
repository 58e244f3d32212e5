package isolation

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/cmd/parts"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/saga"
	"ticketing/internal/config"
	"ticketing/internal/mail/mailtest"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// house is a whole platform, with customers whose latency is measured.
type house struct {
	t    *testing.T
	url  string
	post *mailtest.PostOffice

	events  *pgxpool.Pool
	admins  turns
	eventID string // on sale, of an admin
	hosts   *atomic.Int64
}

// within returns the house for a part of the test.
func (h *house) within(t *testing.T) *house {
	part := *h
	part.t = t
	return &part
}

// startPlatform starts all parts, with the limits that are the default.
func startPlatform(t *testing.T) *house {
	t.Helper()
	db, post := testenv.Databases(t), mailtest.Open(t, mailtest.Config{})
	paypal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(200 * time.Millisecond) // a gateway far away
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(paypal.Close)
	port, err := services.FreePort()
	require.NoError(t, err)
	h := &house{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port), post: post, hosts: new(atomic.Int64)}
	env := map[string]string{
		"ENVIRONMENT": "test", "DATABASE_URL": db.Events, "PROJECTION_DATABASE_URL": db.Read, "AUTH_DATABASE_URL": db.Auth,
		"REDIS_URL": testenv.Redis(t), "REDPANDA_BROKERS": testenv.Broker(t, 3)[0], "DATA_DIR": t.TempDir(), "LOG_LEVEL": "warn",
		"PORT": strconv.Itoa(port), "AUTH_BASE_URL": h.url, "RESERVATION_HOLD": hold.String(), "TRUSTED_PROXIES": "127.0.0.1",
		"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true", "ADMIN_EMAILS": "admin0@example.com,admin1@example.com,admin2@example.com,admin3@example.com,admin4@example.com",
		"SMTP_URL": "smtp://" + post.Address, "MAIL_FROM": "tickets@example.com", "PAYMENT_GATEWAYS": "sandbox",
		"STRIPE_API_KEY": stripetest.APIKey, "STRIPE_WEBHOOK_SECRET": stripetest.WebhookSecret,
		"PAYPAL_API_BASE": paypal.URL, "PAYPAL_WEBHOOK_ID": paypaltest.WebhookID,
		"PAYPAL_CLIENT_ID": paypaltest.ClientID, "PAYPAL_CLIENT_SECRET": paypaltest.ClientSecret,
	}
	cfg, err := config.Load(env)
	require.NoError(t, err)
	require.NoError(t, parts.Migrate(t.Context(), cfg))
	for _, name := range []string{"api", "relay", "projector", "saga"} {
		startChild(t, child{Part: name, Env: env})
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := h.visitor().do(t.Context(), `{ __typename }`, nil, nil)
		return err == nil, fmt.Sprint(err)
	})
	h.events = testenv.OpenPool(t, db.Events)
	admin := 0
	h.admins = newTurns(5, func() client {
		admin++
		return h.signIn(fmt.Sprintf("admin%d@example.com", admin-1))
	})
	h.eventID = h.addEvent(h.admins.next(), vars{"capacity": 1_000_000})
	return h
}

// awaitIdle waits until what was done before, such as the mails of orders, is over.
func (h *house) awaitIdle() {
	h.t.Helper()
	testenv.Eventually(h.t, testenv.Patience, func() (bool, string) {
		idle, err := saga.Idle(h.t.Context(), h.events)
		return err == nil && idle, fmt.Sprint("the saga is not idle: ", err)
	})
}

// visitor returns a client that is not signed in, from an address of its own.
func (h *house) visitor() client { return visitorOf(h.url, "10", h.hosts.Add(1)) }

func visitorOf(url, network string, n int64) client {
	return client{URL: url, Address: fmt.Sprintf("%s.%d.%d.%d", network, n>>16&0xff, n>>8&0xff, n&0xff)}
}

func (h *house) signIn(email string) client {
	h.t.Helper()
	c := h.visitor()
	var asked struct{ RequestMagicLink struct{ Token string } }
	require.NoError(h.t, c.do(h.t.Context(), `mutation($e: String!) { requestMagicLink(input: {email: $e}) { token } }`, vars{"e": email}, &asked))
	var verified struct{ VerifyMagicLink struct{ SessionToken string } }
	require.NoError(h.t, c.do(h.t.Context(), `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken userErrors { code message } } }`,
		vars{"t": asked.RequestMagicLink.Token}, &verified))
	c.Token = verified.VerifyMagicLink.SessionToken
	require.NotEmpty(h.t, c.Token)
	return c
}

// newUser signs a new user in.
func (h *house) newUser() client { return h.signIn(newKey() + "@example.com") }

// newOrganizer signs a new organizer in.
func (h *house) newOrganizer() client {
	h.t.Helper()
	c := h.newUser()
	var who struct{ Me struct{ ID string } }
	require.NoError(h.t, c.do(h.t.Context(), `{ me { id } }`, nil, &who))
	require.NoError(h.t, h.admins.next().mutate(h.t.Context(), "grantRole", "RoleInput", "user { id }", vars{"userId": who.Me.ID, "role": "ORGANIZER"}, nil))
	return c
}

// addEvent puts an event on sale, with a section "Floor".
func (h *house) addEvent(organizer client, what vars) (eventID string) {
	h.t.Helper()
	ctx := h.t.Context()
	var created struct{ Event struct{ ID string } }
	require.NoError(h.t, organizer.mutate(ctx, "createEvent", "CreateEventInput", "event { id }",
		vars{"name": "A night", "venue": "A hall", "startsAt": "2040-01-01T20:00:00Z", "maxTicketsPerReservation": 100}, &created))
	h.addSection(organizer, created.Event.ID, "Floor", what)
	for _, action := range []string{"publishEvent", "openSales"} {
		require.NoError(h.t, organizer.mutate(ctx, action, "EventIDInput", "event { id }", vars{"eventId": created.Event.ID}, nil))
	}
	return created.Event.ID
}

func (h *house) addSection(organizer client, eventID, name string, what vars) {
	h.t.Helper()
	require.NoError(h.t, organizer.addSection(h.t.Context(), eventID, name, what))
}

func (c client) addSection(ctx context.Context, eventID, name string, what vars) error {
	input := vars{"eventId": eventID, "section": name, "price": vars{"amount": "10", "currencyCode": "EUR"}}
	for k, v := range what {
		input[k] = v
	}
	return c.mutate(ctx, "addInventory", "AddInventoryInput", "event { id }", input, nil)
}

func newKey() string { return uuid.NewString() }
