package gateway_test

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/money"
)

// A payment is created before it is confirmed, so that its id at the gateway can be recorded before anything is charged.
func Example() {
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{&double{name: "sandbox", respond: returnsOutcome(payment.OutcomeSucceeded)}},
		Enabled:  []string{"sandbox"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := router.Pick("card")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	p := gateway.Payment{ID: "pay_1", Amount: money.Money{Minor: 2500, Currency: "EUR"}, CardToken: "pm_card_visa"}
	created, err := g.Create(ctx, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	p.TransactionID = created.TransactionID // the caller records it here
	switch result, err := g.Confirm(ctx, p); {
	case errors.Is(err, gateway.ErrUnavailable):
		fmt.Println("nothing was charged")
	case err != nil:
		fmt.Println("look it up later")
	default:
		fmt.Println(g.Name(), p.Amount, result.Outcome)
	}
	// Output: sandbox 25.00 EUR succeeded
}
