package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/mail"
	"ticketing/internal/money"
)

// outside is what the payment gateway and the mail server hold. They are a server of the simulation too, whose statements are their calls: each can be
// lost, be late, or be carried out without a reply.
type outside struct {
	accounts map[string]account    // by payment
	refunds  map[string]bankRefund // by idempotency key
	mails    map[string]int        // how often each was sent
}

type account struct { //nolint:recvcheck // a copy says what it is later; the stored one changes
	minor     int64
	card      string
	status    string
	confirmed time.Time
}

type bankRefund struct {
	paymentID string
	minor     int64
}

// The cards decide on what becomes of payments.
const (
	goodCard          = "good"
	declinedCard      = "declined"
	actionCard        = "action"         // the customer has to do something first
	slowCard          = "slow"           // the bank needs a while
	awayCard          = "away"           // the gateway is not there, and says so
	refundPendingCard = "refund pending" // when one is asked for the first time
)

// slowness is how long a bank needs that is slow.
const slowness = 20 * time.Second

const (
	created  = "created"
	action   = "action"
	slow     = "processing"
	charged  = "charged"
	declined = "declined"
	given    = "given up"
	unknown  = "unknown"
	away     = "away"
)

// at returns the account as it is at a time.
func (a account) at(now time.Time) account {
	if a.status == slow && now.Sub(a.confirmed) > slowness {
		a.status = charged
	}
	return a
}

var statusColumn = []column{{"status", text}}

// outsideStatements are the calls of the gateway and the mail server.
var outsideStatements = []statement{
	{sql: `create`, params: []uint32{text, bigint, text}, columns: statusColumn, run: func(x *execution) ([][]any, error) {
		return changeAccount(x, func(a *account) {
			switch {
			case arg[string](x, 3) == awayCard:
				a.status = away
			case a.status == unknown:
				*a = account{minor: arg[int64](x, 2), card: arg[string](x, 3), status: created}
			}
		})
	}},
	{sql: `confirm`, params: []uint32{text}, columns: statusColumn, run: func(x *execution) ([][]any, error) {
		return changeAccount(x, func(a *account) { a.confirm(x.now()) })
	}},
	{sql: `cancel`, params: []uint32{text}, columns: statusColumn, run: func(x *execution) ([][]any, error) {
		unmade := false
		rows, err := changeAccount(x, func(a *account) {
			unmade = a.status == unknown
			if unmade || a.status == created || a.status == action {
				a.status = given
			}
		})
		if unmade {
			rows = [][]any{{unknown}}
		}
		return rows, err
	}},
	{sql: `look up`, params: []uint32{text}, columns: statusColumn, run: func(x *execution) ([][]any, error) {
		return changeAccount(x, func(*account) {})
	}},
	{sql: `refund`, params: []uint32{text, text, bigint}, columns: statusColumn, run: refundAccount},
	{sql: `send`, params: []uint32{text}, columns: statusColumn, run: func(x *execution) ([][]any, error) {
		id := arg[string](x, 1)
		x.tx.change(func(s *state) { edit(&s.outside.mails, func(mails map[string]int) { mails[id]++ }) })
		return [][]any{{"sent"}}, nil
	}},
}

// changeAccount changes the account of a payment, and returns its status.
func changeAccount(x *execution, f func(*account)) ([][]any, error) {
	id := arg[string](x, 1)
	if err := x.lock("account " + id); err != nil {
		return nil, err
	}
	before, ok := x.tx.view().outside.accounts[id]
	if !ok {
		before.status = unknown
	}
	after := before.at(x.now())
	f(&after)
	if after != before && after.status != away {
		x.tx.change(func(s *state) { edit(&s.outside.accounts, func(accounts map[string]account) { accounts[id] = after }) })
	}
	return [][]any{{after.status}}, nil
}

func (a *account) confirm(now time.Time) {
	switch {
	case a.status == action:
		a.status = charged
	case a.status != created:
	case a.card == declinedCard:
		a.status = declined
	case a.card == actionCard:
		a.status = action
	case a.card == slowCard:
		a.status, a.confirmed = slow, now
	default:
		a.status = charged
	}
}

