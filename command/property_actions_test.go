package command_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

var organizer, saga = commandtest.Organizer, commandtest.Part("saga")

var customers = []string{"usr_alice", "usr_bob", "usr_carol"}

// repeatable is a command with a final outcome, which can be executed again.
type repeatable struct {
	at    time.Time
	again func(t *rapid.T)
}

func (w *world) remember(again func(t *rapid.T)) {
	w.history = append(w.history, repeatable{at: w.clock.Now(), again: again})
}

// requireCode requires a command to be rejected with this code, or accepted if it is "".
func requireCode(t *rapid.T, want rejection.Code, err error) {
	var got rejection.Code
	if r, ok := rejection.As(err); ok {
		got, err = r.Code, nil
	}
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func drawItems(t *rapid.T) []inventory.ReserveItem {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) inventory.ReserveItem {
		p := rapid.SampledFrom(parts()).Draw(t, "section")
		if len(p.labels) > 0 && rapid.Bool().Draw(t, "named") {
			return inventory.ReserveItem{Section: p.name, Labels: rapid.SliceOfNDistinct(rapid.SampledFrom(p.labels), 1, 2, rapid.ID).Draw(t, "labels")}
		}
		quantity := rapid.IntRange(1, 3).Draw(t, "quantity")
		return inventory.ReserveItem{Section: p.name, Quantity: &quantity}
	}), 1, 2).Filter(func(items []inventory.ReserveItem) bool { // one section twice makes a seat named twice
		return len(items) == 1 || items[0].Section != items[1].Section
	}).Draw(t, "items")
}

func (w *world) reserve(t *rapid.T) {
	customer, items, key := rapid.SampledFrom(customers).Draw(t, "customer"), drawItems(t), uuid.NewString()
	t.Logf("%s reserves %s", customer, describe(items))
	ask := func(p *process) (command.Reservation, error) {
		return p.ReserveSeats(context.Background(), caller(customer, key), command.ReserveSeats{EventID: w.eventID, Items: items})
	}
	want := w.reserveRejection(customer, items)
	r, _, err := runOnReplica(t, w, drawFuse(t), ask)
	requireCode(t, want, err)
	if err == nil {
		w.addReservation(t, r.ID, customer, items, r.State, w.clock.Now())
	}
	w.remember(func(t *rapid.T) {
		again, err := ask(w.any(t))
		requireCode(t, want, err)
		require.Equal(t, r.ID, again.ID, "a second delivery is the same reservation")
		three := 3
		other := command.ReserveSeats{EventID: w.eventID, Items: []inventory.ReserveItem{{Section: "Another", Quantity: &three}}}
		_, err = w.any(t).ReserveSeats(context.Background(), caller(customer, key), other)
		requireCode(t, rejection.IdempotencyKeyReused, err)
	})
}

// reserveAtOnce has several customers reserve in the same moment, each of them twice.
func (w *world) reserveAtOnce(t *rapid.T) {
	type request struct {
		customer string
		items    []inventory.ReserveItem
		results  [2]command.Reservation
		errs     [2]error
	}
	requests := make([]request, rapid.IntRange(2, 5).Draw(t, "requests"))
	var group sync.WaitGroup
	for i := range requests {
		one := &requests[i]
		one.customer, one.items = rapid.SampledFrom(customers).Draw(t, "customer"), drawItems(t)
		key, replicas := uuid.NewString(), [2]*process{w.any(t), w.any(t)}
		for n, p := range replicas {
			group.Go(func() {
				one.results[n], one.errs[n] = p.ReserveSeats(context.Background(), caller(one.customer, key),
					command.ReserveSeats{EventID: w.eventID, Items: one.items})
			})
		}
	}
	group.Wait()
	// In whatever order they were decided, the accepted ones fit together, and none of the others fits beside them.
	for _, one := range requests {
		if one.errs[0] == nil {
			require.NoError(t, one.errs[1])
			require.Equal(t, one.results[0].ID, one.results[1].ID)
			require.Empty(t, w.reserveRejection(one.customer, one.items))
			w.addReservation(t, one.results[0].ID, one.customer, one.items, one.results[0].State, w.clock.Now())
		}
	}
	for _, one := range requests {
		if one.errs[0] != nil {
			first, ok := rejection.As(one.errs[0])
			require.True(t, ok, "%v", one.errs[0])
			requireCode(t, first.Code, one.errs[1])
			require.NotEmpty(t, w.reserveRejection(one.customer, one.items), "it was rejected and would fit")
		}
	}
}

