package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// double is a gateway whose every call returns what the test says.
type double struct {
	name    string
	respond func(ctx context.Context) (payment.Outcome, error)
	calls   int
}

func (d *double) CheckAmount(money.Money) error { return nil }

func (d *double) Name() string { return d.name }

func (d *double) result(ctx context.Context) (gateway.Result, error) {
	d.calls++
	outcome, err := d.respond(ctx)
	return gateway.Result{Outcome: outcome}, err
}

func (d *double) Create(ctx context.Context, _ gateway.Payment) (gateway.Result, error) {
	return d.result(ctx)
}

func (d *double) Confirm(ctx context.Context, _ gateway.Payment) (gateway.Result, error) {
	return d.result(ctx)
}

func (d *double) Lookup(ctx context.Context, _ gateway.Payment) (gateway.Result, error) {
	return d.result(ctx)
}

func (d *double) Cancel(ctx context.Context, _ gateway.Payment) (gateway.Result, error) {
	return d.result(ctx)
}

func (d *double) Refund(ctx context.Context, _ gateway.Refund) (gateway.RefundResult, error) {
	_, err := d.result(ctx)
	return gateway.RefundResult{}, err
}

func (d *double) Reversals(ctx context.Context, _ gateway.Payment) ([]gateway.Reversal, error) {
	_, err := d.result(ctx)
	return nil, err
}

func failsWith(err error) func(context.Context) (payment.Outcome, error) {
	return func(context.Context) (payment.Outcome, error) { return "", err }
}

func returnsOutcome(outcome payment.Outcome) func(context.Context) (payment.Outcome, error) {
	return func(context.Context) (payment.Outcome, error) { return outcome, nil }
}

func hangs(ctx context.Context) (payment.Outcome, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

const timeout = 10 * time.Second

func newGuarded(t *testing.T, d *double) gateway.Gateway {
	t.Helper()
	r, err := gateway.NewRouter(gateway.Config{Gateways: []gateway.Gateway{d}, Enabled: []string{d.name}, Timeout: timeout})
	require.NoError(t, err)
	g, err := r.ByName(d.name)
	require.NoError(t, err)
	return g
}

func TestRouterPicksByMethodAndConfiguration(t *testing.T) {
	all := []gateway.Gateway{&double{name: "sandbox"}, &double{name: "paypal"}, &double{name: "stripe"}}
	for _, test := range []struct {
		enabled []string
		picks   map[string]string // by method; absent: it is rejected
	}{
		{[]string{"sandbox"}, map[string]string{"card": "sandbox", "paypal": "sandbox"}},
		{[]string{"paypal", "stripe"}, map[string]string{"card": "stripe", "paypal": "paypal"}},
		{[]string{"sandbox", "stripe"}, map[string]string{"card": "stripe", "paypal": "sandbox"}},
		{[]string{"stripe"}, map[string]string{"card": "stripe"}},
		{nil, nil},
	} {
		r, err := gateway.NewRouter(gateway.Config{Gateways: all, Enabled: test.enabled})
		require.NoError(t, err)
		for _, method := range []string{"card", "paypal", "barter"} {
			g, err := r.Pick(method)
			want, taken := test.picks[method]
			if !taken {
				rejected, _ := rejection.As(err)
				require.NotNil(t, rejected, "%v, %s", test.enabled, method)
				require.Equal(t, rejection.Invalid, rejected.Code)
				continue
			}
			require.NoError(t, err, "%v, %s", test.enabled, method)
			require.Equal(t, want, g.Name(), "%v, %s", test.enabled, method)
		}
	}
}

func TestRouterFindsGatewaysThatAreNotEnabled(t *testing.T) {
	r, err := gateway.NewRouter(gateway.Config{Gateways: []gateway.Gateway{&double{name: "stripe"}}})
	require.NoError(t, err)
	g, err := r.ByName("stripe")
	require.NoError(t, err)
	require.Equal(t, "stripe", g.Name())
	_, err = r.ByName("paypal")
	require.Error(t, err)
}

func TestRouterCannotEnableAGatewayThatItDoesNotHave(t *testing.T) {
	_, err := gateway.NewRouter(gateway.Config{Enabled: []string{"stripe"}})
	require.Error(t, err)
}

func TestBreakerOpensAfterFiveFailuresAndTriesAgainAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &double{name: "sandbox", respond: failsWith(errors.New("connection reset"))}
		g := newGuarded(t, d)
		for range 5 {
			_, err := g.Lookup(t.Context(), gateway.Payment{})
			require.NotErrorIs(t, err, gateway.ErrUnavailable, "the breaker is closed")
		}
		requireOpen(t, g, d)
		_, err := g.Refund(t.Context(), gateway.Refund{})
		require.NotErrorIs(t, err, gateway.ErrUnavailable, "refunds have a breaker of their own")

		time.Sleep(30*time.Second - time.Millisecond)
		requireOpen(t, g, d)

		time.Sleep(2 * time.Millisecond)
		_, err = g.Lookup(t.Context(), gateway.Payment{})
		require.NotErrorIs(t, err, gateway.ErrUnavailable, "one call may try")
		requireOpen(t, g, d) // it failed

		time.Sleep(30*time.Second + time.Millisecond)
		d.respond = returnsOutcome(payment.OutcomeSucceeded)
		for range 2 {
			_, err := g.Lookup(t.Context(), gateway.Payment{})
			require.NoError(t, err, "the gateway has recovered")
		}
	})
}

