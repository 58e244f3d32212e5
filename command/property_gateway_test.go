package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/money"
)

// The card tokens of the bank determine the outcome of a payment and of its refunds.
const (
	cardOK            = "ok"
	cardDeclined      = "declined"
	cardDownAtCreate  = "down at create"  // unavailable
	cardDownAtConfirm = "down at confirm" // unavailable
	cardLost          = "lost"            // charged, and the response is lost
	cardUnsure        = "unsure"          // not charged, and the response is lost
	cardAction        = "action"          // the customer has to do something first
	cardActionDecline = "action, then declined"
	cardRefundPending = "refund pending" // when asked first
	cardRefundDown    = "refund down"    // when asked first
)

func cards() []string {
	return []string{
		cardOK, cardDeclined, cardDownAtCreate, cardDownAtConfirm, cardLost, cardUnsure, cardAction, cardActionDecline, cardRefundPending, cardRefundDown,
	}
}

type bankStatus string

const (
	bankCreated   bankStatus = "created"
	bankAction    bankStatus = "action"
	bankCharged   bankStatus = "charged"
	bankDeclined  bankStatus = "declined"
	bankCancelled bankStatus = "cancelled"
)

// account is a payment at the bank.
type account struct {
	status bankStatus
	minor  int64
	token  string
}

// bank is a gateway in memory that keeps its own books: what it has taken and given back is the truth about money.
type bank struct {
	mu       sync.Mutex
	accounts map[string]*account // by payment
	refunds  []*bankRefund
	asked    map[string]bool // refunds that were asked for before
}

// bankRefund is a refund at the bank: one attempt at one of ours.
type bankRefund struct {
	id       string
	attempt  int
	account  string // the payment
	minor    int64
	sentBack bool
}

func newBank() *bank {
	return &bank{accounts: map[string]*account{}, asked: map[string]bool{}}
}

// balance returns what was taken and not given back, in minor units.
func (b *bank) balance() (minor int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.accounts {
		if a.status == bankCharged {
			minor += a.minor
		}
	}
	for _, r := range b.refunds {
		if !r.sentBack {
			minor -= r.minor
		}
	}
	return minor
}

// sendBack takes back what was given for a refund.
func (b *bank) sendBack(refundID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.refunds {
		r.sentBack = r.sentBack || r.id == refundID
	}
}

func (b *bank) charged(paymentID string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[paymentID]
	return a != nil && a.status == bankCharged
}

func (a *account) result(paymentID string) gateway.Result {
	r := gateway.Result{TransactionID: transaction(paymentID)}
	switch a.status {
	case bankCreated:
		r.Outcome = payment.OutcomeCreated
	case bankAction:
		r.Outcome = payment.OutcomeRequiresAction
	case bankCharged:
		r.Outcome = payment.OutcomeSucceeded
	case bankDeclined:
		r.Outcome, r.Code, r.Reason = payment.OutcomeFailed, payment.Declined, "declined"
	case bankCancelled:
		r.Outcome, r.Code, r.Reason = payment.OutcomeFailed, payment.Abandoned, "cancelled"
	}
	return r
}

func transaction(paymentID string) string { return "bank_" + paymentID }

var (
	errLost = errors.New("the response was lost")
	errDead = errors.New("the process is dead")
)

// branch is the bank as one process sees it: a process that dies does not call it any more, or never gets the response.
type branch struct {
	*bank
	process *process
}

var _ gateway.Gateway = branch{}

// callBank calls do, unless the process is dead before or after.
func callBank[T any](b branch, do func() (T, error)) (result T, err error) {
	if b.process.step() {
		return result, errDead
	}
	b.mu.Lock()
	result, err = do()
	b.mu.Unlock()
	if b.process.step() {
		return result, errDead
	}
	return result, err
}

func (branch) Name() string { return "bank" }

func (b branch) Create(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return callBank(b, func() (gateway.Result, error) {
		if p.CardToken == cardDownAtCreate {
			return gateway.Result{}, gateway.ErrUnavailable
		}
		if b.accounts[p.ID] == nil {
			b.accounts[p.ID] = &account{status: bankCreated, minor: p.Amount.Minor, token: p.CardToken}
		}
		return b.accounts[p.ID].result(p.ID), nil
	})
}

