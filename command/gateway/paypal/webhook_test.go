package paypal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/internal/id"
)

// newWebhookGateway returns a gateway that accepts webhooks, its double, and an event.
func newWebhookGateway(t *testing.T) (*paypal.Gateway, *paypaltest.Server, paypaltest.Event) {
	t.Helper()
	double := paypaltest.New(t)
	g := paypal.New(paypal.Config{
		ClientID: paypaltest.ClientID, ClientSecret: paypaltest.ClientSecret, APIBase: double.URL, WebhookID: paypaltest.WebhookID,
	})
	return g, double, paypaltest.NewEvent("PAYMENT.CAPTURE.COMPLETED", "", map[string]string{"id": "1", "custom_id": id.New(id.Payment)})
}

func TestWebhooksAreNotVerifiedWhilePayPalFails(t *testing.T) {
	g, double, e := newWebhookGateway(t)
	for range 5 {
		double.Inject(paypaltest.Fault{On: "/verify-webhook-signature", Status: http.StatusInternalServerError})
		_, err := g.ReadWebhook(t.Context(), double.Sign(e.Body), e.Body)
		require.Error(t, err)
		require.NotErrorIs(t, err, gateway.ErrNotGenuine)
	}
	calls := len(double.Calls())
	_, err := g.ReadWebhook(t.Context(), double.Sign(e.Body), e.Body)
	require.ErrorIs(t, err, gateway.ErrUnavailable)
	require.NotErrorIs(t, err, gateway.ErrNotGenuine)
	require.Len(t, double.Calls(), calls)

	_, err = g.Create(t.Context(), newPayment(2500, "EUR"))
	require.NoError(t, err, "payments continue")
}

func TestForgedWebhooksDoNotOpenTheBreaker(t *testing.T) {
	g, double, e := newWebhookGateway(t)
	forged, malformed := double.Sign([]byte("another body")), double.Sign(e.Body)
	malformed.Set("Paypal-Transmission-Time", "now")
	for _, header := range []http.Header{forged, malformed} {
		for range 6 { // five failures open the breaker
			_, err := g.ReadWebhook(t.Context(), header, e.Body)
			require.ErrorIs(t, err, gateway.ErrNotGenuine)
		}
	}
	for range 6 {
		_, err := g.PaymentID(t.Context(), "of-another-shop")
		require.ErrorIs(t, err, gateway.ErrUnknownPayment)
	}
	notice, err := g.ReadWebhook(t.Context(), double.Sign(e.Body), e.Body)
	require.NoError(t, err)
	require.Equal(t, e.ID, notice.EventID)
	require.NoError(t, id.Check(id.Payment, notice.PaymentID))
}

func TestPayPalIsNotAskedAboutWhatItCannotHaveSent(t *testing.T) {
	g, double, e := newWebhookGateway(t)
	for name, value := range map[string]string{
		"Paypal-Auth-Algo": "none", "Paypal-Transmission-Id": "a b", "Paypal-Transmission-Sig": "bm9uc2Vuc2U=", "Paypal-Transmission-Time": "2020-01-01T00:00:00Z",
		"Paypal-Cert-Url": "https://paypal.com.evil.example/certs/1",
	} {
		header := double.Sign(e.Body)
		header.Set(name, value)
		_, err := g.ReadWebhook(t.Context(), header, e.Body)
		require.ErrorIs(t, err, gateway.ErrNotGenuine, name)
	}
	require.Empty(t, double.Calls())
}

func TestWithoutAWebhookIDNoWebhookIsGenuine(t *testing.T) {
	_, double, e := newWebhookGateway(t)
	_, err := newGateway(double).ReadWebhook(t.Context(), double.Sign(e.Body), e.Body)
	require.ErrorIs(t, err, gateway.ErrNotGenuine)
	require.Empty(t, double.Calls())
}