// requireOpen requires every call that takes money to be refused at once, without reaching the gateway.
func requireOpen(t *testing.T, g gateway.Gateway, d *double) {
	t.Helper()
	before, began := d.calls, time.Now()
	_, create := g.Create(t.Context(), gateway.Payment{})
	_, confirm := g.Confirm(t.Context(), gateway.Payment{})
	_, lookup := g.Lookup(t.Context(), gateway.Payment{})
	_, cancel := g.Cancel(t.Context(), gateway.Payment{})
	for i, err := range []error{create, confirm, lookup, cancel} {
		require.ErrorIs(t, err, gateway.ErrUnavailable, i)
	}
	require.Equal(t, before, d.calls)
	require.Zero(t, time.Since(began))
}

func TestRefundsThatFailDoNotKeepPaymentsFromBeingMade(t *testing.T) {
	d := &double{name: "sandbox", respond: failsWith(errors.New("connection reset"))}
	g := newGuarded(t, d)
	for range 5 {
		_, err := g.Refund(t.Context(), gateway.Refund{})
		require.NotErrorIs(t, err, gateway.ErrUnavailable)
	}
	_, err := g.Reversals(t.Context(), gateway.Payment{})
	require.ErrorIs(t, err, gateway.ErrUnavailable)
	d.respond = returnsOutcome(payment.OutcomeSucceeded)
	_, err = g.Confirm(t.Context(), gateway.Payment{})
	require.NoError(t, err)
}

func TestBreakerCountsNeitherDeclinesNorCallersThatLeft(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, test := range map[string]struct {
		ctx     context.Context
		respond func(context.Context) (payment.Outcome, error)
	}{
		"declines":          {t.Context(), returnsOutcome(payment.OutcomeFailed)},
		"unknown payments":  {t.Context(), failsWith(gateway.ErrUnknownPayment)},
		"refused requests":  {t.Context(), failsWith(fmt.Errorf("%w: %w", gateway.ErrUnavailable, gateway.ErrRefused))},
		"callers that left": {gone, hangs},
	} {
		t.Run(name, func(t *testing.T) {
			d := &double{name: "sandbox", respond: test.respond}
			g := newGuarded(t, d)
			for range 20 {
				_, _ = g.Confirm(test.ctx, gateway.Payment{})
			}
			require.Equal(t, 20, d.calls)
		})
	}
}

func TestBreakerCountsOnlyFailuresInARow(t *testing.T) {
	d := &double{name: "sandbox"}
	g := newGuarded(t, d)
	for range 5 {
		d.respond = failsWith(gateway.ErrUnavailable)
		for range 4 {
			_, _ = g.Confirm(t.Context(), gateway.Payment{})
		}
		d.respond = returnsOutcome(payment.OutcomeFailed)
		_, _ = g.Confirm(t.Context(), gateway.Payment{})
	}
	require.Equal(t, 25, d.calls)
}

func TestTimeoutOfCreateIsUnavailableAndOfConfirmIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, &double{name: "sandbox", respond: hangs})
		began := time.Now()
		_, err := g.Create(t.Context(), gateway.Payment{})
		require.ErrorIs(t, err, gateway.ErrUnavailable)
		require.Equal(t, timeout, time.Since(began))
		_, err = g.Confirm(t.Context(), gateway.Payment{})
		require.Error(t, err)
		require.NotErrorIs(t, err, gateway.ErrUnavailable)
	})
}

func TestPanicsOfAGatewayOpenTheBreaker(t *testing.T) {
	g := newGuarded(t, &double{name: "sandbox", respond: func(context.Context) (payment.Outcome, error) { panic("out of range") }})
	for range 5 {
		require.Panics(t, func() { _, _ = g.Confirm(t.Context(), gateway.Payment{}) })
	}
	_, err := g.Confirm(t.Context(), gateway.Payment{})
	require.ErrorIs(t, err, gateway.ErrUnavailable)
}
