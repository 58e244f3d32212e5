package gateway_test

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/money"
)

// voucher is a gateway that charges at once. The interface has the methods that this example does not call.
type voucher struct{ gateway.Gateway }

func (voucher) Name() string { return "sandbox" } // the router knows which methods of payment a gateway takes by its name

func (voucher) Create(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return gateway.Result{TransactionID: "voucher_" + p.ID}, nil
}

func (voucher) Confirm(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return gateway.Result{TransactionID: p.TransactionID, Outcome: payment.OutcomeSucceeded}, nil
}

// A payment is created before it is confirmed, so that its id at the gateway can be recorded before anything is charged.
func Example() {
	router, err := gateway.NewRouter(gateway.Config{Gateways: []gateway.Gateway{voucher{}}, Enabled: []string{"sandbox"}})
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
		fmt.Println(result.TransactionID, p.Amount, result.Outcome)
	}
	// Output: voucher_pay_1 25.00 EUR succeeded
}