// again delivers a command a second time.
func (w *world) again(t *rapid.T) {
	w.history = slices.DeleteFunc(w.history, func(a repeatable) bool { return w.clock.Now().Sub(a.at) > 23*time.Hour }) // keys end after a day
	if len(w.history) == 0 {
		t.Skip("there was no command")
	}
	rapid.SampledFrom(w.history).Draw(t, "command").again(t)
}

func (w *world) drawReservation(t *rapid.T) *modelReservation {
	if len(w.reservations) == 0 {
		t.Skip("nothing is reserved")
	}
	i := rapid.IntRange(0, len(w.reservations)-1).Draw(t, "reservation")
	return w.reservations[len(w.reservations)-1-i] // smaller is newer
}

func (w *world) drawPayment(t *rapid.T) *modelPayment {
	if len(w.payments) == 0 {
		t.Skip("nothing is paid")
	}
	i := rapid.IntRange(0, len(w.payments)-1).Draw(t, "payment")
	return w.payments[len(w.payments)-1-i]
}

func (w *world) cancel(t *rapid.T) {
	b, key := w.drawReservation(t), uuid.NewString()
	t.Logf("%s cancels %s", b.customer, b.id)
	ask := func(p *process) (command.Reservation, error) {
		return p.CancelReservation(context.Background(), caller(b.customer, key), command.CancelReservation{ReservationID: b.id})
	}
	var want rejection.Code
	fuse := drawFuse(t)
	if w.turnBack(b) {
		fuse = -1
	}
	switch b.status {
	case reservation.SeatsReserved:
		b.status = reservation.Cancelled
	case reservation.PaymentPending:
		want = rejection.PaymentInProgress
	case reservation.Expired:
		want = rejection.ReservationExpired
	default:
		want = rejection.InvalidState
	}
	_, _, err := runOnReplica(t, w, fuse, ask)
	requireCode(t, want, err)
	w.remember(func(t *rapid.T) {
		_, err := ask(w.any(t))
		requireCode(t, want, err)
	})
}

func (w *world) pay(t *rapid.T) {
	b, token, key, fuse := w.drawReservation(t), rapid.SampledFrom(cards()).Draw(t, "card"), uuid.NewString(), drawFuse(t)
	t.Logf("%s pays %s with card %q", b.customer, b.id, token)
	in := command.ProcessPayment{ReservationID: b.id, CardToken: token}
	ask := func(p *process) (command.Paid, error) {
		return p.ProcessPayment(context.Background(), caller(b.customer, key), in)
	}
	if w.status != event.Cancelled && w.turnBack(b) {
		fuse = -1
	}
	want := w.payRejection(b, w.clock.Now())
	paid, certain, err := runOnReplica(t, w, fuse, ask)
	if want != "" || b.minor == 0 {
		requireCode(t, want, err)
		if want == "" {
			b.status = reservation.Completed
		}
		return
	}
	if !certain {
		w.adopt(t, b, token)
		return
	}
	requireCode(t, w.afterProcessing(b, token, paid), err)
	if code, ok := rejection.As(err); ok && code.Code == rejection.GatewayUnavailable {
		return // the same key would pay again
	}
	p := w.payments[len(w.payments)-1]
	w.remember(func(t *rapid.T) {
		if p.status == payment.Failed && !p.declined {
			return // likewise
		}
		again, err := ask(w.any(t))
		if _, rejected := rejection.As(err); !rejected {
			require.NoError(t, err)
		}
		require.Equal(t, paid.Payment.ID, again.Payment.ID, "a second delivery is the same payment")
	})
}

// afterProcessing records the outcome of an undisturbed payment and returns the rejection that the customer gets.
func (w *world) afterProcessing(b *modelReservation, token string, paid command.Paid) rejection.Code {
	p := &modelPayment{id: paid.Payment.ID, token: token, reservation: b, status: payment.Processing}
	w.payments = append(w.payments, p)
	w.afterBegin(p)
	switch token {
	case cardDeclined:
		w.afterFailure(p, true)
		return rejection.PaymentDeclined
	case cardDownAtCreate, cardDownAtConfirm:
		w.afterFailure(p, false)
		return rejection.GatewayUnavailable
	case cardLost, cardUnsure:
	case cardAction, cardActionDecline:
		p.status = payment.RequiresAction
	default:
		w.afterSuccess(p)
	}
	return ""
}

func (w *world) afterBegin(p *modelPayment) {
	p.reservation.status, p.reservation.payment = reservation.PaymentPending, p.id
	if !p.reservation.extended {
		p.reservation.extended, p.reservation.expiresAt = true, p.reservation.expiresAt.Add(hold)
	}
}

