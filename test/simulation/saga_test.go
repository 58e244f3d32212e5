package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ticketing/command"
	"ticketing/command/audit"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/payment"
	"ticketing/command/saga"
	"ticketing/internal/money"
)

const (
	sagaActor = "system:saga"
	// gatewayTimeout is that of one call.
	gatewayTimeout = 10 * time.Second
	shortestHold   = 20 * time.Second
	// quietWithin is how long the saga may need once nothing more is disturbed: it waits ever longer for a gateway that has not decided, and tells
	// jobs that were lost by their age.
	quietWithin = 20 * time.Minute
)

// sagaShop is a shop whose customers pay, and whose log a saga follows.
type sagaShop struct {
	*shop

	outside *database
	paid    map[string]string // payments that were returned to a customer as completed, by command; of the world's mutex
}

func newSagaShop(seed uint64, from *state) *sagaShop {
	s := &sagaShop{shop: newShop(seed, from, riverStatements, sagaStatements, sabotagedStatements), paid: map[string]string{}}
	s.outside = s.addDatabase("outside", newState(""), outsideStatements)
	s.hold = shortestHold + time.Duration(s.rng.Int64N(int64(time.Minute)))
	s.gateways = func(p *process) command.Gateways { return s.branch(p).gateways() }
	return s
}

// branch returns how a process reaches the gateway and the mail server.
func (s *sagaShop) branch(p *process) branch {
	pool := p.pool(s.outside)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pools = append(s.pools, pool)
	return branch{pool}
}

func (s *sagaShop) startSaga() {
	s.addProcess("saga", s.startSaga, func(ctx context.Context, p *process) {
		pool, outside := p.pool(s.log), s.branch(p)
		defer pool.Close()
		working, stop := context.WithCancel(context.Background()) // what it has begun it ends
		defer stop()
		service := s.service(working, p)
		s.guard(func() error {
			return saga.Run(ctx, saga.Config{
				Pool: pool, Registry: catalog.Registry(), Service: service, Mailer: outside, PaymentTimeout: gatewayTimeout, Poll: time.Second,
				Address: func(context.Context, string) (string, error) { return "customer@example.org", nil }, Logger: logger(),
			})
		})
	})
}

// order reserves, and pays, cancels or forgets what was reserved.
func (s *sagaShop) order(c *customer, n int) {
	reserved := c.reserve(n)
	switch what := c.rng.IntN(10); {
	case !reserved.accepted || what < 2: // the hold runs out
	case what < 3:
		c.cancel(n, reserved.ref)
	default:
		s.pay(c, n, reserved.ref)
	}
	time.Sleep(time.Duration(c.rng.Int64N(int64(s.hold))))
}

func (s *sagaShop) pay(c *customer, n int, reservationID string) {
	cards := []string{goodCard, goodCard, goodCard, declinedCard, actionCard, slowCard, awayCard, refundPendingCard}
	card, id := cards[c.rng.IntN(len(cards))], fmt.Sprintf("%s-pay-%d", c.id, n)
	var paid command.Paid
	keep := func(p command.Paid, err error) (string, error) {
		if paid = p; p.Payment == nil {
			return "", err
		}
		return p.Payment.ID, err
	}
	o := c.repeat(id, func(ctx context.Context, a *api, by command.Caller) (string, error) {
		return keep(a.ProcessPayment(ctx, by, command.ProcessPayment{ReservationID: reservationID, CardToken: card}))
	})
	if o.accepted && paid.Payment.Status == payment.RequiresAction && c.rng.IntN(3) > 0 {
		id = fmt.Sprintf("%s-confirm-%d", c.id, n)
		o = c.repeat(id, func(ctx context.Context, a *api, by command.Caller) (string, error) {
			return keep(a.ConfirmPayment(ctx, by, o.ref))
		})
	}
	if !o.accepted || paid.Payment == nil || paid.Payment.Status != payment.Completed {
		return
	}
	s.mu.Lock()
	s.paid[id] = o.ref
	s.mu.Unlock()
	if c.rng.IntN(3) == 0 {
		s.refund(c, n, o.ref)
	}
}

