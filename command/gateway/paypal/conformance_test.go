package paypal_test

import (
	"context"
	"testing"

	"ticketing/command/gateway"
	"ticketing/command/gateway/conformance"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/command/payment"
)

// customer is the gateway with a customer on PayPal's page, who does there what the "card token" says.
type customer struct {
	*paypal.Gateway

	double *paypaltest.Server
}

// What customers do as soon as the order exists.
const (
	approves = "approves"
	poor     = "approves with a card that is declined"
	waits    = "waits"
)

func (c customer) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	p.ReturnURL, p.CancelURL = "https://tickets.example.com/paid", "https://tickets.example.com/cart"
	result, err := c.Gateway.Create(ctx, p)
	if err != nil || result.Outcome != payment.OutcomeCreated || p.CardToken == waits {
		return result, err
	}
	c.double.ApproveOnce(result.TransactionID, p.CardToken == poor)
	return result, nil
}

func TestConformance(t *testing.T) {
	double := paypaltest.New(t)
	conformance.Run(t, conformance.Setup{
		New:        func(*testing.T) gateway.Gateway { return customer{newGateway(double), double} },
		Act:        func(t *testing.T, action gateway.NextAction) { double.Approve(t, action.RedirectURL, false) },
		Unfinished: payment.OutcomeRequiresAction,
		Currencies: []string{"JPY", "HUF"},
		Tokens: conformance.Tokens{
			Charged: []string{approves}, Declined: map[string]string{poor: "PayPal declined the payment."}, RequiresAction: []string{waits},
		},
	})
}

func newGateway(double *paypaltest.Server) *paypal.Gateway {
	return paypal.New(paypal.Config{ClientID: paypaltest.ClientID, ClientSecret: paypaltest.ClientSecret, APIBase: double.URL})
}