// adopt adds to the model what a process that died left: nothing, or a payment in some state.
func (w *world) adopt(t *rapid.T, b *modelReservation, token string) {
	w.ledger.read(t, w.pool)
	var left []string
	for id, s := range w.ledger.payments {
		if s.ReservationID == b.id && !slices.ContainsFunc(w.payments, func(p *modelPayment) bool { return p.id == id }) {
			left = append(left, id)
		}
	}
	require.LessOrEqual(t, len(left), 2, "an outage frees the key: the second delivery may be another payment")
	slices.Sort(left) // the older one first
	for _, id := range left {
		p := &modelPayment{id: id, token: token, reservation: b}
		w.payments = append(w.payments, p)
		w.afterBegin(p)
		switch s := w.ledger.payments[id]; s.Status {
		case payment.Completed:
			w.afterSuccess(p)
		case payment.Failed:
			w.afterFailure(p, s.FailureCode == payment.Declined)
		default:
			p.status = s.Status
		}
	}
}

// confirm goes on after the customer has done what the bank requires.
func (w *world) confirm(t *rapid.T) {
	p := w.drawPayment(t)
	t.Logf("%s confirms %s", p.reservation.customer, p.id)
	_, err := w.any(t).ConfirmPayment(context.Background(), caller(p.reservation.customer, uuid.NewString()), p.id)
	if p.undecided() && !w.clock.Now().Before(p.reservation.expiresAt) {
		requireCode(t, rejection.ReservationExpired, err)
		return
	}
	switch {
	case p.status == payment.RequiresAction && w.status == event.Cancelled:
		w.turnBack(p.reservation)
	case p.status == payment.RequiresAction && p.token == cardActionDecline:
		w.afterFailure(p, true)
	case p.status == payment.RequiresAction:
		w.afterSuccess(p)
	case p.undecided():
		w.afterLookup(p)
	}
	if p.unused {
		requireCode(t, rejection.InvalidState, err)
		return
	}
	if r, rejected := rejection.As(err); rejected {
		require.Equal(t, payment.Failed, p.status, "%v", r)
		return
	}
	require.NoError(t, err)
}

// afterLookup records the outcome of an undecided payment after the bank was asked about it.
func (w *world) afterLookup(p *modelPayment) {
	a := w.bank.accounts[p.id]
	switch {
	case a == nil:
	case a.status == bankCharged:
		w.afterSuccess(p)
	case a.status == bankDeclined, a.status == bankCancelled:
		w.afterFailure(p, a.status == bankDeclined)
	case a.status == bankAction:
		p.status = payment.RequiresAction
	case a.status == bankCreated && p.status == payment.Initiated:
		p.status = payment.Processing
	}
}

func (w *world) reconcile(t *rapid.T) { w.reconcileOne(t, w.drawPayment(t)) }

func (w *world) reconcileOne(t *rapid.T, p *modelPayment) {
	t.Logf("the saga reconciles %s", p.id)
	undecided, before := p.undecided(), w.bank.accounts[p.id]
	unconfirmed := before == nil || before.status == bankCreated
	unwanted := undecided && !unconfirmed && before.status == bankAction && w.status == event.Cancelled
	fuse := drawFuse(t)
	if unwanted {
		fuse = -1
	}
	_, _, err := runOnReplica(t, w, fuse, func(r *process) (struct{}, error) {
		return struct{}{}, r.ReconcilePayment(context.Background(), saga, p.id)
	})
	switch {
	case !undecided:
	case unconfirmed: // it is given up, and costs the customer no attempt
		w.afterFailure(p, false)
	case unwanted:
		p.status = payment.RequiresAction
		w.turnBack(p.reservation)
	default:
		w.afterLookup(p)
	}
	if p.undecided() {
		require.ErrorIs(t, err, command.ErrStillProcessing)
		return
	}
	require.NoError(t, err)
}

func (w *world) expire(t *rapid.T) { w.expireOne(t, w.drawReservation(t)) }

func (w *world) expireOne(t *rapid.T, b *modelReservation) {
	t.Logf("the saga expires %s", b.id)
	p := w.paymentOf(b)
	if b.holding() && !w.clock.Now().Before(b.expiresAt) {
		if b.status == reservation.SeatsReserved {
			b.status = reservation.Expired
		} else {
			w.afterGivingUp(p, w.bank.charged(p.id), reservation.Expired)
		}
	}
	_, _, err := runOnReplica(t, w, drawFuse(t), func(r *process) (struct{}, error) {
		return struct{}{}, r.ExpireHold(context.Background(), saga, b.id)
	})
	require.NoError(t, err)
}