// refund has the organizer give money back.
func (s *sagaShop) refund(c *customer, n int, paymentID string) {
	organizer := &customer{shop: s.shop, rng: c.rng, id: commandtest.Organizer.Principal.ID()}
	var amount *money.Money
	if c.rng.IntN(2) == 0 {
		amount = &money.Money{Minor: 5_00, Currency: "EUR"}
	}
	organizer.repeat(fmt.Sprintf("%s-refund-%d", c.id, n), func(ctx context.Context, a *api, by command.Caller) (string, error) {
		r, err := a.RefundPayment(ctx, by, command.RefundPayment{PaymentID: paymentID, Amount: amount})
		return r.Refund.ID, err
	})
}

// cancelEvent has the organizer cancel the event in some of the runs.
func (s *sagaShop) cancelEvent(seed uint64) {
	organizer := &customer{shop: s.shop, rng: rand.New(rand.NewPCG(seed, 998)), id: commandtest.Organizer.Principal.ID()}
	if organizer.rng.IntN(4) > 0 {
		return
	}
	time.Sleep(time.Duration(organizer.rng.Int64N(int64(2 * s.hold))))
	organizer.repeat("cancel-event", func(ctx context.Context, a *api, by command.Caller) (string, error) {
		e, err := a.CancelEvent(ctx, by, s.eventID, "")
		return e.ID, err
	})
}

// unfinished returns what the saga has still to do, "" if there is nothing.
func (s *sagaShop) unfinished() string {
	log := s.log.latest.Load()
	if f := log.followed; f.incarnation != log.incarnation || f.position() != log.head() {
		return fmt.Sprintf("log %s is followed to %d, and log %s ends at %d", f.incarnation, f.position(), log.incarnation, log.head())
	}
	for id := range log.followed.deadlines {
		if id.kind == string(saga.Hold) {
			return fmt.Sprintf("the hold of %s has not ended", id.id)
		}
	}
	for _, j := range log.queue.jobs {
		if j.state != "completed" {
			return fmt.Sprintf("job %d is %s: %s %s", j.id, j.state, j.kind, j.args)
		}
	}
	return unfinishedIn(auditLog(log.log))
}

func unfinishedIn(audited *audit.Log) string {
	for id, r := range audited.Reservations {
		if r.State.Holding() {
			return fmt.Sprintf("reservation %s is %s", id, r.State.Status)
		}
	}
	for id, p := range audited.Payments {
		if p.State.Undecided() {
			return fmt.Sprintf("payment %s is %s", id, p.State.Status)
		}
		for _, r := range p.State.Refunds {
			if r.Status != payment.RefundCompleted {
				return fmt.Sprintf("refund %s of %s is %s", r.ID, id, r.Status)
			}
		}
	}
	return ""
}

// settle waits until the saga has done its work.
func (s *sagaShop) settle() {
	const look = 5 * time.Second
	for until := time.Now().Add(quietWithin); ; time.Sleep(look) {
		left := s.unfinished()
		if left == "" {
			return
		}
		if time.Now().After(until) {
			s.violate("%s after the last fault: %s", quietWithin, left)
			return
		}
	}
}

// checkMoney requires that the gateway has the money of completed reservations, and no other.
func (s *sagaShop) checkMoney(audited *audit.Log) {
	at := s.outside.committed.outside
	for id := range at.accounts {
		kept, log := at.kept(id, s.endedAt), audited.Payments[id]
		switch {
		case s.cutBack[payment.Stream(id)]: // a restore has lost what was recorded of it
		case log == nil && kept != 0:
			s.violate("%d was taken for %s, which the log does not have", kept, id)
		case log == nil:
		case kept != 0 && audited.Reservations[log.State.ReservationID].State.PaymentID != id:
			s.violate("%d of %s is kept, and %s was not completed by it", kept, id, log.State.ReservationID)
		case log.State.CompletedAt == nil && kept != 0:
			s.violate("%d of %s is kept, which is %s", kept, id, log.State.Status)
		case log.State.CompletedAt != nil && kept != log.State.Amount.Minor-log.State.RefundedMinor():
			s.violate("%d of %s is kept, and by the log %s were taken and %d given back", kept, id, log.State.Amount, log.State.RefundedMinor())
		}
	}
}

