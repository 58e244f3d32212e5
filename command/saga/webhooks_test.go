package saga

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/webhook"
	"ticketing/internal/testenv"
)

// notifier is a gateway whose webhooks consist of the event's id.
type notifier struct{}

func (notifier) Name() string { return "stripe" }

func (notifier) ReadWebhook(_ context.Context, _ http.Header, body []byte) (gateway.Notice, error) {
	return gateway.Notice{EventID: string(body), TransactionID: "pi_" + string(body), PaymentID: "pay_" + string(body)}, nil
}

func (notifier) PaymentID(context.Context, string) (string, error) {
	return "", errors.New("not asked for")
}

// hearing is a webhook.Service that counts the hints by payment, and passes them on to hear.
type hearing struct {
	hear  func(ctx context.Context) error
	hints chan string
}

func (h *hearing) RecordWebhook(ctx context.Context, by command.Caller, hint command.Hint) error {
	h.hints <- hint.PaymentID
	if h.hear != nil {
		return h.hear(ctx)
	}
	return nil
}

// sendWebhook has the api's part store a webhook.
func sendWebhook(t *testing.T, pool *pgxpool.Pool, eventID string) {
	t.Helper()
	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{Pool: pool})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	receiver.Handler(notifier{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhooks/stripe", strings.NewReader(eventID)))
	require.Equal(t, http.StatusOK, w.Code)
}

// hearingConfig is a saga that handles webhooks.
func hearingConfig(t *testing.T, pool *pgxpool.Pool, h *hearing) Config {
	t.Helper()
	handler, err := webhook.NewHandler(webhook.HandlerConfig{Pool: pool, Service: h})
	require.NoError(t, err)
	cfg := config(pool, newDouble())
	cfg.Webhooks = handler
	return cfg
}

func TestAWebhookTakesEffectSoonAfterItWasStored(t *testing.T) {
	pool, h := newPool(t), &hearing{hints: make(chan string, 10)}
	cfg := hearingConfig(t, pool, h)
	cfg.Poll = 100 * time.Millisecond // as in production
	runSaga(t, cfg)
	sendWebhook(t, pool, "first")
	require.Equal(t, "pay_first", <-h.hints)
	quickest := time.Hour
	for range 10 {
		began := time.Now()
		sendWebhook(t, pool, "e"+began.String())
		<-h.hints
		quickest = min(quickest, time.Since(began))
	}
	require.Less(t, quickest, 150*time.Millisecond)
}

func TestAWebhookWhoseReplicaDiedIsHandledByAnother(t *testing.T) {
	pool, dead := newPool(t), &hearing{hints: make(chan string, 10)}
	dead.hear = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	cfg := hearingConfig(t, pool, dead)
	cfg.Drain = time.Hour
	client, err := newClient(cfg.withDefaults(), newMetrics(nil), "dead") // shows no sign of life
	require.NoError(t, err)
	ctx, stopFetching := context.WithCancel(t.Context())
	require.NoError(t, client.Start(ctx))
	sendWebhook(t, pool, "evt")
	require.Equal(t, "pay_evt", <-dead.hints)
	stopFetching()
	defer func() { require.NoError(t, client.StopAndCancel(t.Context())) }()

	alive := &hearing{hints: make(chan string, 10)}
	runSaga(t, hearingConfig(t, pool, alive))
	require.Equal(t, "pay_evt", <-alive.hints)
}

func TestAWebhookThatFailsIsTriedAgainAndVisible(t *testing.T) {
	pool, c := newTimedPool(t)
	h := &hearing{hints: make(chan string, 10)}
	c.Move(time.Since(start) + time.Minute) // the api stores by the real clock
	var down atomic.Bool
	down.Store(true)
	h.hear = func(context.Context) error {
		if down.Load() {
			return errors.New("the gateway is down")
		}
		return nil
	}
	cfg := hearingConfig(t, pool, h)
	runSaga(t, cfg)
	sendWebhook(t, pool, "evt")
	for failures := 1; failures <= 3; failures++ {
		waitUntilIdle(t, pool)
		left := unfinished(t, pool)
		require.Len(t, left, 1)
		require.Equal(t, failures, left[0].Errors)
		require.Equal(t, "the gateway is down", left[0].LastError)
		m := newMetrics(nil)
		require.NoError(t, m.sampleAll(t.Context(), pool))
		require.Equal(t, 1, int(value(t, m.jobsRetried.WithLabelValues("webhook"))))
		c.Move(retryAfter(failures))
	}
	down.Store(false)
	waitUntilIdle(t, pool)
	require.Empty(t, unfinished(t, pool))
	require.Len(t, h.hints, 4)
}

func TestOldWebhooksAreForgottenByTheSaga(t *testing.T) {
	pool, h := newPool(t), &hearing{hints: make(chan string, 10)}
	sendWebhook(t, pool, "evt")
	_, err := pool.Exec(t.Context(), `UPDATE webhooks SET received_at = now() - interval '31 days'; DELETE FROM river_job`)
	require.NoError(t, err)
	runSaga(t, hearingConfig(t, pool, h))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var n int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM webhooks`).Scan(&n))
		return n == 0, "it is still stored"
	})
}