func (w *world) refund(t *rapid.T) {
	p := w.drawPayment(t)
	pending := p.find(payment.RefundPending)
	if len(pending) == 0 {
		t.Skip("no refund is pending")
	}
	w.refundOne(t, p, rapid.SampledFrom(pending).Draw(t, "refund"))
}

func (w *world) refundOne(t *rapid.T, p *modelPayment, r *modelRefund) {
	t.Logf("the saga refunds %s of %s", r.id, p.id)
	asked := r.asked
	_, certain, err := runOnReplica(t, w, drawFuse(t), func(replica *process) (struct{}, error) {
		return struct{}{}, replica.ExecuteRefund(context.Background(), saga, p.id, r.id)
	})
	r.asked = true
	if !asked && (p.token == cardRefundPending || p.token == cardRefundDown) && (certain || err != nil) {
		require.True(t, errors.Is(err, command.ErrRefundPending) || errors.Is(err, gateway.ErrUnavailable), "%v", err)
		return
	}
	require.NoError(t, err)
	r.status = payment.RefundCompleted
	p.afterRefund()
	b := p.reservation
	if b.status != reservation.Completed || b.payment != p.id {
		return
	}
	if p.status != payment.Refunded {
		for _, ordinal := range r.tickets {
			if !slices.Contains(b.returned, ordinal) {
				b.returned = append(b.returned, ordinal)
			}
		}
	}
	if p.status == payment.Refunded || len(b.kept()) == 0 {
		b.status = reservation.Refunded
	}
}

// refundTickets has the organizer refund single tickets.
func (w *world) refundTickets(t *rapid.T) {
	p := w.drawPayment(t)
	b := p.reservation
	ordinals := rapid.SliceOfNDistinct(rapid.IntRange(0, len(b.seats)-1), 1, len(b.seats), rapid.ID).Draw(t, "tickets")
	t.Logf("tickets %v of %s are refunded", ordinals, p.id)
	in := command.RefundPayment{PaymentID: p.id}
	asked := &modelRefund{tickets: ordinals, status: payment.RefundPending}
	var want rejection.Code
	for _, ordinal := range ordinals {
		in.Tickets = append(in.Tickets, id.Ticket(b.id, ordinal))
		asked.minor += b.seats[ordinal].Price.Minor
		if p.refunding(ordinal) || slices.Contains(b.returned, ordinal) {
			want = rejection.InvalidState
		}
	}
	switch {
	case !p.charged() || b.status != reservation.Completed:
		want = rejection.InvalidState
	case want == "" && (asked.minor == 0 || asked.minor > p.left()):
		want = rejection.Invalid
	}
	by := organizer
	by.IdempotencyKey = uuid.NewString()
	ask := func(r *process) (command.Refunding, error) { return r.RefundPayment(context.Background(), by, in) }
	first, _, err := runOnReplica(t, w, drawFuse(t), ask)
	requireCode(t, want, err)
	if err == nil {
		p.refunds = append(p.refunds, asked)
	}
	w.remember(func(t *rapid.T) {
		again, err := ask(w.any(t))
		requireCode(t, want, err)
		require.Equal(t, first.Refund.ID, again.Refund.ID, "a second delivery is the same refund")
	})
}

// sendBack has the customer's bank send a refund back, which the gateway then reports.
func (w *world) sendBack(t *rapid.T) {
	p := w.drawPayment(t)
	given := p.find(payment.RefundCompleted)
	if len(given) == 0 {
		t.Skip("nothing was refunded")
	}
	r := rapid.SampledFrom(given).Draw(t, "refund")
	t.Logf("the bank sends %s of %s back", r.id, p.id)
	w.bank.sendBack(r.id)
	_, _, err := runOnReplica(t, w, drawFuse(t), func(replica *process) (struct{}, error) {
		return struct{}{}, replica.RecordWebhook(context.Background(), commandtest.Part("webhook"), command.Hint{Gateway: "bank", PaymentID: p.id, Reversals: true})
	})
	require.NoError(t, err)
	r.status = payment.RefundRefused
	p.afterRefund() // what the reservation lost by it stays lost
}

// retryRefund has the organizer request a refund anew.
func (w *world) retryRefund(t *rapid.T) {
	p := w.drawPayment(t)
	if len(p.refunds) == 0 {
		t.Skip("no refund was requested")
	}
	w.retryOne(t, p, rapid.SampledFrom(p.refunds).Draw(t, "refund"))
}

