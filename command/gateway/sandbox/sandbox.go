// Package sandbox is a payment gateway without a network and without money, for laptops and tests. It keeps its state in the events
// database, so that api and saga processes see the same payments, and it is as strict about idempotency as a real gateway.
//
// The card token decides the outcome of a payment. It accepts Stripe's test tokens, as payment methods (pm_card_visa) and as tokens
// (tok_visa): cards that are charged (visa, mastercard, amex, …), that are declined (chargeDeclined, chargeDeclinedInsufficientFunds, …),
// that require the customer to authenticate (authenticationRequired, threeDSecure2Required, …: the next Confirm finds that the customer
// did), and those whose refunds are pending (pendingRefund) or fail (refundFail). Its own tokens are
//
//   - pm_sandbox_unavailable: creating the payment fails as unavailable
//   - pm_sandbox_timeout: the payment is charged and the response is lost
//   - pm_sandbox_refundUnavailable: the first call for each refund fails as unavailable
//
// A payment with any other token fails. A payment without a card token and with a ReturnURL is approved by redirect, like PayPal's: the
// sandbox has no page for it and redirects the customer to the ReturnURL at once.
package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/gateway"
	"ticketing/internal/money"
)

// Name is the gateway's name.
const Name = "sandbox"

var (
	// ErrIdempotencyMismatch means that an id was used again with another amount or payment; nothing was changed.
	ErrIdempotencyMismatch = errors.New("the idempotency key was used with a different request")
	// errAnswerLost is the error of pm_sandbox_timeout: the caller can't know what happened.
	errAnswerLost = errors.New("the response was lost")
)

// Gateway implements gateway.Gateway.
type Gateway struct{ pool *pgxpool.Pool }

var _ gateway.Gateway = (*Gateway)(nil)

// New returns a sandbox that keeps its state in the events database.
func New(pool *pgxpool.Pool) *Gateway { return &Gateway{pool: pool} }

// Name implements gateway.Gateway.
func (g *Gateway) Name() string { return Name }

// CheckAmount implements gateway.Gateway. The sandbox takes every amount.
func (g *Gateway) CheckAmount(money.Money) error { return nil }

// Create implements gateway.Gateway. The same payment with another amount is ErrIdempotencyMismatch.
func (g *Gateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if r, _ := ruleOf(p.CardToken); r.unavailable {
		return gateway.Result{}, fmt.Errorf("create payment %s in the sandbox: %w", p.ID, gateway.ErrUnavailable)
	}
	return g.inTransaction(ctx, "create", p, func(tx pgx.Tx) (gateway.Result, error) {
		if err := insertPayment(ctx, tx, newPaymentRow(p)); err != nil {
			return gateway.Result{}, err
		}
		r, err := lockPayment(ctx, tx, p.ID)
		switch {
		case err != nil:
			return gateway.Result{}, err
		case r.transactionID != nil && r.chargedAmount() != p.Amount:
			return gateway.Result{}, ErrIdempotencyMismatch
		}
		return r.toResult(), nil
	})
}

// Confirm implements gateway.Gateway. When the customer had to authenticate, calling it again means that this was done.
func (g *Gateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	var lost bool
	result, err := g.inTransaction(ctx, "confirm", p, func(tx pgx.Tx) (gateway.Result, error) {
		r, err := lockPayment(ctx, tx, p.ID)
		if err != nil {
			return gateway.Result{}, err
		}
		lost = r.confirm(p.CardToken, p.ReturnURL)
		return r.toResult(), updatePayment(ctx, tx, r)
	})
	if err == nil && lost {
		return gateway.Result{}, fmt.Errorf("confirm payment %s in the sandbox: %w", p.ID, errAnswerLost)
	}
	return result, err
}

// Lookup implements gateway.Gateway.
func (g *Gateway) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	return g.inTransaction(ctx, "look up", p, func(tx pgx.Tx) (gateway.Result, error) {
		r, err := lockPayment(ctx, tx, p.ID)
		if err == nil && r.transactionID == nil {
			err = gateway.ErrUnknownPayment
		}
		return r.toResult(), err
	})
}

// Cancel implements gateway.Gateway. It also records payments that were never created, so that they never will be.
func (g *Gateway) Cancel(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	var unknown bool
	result, err := g.inTransaction(ctx, "cancel", p, func(tx pgx.Tx) (gateway.Result, error) {
		if err := insertPayment(ctx, tx, cancelledRow(p)); err != nil {
			return gateway.Result{}, err
		}
		r, err := lockPayment(ctx, tx, p.ID)
		if err != nil {
			return gateway.Result{}, err
		}
		unknown = r.transactionID == nil
		r.cancel()
		return r.toResult(), updatePayment(ctx, tx, r)
	})
	if err == nil && unknown {
		return gateway.Result{}, fmt.Errorf("cancel payment %s in the sandbox: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return result, err
}

// inTransaction runs one call as a transaction; its error has the call and the payment.
func (g *Gateway) inTransaction(ctx context.Context, call string, p gateway.Payment, f func(tx pgx.Tx) (gateway.Result, error)) (gateway.Result, error) {
	var result gateway.Result
	err := pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) (err error) {
		result, err = f(tx)
		return err
	})
	if err != nil {
		return gateway.Result{}, fmt.Errorf("%s payment %s in the sandbox: %w", call, p.ID, err)
	}
	return result, nil
}