// checkPaid requires that what was returned to customers is in the log, and that each reservation is paid once.
func (s *sagaShop) checkPaid(audited *audit.Log) {
	for id, paymentID := range s.paid {
		if p := audited.Payments[paymentID]; !s.cutBack[payment.Stream(paymentID)] && (p == nil || p.State.CompletedAt == nil) {
			s.violate("%s returned %s as completed, and by the log it is not", id, paymentID)
		}
	}
	completed := map[string]string{}
	for id, p := range audited.Payments {
		if p.State.CompletedAt == nil || p.State.GivenBack() {
			continue
		}
		if other := completed[p.State.ReservationID]; other != "" {
			s.violate("%s is paid twice: by %s and by %s", p.State.ReservationID, other, id)
		}
		completed[p.State.ReservationID] = id
	}
}

// checkMails requires that customers were written to.
func (s *sagaShop) checkMails(audited *audit.Log) {
	sent := s.outside.committed.outside.mails
	for id, p := range audited.Payments {
		r := audited.Reservations[p.State.ReservationID]
		if mail := string(saga.ConfirmedMail) + "." + p.State.ReservationID; r.State.PaymentID == id && p.State.CompletedAt != nil &&
			len(p.State.Refunds) == 0 && sent[mail] == 0 {
			s.violate("the mail %s was not sent", mail)
		}
		for _, refund := range p.State.Refunds {
			if mail := string(saga.RefundedMail) + "." + refund.ID; sent[mail] == 0 {
				s.violate("the mail %s was not sent", mail)
			}
		}
	}
}

// checkRepetitions requires that no domain event is twice in a stream.
func (s *sagaShop) checkRepetitions() {
	seen := map[string]int64{}
	for _, r := range s.log.committed.log {
		key := r.streamID + " " + r.name + " " + r.data
		if seen[key] > 0 && !strings.HasPrefix(r.data, "{}") {
			s.violate("%s is twice in %s, at positions %d and %d: %s", r.name, r.streamID, seen[key], r.position, r.data)
		}
		seen[key] = r.position
	}
}

// simulateSaga has customers pay while sagas, apis and the gateway are disturbed.
func simulateSaga(t *testing.T, seed uint64) (s *sagaShop) {
	t.Helper()
	from, eventID := openShop(t)
	synctest.Test(t, func(*testing.T) {
		s = newSagaShop(seed, from)
		s.eventID, s.faults = eventID, s.rng.IntN(3*mostFaults)
		go s.schedule()
		time.Sleep(time.Hour)
		for range 2 {
			s.startAPI()
			s.startSaga()
		}
		var organizer sync.WaitGroup
		organizer.Go(func() { s.cancelEvent(seed) })
		s.serve(seed, s.order)
		organizer.Wait()
		s.calm.Store(true)
		s.settle()
		s.endedAt = time.Now()
		s.stop()
	})
	s.checkLog()
	audited := auditLog(s.log.committed.log)
	s.checkMoney(audited)
	s.checkPaid(audited)
	s.checkMails(audited)
	s.checkRepetitions()
	return s
}

// Holds end, payments are decided, refunds are given once and mails are sent, whatever becomes of statements, calls of the gateway, processes and
// the server.
func TestTheSagaFinishesWhatWasBegun(t *testing.T) {
	forEachSeed(t, 5, func(seed uint64) *world { return simulateSaga(t, seed).world })
}