func (w *world) retryOne(t *rapid.T, p *modelPayment, r *modelRefund) {
	t.Logf("%s of %s is requested anew", r.id, p.id)
	var want rejection.Code
	switch r.status {
	case payment.RefundCompleted:
		want = rejection.InvalidState
	case payment.RefundRefused:
		if r.minor > p.left() || slices.ContainsFunc(r.tickets, p.refunding) {
			want = rejection.InvalidState
		}
	case payment.RefundPending:
	}
	by := organizer
	by.IdempotencyKey = uuid.NewString()
	_, _, err := runOnReplica(t, w, drawFuse(t), func(replica *process) (command.Refunding, error) {
		return replica.RetryRefund(context.Background(), by, command.RetryRefund{PaymentID: p.id, RefundID: r.id})
	})
	requireCode(t, want, err)
	if err == nil {
		r.status = payment.RefundPending
	}
}

func (w *world) sales(t *rapid.T) {
	open := rapid.Bool().Draw(t, "open")
	act, from, to := (*command.Service).CloseSales, event.SalesOpen, event.SalesShut
	if open {
		act, from, to = (*command.Service).OpenSales, event.SalesShut, event.SalesOpen
	}
	_, err := act(w.any(t).Service, context.Background(), organizer, w.eventID)
	if w.status != from {
		requireCode(t, rejection.InvalidState, err)
		return
	}
	require.NoError(t, err)
	w.status = to
}

func (w *world) cancelEvent(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "cancel the event") != 9 {
		t.Skip("not now")
	}
	_, err := w.any(t).CancelEvent(context.Background(), organizer, w.eventID, "rain")
	if w.status == event.Cancelled {
		requireCode(t, rejection.InvalidState, err)
		return
	}
	require.NoError(t, err)
	w.status = event.Cancelled
}

func (w *world) windUp(t *rapid.T) {
	if w.status != event.Cancelled {
		t.Skip("the event is not cancelled")
	}
	for _, b := range w.reservations {
		p := w.paymentOf(b)
		switch {
		case b.status == reservation.SeatsReserved:
			b.status = reservation.Cancelled
		case b.status == reservation.PaymentPending:
			w.afterGivingUp(p, w.bank.charged(p.id), reservation.Cancelled)
		case b.status == reservation.Completed && b.payment == "":
			b.status = reservation.Refunded
		case b.status == reservation.Completed && !p.windUp && p.left() > 0:
			p.addFullRefund()
		}
	}
	_, _, err := runOnReplica(t, w, drawFuse(t), func(r *process) (struct{}, error) {
		return struct{}{}, r.WindUpEvent(context.Background(), saga, w.eventID, command.AllVersions)
	})
	require.NoError(t, err)
	w.woundUp = true
}

func (w *world) passTime(t *rapid.T) {
	minutes := rapid.IntRange(1, 6).Draw(t, "minutes")
	t.Logf("%d minutes pass", minutes)
	w.clock.Move(time.Duration(minutes) * time.Minute)
}

func (w *world) die(t *rapid.T) { w.crash(t, w.any(t)) }

// finishAll has the saga do all that is left.
func (w *world) finishAll(t *rapid.T) {
	w.clock.Move(3 * hold)
	for _, p := range w.payments {
		if p.undecided() {
			w.reconcileOne(t, p)
			w.check(t)
		}
	}
	for _, b := range w.reservations {
		w.expireOne(t, b)
		w.check(t)
	}
	if w.status == event.Cancelled {
		w.windUp(t)
		w.check(t)
	}
	for _, p := range w.payments {
		w.giveRefunds(t, p)
	}
	sold := int64(0)
	for _, b := range w.reservations {
		require.False(t, b.holding(), "%s is %s for ever", b.id, b.status)
		if b.status == reservation.Completed {
			sold += b.price()
		}
	}
	require.Equal(t, sold, w.bank.balance(), "money taken − refunded")
	for _, s := range w.ledger.inventory.Sections {
		require.Zero(t, s.Reserved, "reserved in %s", s.Name)
	}
}

// giveRefunds has the bank give all that is to be refunded, also what came back.
func (w *world) giveRefunds(t *rapid.T, p *modelPayment) {
	for _, r := range p.refunds {
		if r.status == payment.RefundRefused {
			w.retryOne(t, p, r)
			w.check(t)
		}
		for r.status == payment.RefundPending {
			w.refundOne(t, p, r)
			w.check(t)
		}
	}
}