// refundAccount gives money back, once for each key and however much it is.
func refundAccount(x *execution) ([][]any, error) {
	id, key, minor := arg[string](x, 1), arg[string](x, 2), arg[int64](x, 3)
	if err := x.lock("account " + id); err != nil {
		return nil, err
	}
	waits := x.tx.view().outside.accounts[id].card == refundPendingCard
	for _, r := range x.tx.view().outside.refunds {
		waits = waits && r.paymentID != id
	}
	if _, known := x.tx.view().outside.refunds[key]; !known {
		r := bankRefund{id, minor}
		x.tx.change(func(s *state) { edit(&s.outside.refunds, func(refunds map[string]bankRefund) { refunds[key] = r }) })
	}
	if waits {
		return [][]any{{slow}}, nil
	}
	return [][]any{{charged}}, nil
}

// kept returns what was taken for a payment and not given back.
func (o outside) kept(paymentID string, now time.Time) (minor int64) {
	if a := o.accounts[paymentID].at(now); a.status == charged {
		minor = a.minor
	}
	for _, r := range o.refunds {
		if r.paymentID == paymentID {
			minor -= r.minor
		}
	}
	return minor
}

// branch is the gateway and the mail server as a process reaches them.
type branch struct{ pool *pgxpool.Pool }

var (
	_ gateway.Gateway = branch{}
	_ mail.Mailer     = branch{}
)

// gateways returns the gateways of a process.
func (b branch) gateways() command.Gateways {
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{b}, Enabled: []string{b.Name()}, Timeout: gatewayTimeout, Logger: logger(),
	})
	if err != nil {
		panic(err)
	}
	return router
}

func (b branch) call(ctx context.Context, call string, args ...any) (status string, err error) {
	err = b.pool.QueryRow(ctx, call, args...).Scan(&status)
	switch {
	case pgconn.SafeToRetry(err), err == nil && status == away:
		return "", gateway.ErrUnavailable
	case err != nil:
		return "", fmt.Errorf("%s: %w", call, err)
	case status == unknown:
		return "", gateway.ErrUnknownPayment
	}
	return status, nil
}

func (b branch) pay(ctx context.Context, call string, p gateway.Payment, args ...any) (gateway.Result, error) {
	status, err := b.call(ctx, call, append([]any{p.ID}, args...)...)
	if err != nil {
		return gateway.Result{}, err
	}
	r := gateway.Result{TransactionID: p.ID}
	switch status {
	case created:
		r.Outcome = payment.OutcomeCreated
	case action:
		r.Outcome = payment.OutcomeRequiresAction
	case slow:
		r.Outcome = payment.OutcomeProcessing
	case charged:
		r.Outcome = payment.OutcomeSucceeded
	case declined:
		return gateway.Declined(p.ID, "declined"), nil
	case given:
		return gateway.Abandoned(p.ID), nil
	}
	return r, nil
}

// Name is part of gateway.Gateway, as those below are.
func (branch) Name() string                  { return "sandbox" }
func (branch) CheckAmount(money.Money) error { return nil }

func (b branch) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	return b.pay(ctx, "create", p, p.Amount.Minor, p.CardToken)
}

func (b branch) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	return b.pay(ctx, "confirm", p)
}

func (b branch) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	return b.pay(ctx, "look up", p)
}

func (b branch) Cancel(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	return b.pay(ctx, "cancel", p)
}

func (b branch) Refund(ctx context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	status, err := b.call(ctx, "refund", r.TransactionID, r.Key(), r.Amount.Minor)
	return gateway.RefundResult{Pending: status == slow}, err
}

func (branch) Reversals(context.Context, gateway.Payment) ([]gateway.Reversal, error) {
	return nil, nil
}

// Send is part of mail.Mailer.
func (b branch) Send(ctx context.Context, m mail.Message) error {
	_, err := b.call(ctx, "send", m.ID)
	return err
}
