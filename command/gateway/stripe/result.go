package stripe

import (
	"context"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// concludeIntent returns the state of a PaymentIntent. One that was declined, for this reason or the one that it remembers, is cancelled
// first; if it was paid at just that moment, the result says so.
func (g *Gateway) concludeIntent(ctx context.Context, intent *stripe.PaymentIntent, reason string) (gateway.Result, error) {
	if reason == "" && intent.LastPaymentError != nil {
		reason = declineReason(intent.LastPaymentError)
	}
	if intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod && reason != "" {
		var err error
		if intent, err = g.cancelIntent(ctx, intent.ID, stripe.PaymentIntentCancellationReasonRequestedByCustomer); err != nil {
			return gateway.Result{}, err
		}
	}
	result := resultOf(intent)
	if result.Code == payment.Declined && reason != "" {
		result.Reason = reason
	}
	return result, nil
}

// resultOf returns the state of a PaymentIntent. The reason that we gave when cancelling it tells a decline from a payment that was
// abandoned: the error of the last attempt may be gone after the cancellation.
func resultOf(intent *stripe.PaymentIntent) gateway.Result {
	result := gateway.Result{TransactionID: intent.ID}
	switch intent.Status {
	case stripe.PaymentIntentStatusSucceeded:
		result.Outcome = payment.OutcomeSucceeded
	case stripe.PaymentIntentStatusProcessing, stripe.PaymentIntentStatusRequiresCapture:
		result.Outcome = payment.OutcomeProcessing
	case stripe.PaymentIntentStatusRequiresAction:
		result.Outcome, result.NextAction = payment.OutcomeRequiresAction, &gateway.NextAction{ClientSecret: intent.ClientSecret}
	case stripe.PaymentIntentStatusRequiresPaymentMethod, stripe.PaymentIntentStatusRequiresConfirmation:
		result.Outcome = payment.OutcomeCreated
	case stripe.PaymentIntentStatusCanceled:
		switch {
		case intent.CancellationReason != stripe.PaymentIntentCancellationReasonRequestedByCustomer:
			return gateway.Abandoned(intent.ID)
		case intent.LastPaymentError == nil:
			return gateway.Declined(intent.ID, declined)
		}
		return gateway.Declined(intent.ID, declineReason(intent.LastPaymentError))
	}
	return result
}

// isUntouched reports whether there was no attempt to pay the PaymentIntent.
func isUntouched(intent *stripe.PaymentIntent) bool {
	return intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod && intent.LastPaymentError == nil
}
