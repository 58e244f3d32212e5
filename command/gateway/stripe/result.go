package stripe

import (
	"context"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// concludeIntent answers what became of a PaymentIntent. One that was declined, for the reason given or the one that it remembers, is cancelled
// first; should it have been paid at just that moment, that is the answer.
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

// resultOf reads a PaymentIntent. Which of our two reasons it was cancelled for tells a decline from a payment that was given up: the
// error of the last attempt need not outlive the cancellation.
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
		result.Outcome, result.Code, result.Reason = payment.OutcomeFailed, payment.Abandoned, "The payment was cancelled."
		if intent.CancellationReason == stripe.PaymentIntentCancellationReasonRequestedByCustomer {
			result.Code, result.Reason = payment.Declined, declined
			if intent.LastPaymentError != nil {
				result.Reason = declineReason(intent.LastPaymentError)
			}
		}
	}
	return result
}

// isUntouched says whether nobody has tried to pay the PaymentIntent.
func isUntouched(intent *stripe.PaymentIntent) bool {
	return intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod && intent.LastPaymentError == nil
}