func (b branch) Confirm(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return callBank(b, func() (gateway.Result, error) {
		a := b.accounts[p.ID]
		if a == nil {
			return gateway.Result{}, gateway.ErrUnknownPayment
		}
		switch {
		case a.status == bankAction && a.token == cardActionDecline:
			a.status = bankDeclined
		case a.status == bankAction:
			a.status = bankCharged
		case a.status != bankCreated: // it has ended
		case a.token == cardDownAtConfirm:
			return gateway.Result{}, gateway.ErrUnavailable
		case a.token == cardUnsure:
			return gateway.Result{}, errLost
		case a.token == cardDeclined:
			a.status = bankDeclined
		case a.token == cardAction || a.token == cardActionDecline:
			a.status = bankAction
		default:
			a.status = bankCharged
			if a.token == cardLost {
				return gateway.Result{}, errLost
			}
		}
		return a.result(p.ID), nil
	})
}

func (b branch) Lookup(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return callBank(b, func() (gateway.Result, error) {
		if b.accounts[p.ID] == nil {
			return gateway.Result{}, gateway.ErrUnknownPayment
		}
		return b.accounts[p.ID].result(p.ID), nil
	})
}

func (b branch) Cancel(_ context.Context, p gateway.Payment) (gateway.Result, error) {
	return callBank(b, func() (gateway.Result, error) {
		if b.accounts[p.ID] == nil {
			b.accounts[p.ID] = &account{status: bankCancelled}
			return gateway.Result{}, gateway.ErrUnknownPayment
		}
		if a := b.accounts[p.ID]; a.status == bankCreated || a.status == bankAction {
			a.status = bankCancelled
		}
		return b.accounts[p.ID].result(p.ID), nil
	})
}

func (b branch) Refund(_ context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	return callBank(b, func() (gateway.RefundResult, error) {
		for id, a := range b.accounts {
			if transaction(id) != r.TransactionID {
				continue
			}
			first := !b.asked[r.ID]
			b.asked[r.ID] = true
			switch {
			case a.status != bankCharged:
				return gateway.RefundResult{}, fmt.Errorf("payment %s was never charged", id)
			case first && a.token == cardRefundDown:
				return gateway.RefundResult{}, gateway.ErrUnavailable
			case first && a.token == cardRefundPending:
				return gateway.RefundResult{Pending: true}, nil
			}
			if !slices.ContainsFunc(b.refunds, func(known *bankRefund) bool { return known.id == r.ID && known.attempt == r.Attempt }) {
				b.refunds = append(b.refunds, &bankRefund{id: r.ID, attempt: r.Attempt, account: id, minor: r.Amount.Minor})
			}
			return gateway.RefundResult{}, nil
		}
		return gateway.RefundResult{}, gateway.ErrUnknownPayment
	})
}

// Reversals returns the refunds of a payment, each attempt by itself.
func (b branch) Reversals(_ context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	return callBank(b, func() (reversals []gateway.Reversal, err error) {
		for _, r := range b.refunds {
			if r.account != p.ID {
				continue
			}
			status := gateway.ReversalDone
			if r.sentBack {
				status = gateway.ReversalFailed
			}
			reversals = append(reversals, gateway.Reversal{
				ID: fmt.Sprintf("%s/%d", r.id, r.attempt), RefundID: r.id, Attempt: r.attempt, Status: status, Reason: "account closed",
				Amount: money.Money{Minor: r.minor, Currency: p.Amount.Currency},
			})
		}
		return reversals, nil
	})
}

// Pick and ByName make a branch the only gateway there is.
func (b branch) Pick(string) (gateway.Gateway, error)   { return b, nil }
func (branch) CheckPrice(money.Money) error             { return nil }
func (branch) CheckAmount(money.Money) error            { return nil }
func (b branch) ByName(string) (gateway.Gateway, error) { return b, nil }
