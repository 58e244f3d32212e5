package graph

import (
	"context"

	"ticketing/command"
	"ticketing/graph/model"
	"ticketing/query"
)

// ReserveSeats implements generated.MutationResolver.
func (r mutationResolver) ReserveSeats(ctx context.Context, in model.ReserveSeatsInput) (*model.ReserveSeatsPayload, error) {
	reserved, wrong, err := once(ctx, in.IdempotencyKey, func(by command.Caller) (*query.Reservation, []*model.UserError, error) {
		reserve, wrong := reserveSeats(in)
		if wrong != nil {
			return nil, wrong, nil
		}
		reserved, err := r.commands.ReserveSeats(ctx, by, reserve)
		return reservationView(reserved), nil, err
	})
	return &model.ReserveSeatsPayload{Reservation: reserved, UserErrors: wrong}, err
}

// CancelReservation implements generated.MutationResolver.
func (r mutationResolver) CancelReservation(ctx context.Context, in model.CancelReservationInput) (*model.CancelReservationPayload, error) {
	cancelled, wrong, err := once(ctx, in.IdempotencyKey, func(by command.Caller) (*query.Reservation, []*model.UserError, error) {
		cancel, wrong := cancelReservation(in)
		if wrong != nil {
			return nil, wrong, nil
		}
		cancelled, err := r.commands.CancelReservation(ctx, by, cancel)
		return reservationView(cancelled), nil, err
	})
	return &model.CancelReservationPayload{Reservation: cancelled, UserErrors: wrong}, err
}

// ProcessPayment implements generated.MutationResolver.
func (r mutationResolver) ProcessPayment(ctx context.Context, in model.ProcessPaymentInput) (*model.ProcessPaymentPayload, error) {
	paid, wrong, err := once(ctx, in.IdempotencyKey, func(by command.Caller) (command.Paid, []*model.UserError, error) {
		pay, wrong := r.processPayment(in)
		if wrong != nil {
			return command.Paid{}, wrong, nil
		}
		paid, err := r.commands.ProcessPayment(ctx, by, pay)
		return paid, nil, err
	})
	return paidPayload(paid, wrong), err
}

// ConfirmPayment implements generated.MutationResolver.
func (r mutationResolver) ConfirmPayment(ctx context.Context, in model.ConfirmPaymentInput) (*model.ProcessPaymentPayload, error) {
	paid, wrong, err := once(ctx, in.IdempotencyKey, func(by command.Caller) (command.Paid, []*model.UserError, error) {
		if wrong := checkPayment(in.PaymentID); wrong != nil {
			return command.Paid{}, wrong, nil
		}
		paid, err := r.commands.ConfirmPayment(ctx, by, in.PaymentID)
		return paid, nil, err
	})
	return paidPayload(paid, wrong), err
}

// RefundPayment implements generated.MutationResolver.
func (r mutationResolver) RefundPayment(ctx context.Context, in model.RefundPaymentInput) (*model.RefundPaymentPayload, error) {
	refunding, wrong, err := once(ctx, in.IdempotencyKey, func(by command.Caller) (command.Refunding, []*model.UserError, error) {
		refund, wrong := refundPayment(in)
		if wrong != nil {
			return command.Refunding{}, wrong, nil
		}
		refunding, err := r.commands.RefundPayment(ctx, by, refund)
		return refunding, nil, err
	})
	payload := &model.RefundPaymentPayload{UserErrors: wrong}
	if refunding.Payment.ID != "" {
		refund := refundView(refunding.Refund)
		payload.Refund, payload.Payment = &refund, paymentView(command.Paid{Payment: &refunding.Payment})
	}
	return payload, err
}

func paidPayload(paid command.Paid, wrong []*model.UserError) *model.ProcessPaymentPayload {
	return &model.ProcessPaymentPayload{Payment: paymentView(paid), Reservation: reservationView(paid.Reservation), UserErrors: wrong}
}

// once runs a mutation that needs an idempotency key. A rejection becomes userErrors, beside the value when the mutation answered one.
func once[T any](ctx context.Context, key *string, mutate func(command.Caller) (T, []*model.UserError, error)) (T, []*model.UserError, error) {
	var value T
	by, err := callerOnce(ctx, key)
	if err == nil {
		var wrong []*model.UserError
		if value, wrong, err = mutate(by); err == nil {
			return value, wrong, nil
		}
	}
	wrong, err := userErrors(err)
	return value, wrong, err
}
