package gateway_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/rejection"
)

// double is a gateway whose every call answers what the test says, and counts.
type double struct {
	name   string
	answer func(ctx context.Context) (payment.Outcome, error)
	calls  int
}

func (d *double) Name() string { return d.name }

func (d *double) result(ctx context.Context) (gateway.Result, error) {
	d.calls++
	outcome, err := d.answer(ctx)
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
	if err != nil {
		t.Fatal(err)
	}
	g, err := r.ByName(d.name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRouterPicksByMethodAndConfiguration(t *testing.T) {
	all := []gateway.Gateway{&double{name: "sandbox"}, &double{name: "paypal"}, &double{name: "stripe"}}
	for _, test := range []struct {
		enabled []string
		picks   map[string]string // by method; absent: nobody takes it
	}{
		{[]string{"sandbox"}, map[string]string{"card": "sandbox", "paypal": "sandbox"}},
		{[]string{"paypal", "stripe"}, map[string]string{"card": "stripe", "paypal": "paypal"}},
		{[]string{"sandbox", "stripe"}, map[string]string{"card": "stripe", "paypal": "sandbox"}},
		{[]string{"stripe"}, map[string]string{"card": "stripe"}},
		{nil, nil},
	} {
		r, err := gateway.NewRouter(gateway.Config{Gateways: all, Enabled: test.enabled, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"card", "paypal", "barter"} {
			g, err := r.Pick(method)
			want, taken := test.picks[method]
			switch rejected, _ := rejection.As(err); {
			case taken && (err != nil || g.Name() != want):
				t.Errorf("%v, %s: got %v, %v; want %s", test.enabled, method, g, err, want)
			case !taken && (rejected == nil || rejected.Code != rejection.Invalid):
				t.Errorf("%v, %s: got %v, want a rejection", test.enabled, method, err)
			}
		}
	}
}

func TestRouterStillKnowsAGatewayThatIsNotEnabled(t *testing.T) {
	r, err := gateway.NewRouter(gateway.Config{Gateways: []gateway.Gateway{&double{name: "stripe"}}, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := r.ByName("stripe"); err != nil || g.Name() != "stripe" {
		t.Errorf("got %v, %v", g, err)
	}
	if _, err := r.ByName("paypal"); err == nil {
		t.Error("a gateway that is not there was found")
	}
}

func TestRouterRefusesToEnableWhatIsNotThere(t *testing.T) {
	if _, err := gateway.NewRouter(gateway.Config{Enabled: []string{"stripe"}, Timeout: timeout}); err == nil {
		t.Error("no error")
	}
}

func TestBreakerOpensAfterFiveFailuresAndTriesAgainAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &double{name: "sandbox", answer: failsWith(errors.New("connection reset"))}
		g := newGuarded(t, d)
		for range 5 {
			if _, err := g.Lookup(t.Context(), gateway.Payment{}); errors.Is(err, gateway.ErrUnavailable) {
				t.Fatalf("refused while closed: %v", err)
			}
		}
		expectOpen(t, g, d)

		time.Sleep(30*time.Second - time.Millisecond)
		expectOpen(t, g, d)

		time.Sleep(2 * time.Millisecond)
		if _, err := g.Lookup(t.Context(), gateway.Payment{}); errors.Is(err, gateway.ErrUnavailable) {
			t.Fatalf("the one try was refused: %v", err)
		}
		expectOpen(t, g, d) // the try failed

		time.Sleep(30*time.Second + time.Millisecond)
		d.answer = returnsOutcome(payment.OutcomeSucceeded)
		for range 2 {
			if _, err := g.Lookup(t.Context(), gateway.Payment{}); err != nil {
				t.Fatalf("refused after recovery: %v", err)
			}
		}
	})
}

// expectOpen wants every call to be refused at once, without reaching the gateway.
func expectOpen(t *testing.T, g gateway.Gateway, d *double) {
	t.Helper()
	before, began := d.calls, time.Now()
	_, create := g.Create(t.Context(), gateway.Payment{})
	_, confirm := g.Confirm(t.Context(), gateway.Payment{})
	_, lookup := g.Lookup(t.Context(), gateway.Payment{})
	_, cancel := g.Cancel(t.Context(), gateway.Payment{})
	_, refund := g.Refund(t.Context(), gateway.Refund{})
	_, reversals := g.Reversals(t.Context(), gateway.Payment{})
	for i, err := range []error{create, confirm, lookup, cancel, refund, reversals} {
		if !errors.Is(err, gateway.ErrUnavailable) {
			t.Errorf("call %d: got %v, want ErrUnavailable", i, err)
		}
	}
	if d.calls != before || time.Since(began) != 0 {
		t.Errorf("%d calls were sent in %v", d.calls-before, time.Since(began))
	}
}

func TestBreakerCountsNoAnswersAndNoCallersThatLeft(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, test := range map[string]struct {
		ctx    context.Context
		answer func(context.Context) (payment.Outcome, error)
	}{
		"declines":          {t.Context(), returnsOutcome(payment.OutcomeFailed)},
		"unknown payments":  {t.Context(), failsWith(gateway.ErrUnknownPayment)},
		"callers that left": {gone, hangs},
	} {
		t.Run(name, func(t *testing.T) {
			d := &double{name: "sandbox", answer: test.answer}
			g := newGuarded(t, d)
			for range 20 {
				_, _ = g.Confirm(test.ctx, gateway.Payment{})
			}
			if d.calls != 20 {
				t.Errorf("%d of 20 calls were sent", d.calls)
			}
		})
	}
}

func TestBreakerCountsOnlyFailuresInARow(t *testing.T) {
	d := &double{name: "sandbox"}
	g := newGuarded(t, d)
	for range 5 {
		d.answer = failsWith(gateway.ErrUnavailable)
		for range 4 {
			_, _ = g.Confirm(t.Context(), gateway.Payment{})
		}
		d.answer = returnsOutcome(payment.OutcomeFailed)
		_, _ = g.Confirm(t.Context(), gateway.Payment{})
	}
	if d.calls != 25 {
		t.Errorf("%d of 25 calls were sent", d.calls)
	}
}

func TestTimeoutOfCreateIsUnavailableAndOfConfirmIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, &double{name: "sandbox", answer: hangs})
		began := time.Now()
		_, err := g.Create(t.Context(), gateway.Payment{})
		if !errors.Is(err, gateway.ErrUnavailable) || time.Since(began) != timeout {
			t.Errorf("create: got %v after %v", err, time.Since(began))
		}
		if _, err := g.Confirm(t.Context(), gateway.Payment{}); err == nil || errors.Is(err, gateway.ErrUnavailable) {
			t.Errorf("confirm: got %v, want an error that leaves open what happened", err)
		}
	})
}

func TestAPanickingGatewayCountsAsFailed(t *testing.T) {
	d := &double{name: "sandbox", answer: func(context.Context) (payment.Outcome, error) { panic("out of range") }}
	g := newGuarded(t, d)
	var errs []error
	for range 6 {
		func() {
			defer func() { _ = recover() }()
			_, err := g.Confirm(t.Context(), gateway.Payment{})
			errs = append(errs, err)
		}()
	}
	if !slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, gateway.ErrUnavailable) }) {
		t.Errorf("the breaker did not open: %v", errs)
	}
}
