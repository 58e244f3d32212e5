package graph

import (
	"context"
	"slices"
	"strconv"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/graph/apierror"
	"ticketing/graph/loader"
	"ticketing/graph/model"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query"
)

type (
	paymentResolver struct{ *Resolver }
	refundResolver  struct{ *Resolver }
)

// Payment implements generated.QueryResolver.
func (r queryResolver) Payment(ctx context.Context, paymentID string, minVersion *int) (*model.Payment, error) {
	found, err := lookup[query.Payment]{id.Payment, loadersOf(ctx).payments, r.feeds.payments, func(found query.Payment) error {
		return requireParticipant(ctx, found.CustomerID, found.EventID)
	}}.find(ctx, paymentID, minVersion)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, apierror.New(apierror.NotFound, "there is no such payment")
	}
	return asPayment(found), nil
}

func asPayment(p *query.Payment) *model.Payment { return &model.Payment{Payment: *p} }

// findRefund returns a refund to those who may see its payment, and nil when there is no such refund.
func (r *Resolver) findRefund(ctx context.Context, refundID string) (*query.Refund, error) {
	found, err := loadersOf(ctx).paymentsByRefund.Load(ctx, refundID)
	if err == nil && found == nil {
		found, err = findNew(ctx, r, "payments", refundID, r.reads.PaymentsByRefund)
	}
	if err != nil || found == nil {
		return nil, err
	}
	i := slices.IndexFunc(found.Refunds, func(refund query.Refund) bool { return refund.ID == refundID })
	if i < 0 {
		return nil, nil //nolint:nilnil // null for what does not exist
	}
	return &found.Refunds[i], requireParticipant(ctx, found.CustomerID, found.EventID)
}

// findDispute returns a dispute to those who may see its payment, and nil when there is no such dispute.
func (r *Resolver) findDispute(ctx context.Context, disputeID string) (*query.Dispute, error) {
	found, err := loadersOf(ctx).byDispute.Load(ctx, disputeID)
	if err == nil && found == nil {
		found, err = findNew(ctx, r, "payments", disputeID, r.reads.PaymentsByDispute)
	}
	if err != nil || found == nil {
		return nil, err
	}
	i := slices.IndexFunc(found.Disputes, func(d query.Dispute) bool { return d.ID == disputeID })
	if i < 0 {
		return nil, nil //nolint:nilnil // null for what does not exist
	}
	return &found.Disputes[i], requireParticipant(ctx, found.CustomerID, found.EventID)
}

// findNew reads what has a part with an id that the read side does not know. The log is not searched for parts: once the projection is as new as
// the log, the part is there or does not exist.
func findNew[T any](ctx context.Context, r *Resolver, projection, partID string, read loader.Fetch[T]) (*T, error) {
	if err := r.awaitHead(ctx, projection); err != nil {
		return nil, err
	}
	found, err := read(ctx, []string{partID})
	if whole, ok := found[partID]; ok {
		return &whole, err
	}
	return nil, err
}

// awaitHead waits until a projection is as new as the log is now.
func (r *Resolver) awaitHead(ctx context.Context, projection string) error {
	head, err := eventstore.ReadHead(ctx, r.log.DB)
	if err != nil {
		return err
	}
	return r.consistency.await(ctx, head, map[string]bool{projection: true})
}

// Payments implements generated.QueryResolver.
func (r queryResolver) Payments(ctx context.Context, f *model.PaymentFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	filter, err := paymentFilter(f)
	if err != nil {
		return nil, err
	}
	page, err := r.reads.PaymentPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
	loadersOf(ctx).addPayments(page.Items)
	return convertConnection(page, asPayment), err
}

// WaitingRefunds implements generated.QueryResolver.
func (r queryResolver) WaitingRefunds(ctx context.Context, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	page, err := r.reads.PaymentPage(ctx, query.PaymentFilter{WaitingRefunds: true}, query.PageArgs{First: first, After: after, Last: last, Before: before})
	loadersOf(ctx).addPayments(page.Items)
	return convertConnection(page, asPayment), err
}

// paymentsOf returns a page of one owner's payments. The caller decides whether the viewer may see it.
func (r *Resolver) paymentsOf(ctx context.Context, by query.Owner, owner string, f *model.PaymentFilter, args query.PageArgs) (*model.PaymentConnection, error) {
	filter, err := paymentFilter(f)
	if err != nil {
		return nil, err
	}
	l := loadersOf(ctx)
	if owners := ownersOf(ctx, by, owner); len(owners) > 1 {
		page, err := r.reads.PaymentPageOfAll(ctx, owners, filter, args)
		l.addPayments(page.Items)
		return convertConnection(page, asPayment), err
	}
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.Payment], error) {
		return r.reads.PaymentPagesOf(ctx, by, ids, filter, args)
	}
	page, err := loadPage(ctx, &l.paymentPages, l.ownersOf(by), owner, fetch, l.addPayments)
	return convertConnection(page, asPayment), err
}

func paymentFilter(f *model.PaymentFilter) (query.PaymentFilter, error) {
	if f == nil {
		return query.PaymentFilter{}, nil
	}
	filter, err := reservationFilter(&model.ReservationFilter{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, CreatedAfter: f.CreatedAfter, CreatedBefore: f.CreatedBefore,
	})
	if err == nil {
		err = checkGateway(f.Gateway)
	}
	return query.PaymentFilter{Filter: filter, Gateway: f.Gateway}, err
}

func checkGateway(gateway *string) error {
	const longest = 40
	if gateway != nil && (len(*gateway) > longest || !isText(*gateway, "")) {
		return apierror.New(apierror.BadUserInput, "gateway must be text of at most %d characters", longest)
	}
	return nil
}

// Reservation implements generated.PaymentResolver. Who may see a payment may see its reservation.
func (paymentResolver) Reservation(ctx context.Context, p *model.Payment) (*query.Reservation, error) {
	return loadersOf(ctx).reservations.Load(ctx, p.ReservationID)
}

// Reason implements generated.RefundResolver.
func (refundResolver) Reason(ctx context.Context, r *query.Refund) (*string, error) {
	if id.Prefix(r.Reason) != id.Text {
		return nullIfEmpty(r.Reason), nil // of the platform, or from before reasons were kept outside of the log
	}
	return loadersOf(ctx).texts.Load(ctx, r.Reason)
}

// FailureReason implements generated.RefundResolver.
func (refundResolver) FailureReason(_ context.Context, r *query.Refund) (*string, error) {
	return nullIfEmpty(r.FailureReason), nil
}

// ProcessPayment implements generated.MutationResolver.
func (r mutationResolver) ProcessPayment(ctx context.Context, in model.ProcessPaymentInput) (*model.ProcessPaymentPayload, error) {
	paid, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), processPaymentForm(in, r.returnPages), r.payAsViewer)
	return paidPayload(paid, wrong), err
}

func processPaymentForm(in model.ProcessPaymentInput, pages returnPages) form[command.ProcessPayment] {
	var c checker
	c.checkID(id.Reservation, in.ReservationID, "reservationId")
	pay := command.ProcessPayment{ReservationID: in.ReservationID}
	if in.Method != nil && in.Method.Card != nil {
		c.checkToken(in.Method.Card.Token, "method", "card", "token")
		pay.CardToken = in.Method.Card.Token
	}
	if in.Method != nil && in.Method.Paypal != nil {
		c.checkURL(in.Method.Paypal.ReturnURL, pages, "method", "paypal", "returnUrl")
		c.checkURL(in.Method.Paypal.CancelURL, pages, "method", "paypal", "cancelUrl")
		pay.PayPal = &command.PayPal{ReturnURL: in.Method.Paypal.ReturnURL, CancelURL: in.Method.Paypal.CancelURL}
	}
	return form[command.ProcessPayment]{pay, c.errs}
}

// ConfirmPayment implements generated.MutationResolver.
func (r mutationResolver) ConfirmPayment(ctx context.Context, in model.ConfirmPaymentInput) (*model.ProcessPaymentPayload, error) {
	paid, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), confirmPaymentForm(in), r.commands.ConfirmPayment)
	return paidPayload(paid, wrong), err
}

func confirmPaymentForm(in model.ConfirmPaymentInput) form[string] {
	var c checker
	c.checkID(id.Payment, in.PaymentID, "paymentId")
	return form[string]{in.PaymentID, c.errs}
}

// CancelPayment implements generated.MutationResolver.
func (r mutationResolver) CancelPayment(ctx context.Context, in model.CancelPaymentInput) (*model.ProcessPaymentPayload, error) {
	var c checker
	c.checkID(id.Payment, in.PaymentID, "paymentId")
	paid, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), form[string]{in.PaymentID, c.errs}, r.commands.CancelPayment)
	return paidPayload(paid, wrong), err
}

func paidPayload(paid command.Paid, wrong []*model.UserError) *model.ProcessPaymentPayload {
	return &model.ProcessPaymentPayload{Payment: paidView(paid), Reservation: reservationView(paid.Reservation), UserErrors: wrong}
}

// RefundPayment implements generated.MutationResolver.
func (r mutationResolver) RefundPayment(ctx context.Context, in model.RefundPaymentInput) (*model.RefundPaymentPayload, error) {
	refunding, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), refundPaymentForm(in), r.commands.RefundPayment)
	return refundPayload(refunding, wrong), err
}

// RetryRefund implements generated.MutationResolver.
func (r mutationResolver) RetryRefund(ctx context.Context, in model.RetryRefundInput) (*model.RefundPaymentPayload, error) {
	var c checker
	c.checkID(id.Refund, in.RefundID, "refundId")
	retry := command.RetryRefund{RefundID: in.RefundID}
	if len(c.errs) == 0 {
		found, err := loadersOf(ctx).paymentsByRefund.Load(ctx, in.RefundID)
		switch {
		case err != nil:
			return nil, err
		case found == nil:
			retry.PaymentID = id.Derive(id.Payment, in.RefundID) // of which there is none
		default:
			retry.PaymentID = found.ID
		}
	}
	refunding, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), form[command.RetryRefund]{retry, c.errs}, r.commands.RetryRefund)
	return refundPayload(refunding, wrong), err
}

func refundPayload(refunding command.Refunding, wrong []*model.UserError) *model.RefundPaymentPayload {
	if refunding.Payment.ID == "" {
		return &model.RefundPaymentPayload{UserErrors: wrong}
	}
	refund := refundView(refunding.Refund)
	return &model.RefundPaymentPayload{Refund: &refund, Payment: paymentView(refunding.Payment), UserErrors: wrong}
}

func refundPaymentForm(in model.RefundPaymentInput) form[command.RefundPayment] {
	var c checker
	c.checkID(id.Payment, in.PaymentID, "paymentId")
	reason := textOf(c.readText(in.Reason, payment.LongestReason, "reason"))
	refund := command.RefundPayment{PaymentID: in.PaymentID, Reason: reason}
	if in.Amount != nil {
		amount := c.readMoney(in.Amount, "amount")
		refund.Amount = &amount
	}
	if in.Tickets != nil {
		refund.Tickets = c.readTickets(in)
	}
	return form[command.RefundPayment]{refund, c.errs}
}

// mostTickets is the largest reservation that an event can allow.
const mostTickets = event.MostTicketsPerReservation

func (c *checker) readTickets(in model.RefundPaymentInput) []string {
	switch {
	case in.Amount != nil:
		c.addError([]string{"tickets"}, "give either amount or tickets")
	case len(in.Tickets) == 0 || len(in.Tickets) > mostTickets:
		c.addError([]string{"tickets"}, "tickets must have 1 to %d elements", mostTickets)
		return nil
	}
	for i, ticketID := range in.Tickets {
		c.checkID(id.TicketPrefix, ticketID, "tickets", strconv.Itoa(i))
	}
	return in.Tickets
}

func paidView(paid command.Paid) *model.Payment {
	if paid.Payment == nil {
		return nil
	}
	view := paymentView(*paid.Payment)
	if action := paid.NextAction; action != nil {
		view.NextAction = &model.PaymentNextAction{ClientSecret: nullIfEmpty(action.ClientSecret), RedirectURL: nullIfEmpty(action.RedirectURL)}
	}
	return view
}

// paymentView returns what a mutation decided as the read side will have it in a moment.
func paymentView(p command.Payment) *model.Payment {
	view := &model.Payment{Payment: query.Payment{
		ID: p.ID, Version: p.Version, ReservationID: p.ReservationID, CustomerID: p.CustomerID, EventID: p.EventID,
		Amount: p.Amount, Refunded: money.Money{Minor: p.RefundedMinor(), Currency: p.Amount.Currency},
		Refunds: make([]query.Refund, len(p.Refunds)), Disputes: make([]query.Dispute, len(p.Disputes)), Status: string(p.Status), Gateway: p.Gateway,
		TransactionID: nullIfEmpty(p.TransactionID), FailureCode: nullIfEmpty(string(p.FailureCode)), FailureReason: nullIfEmpty(p.FailureReason),
		CreatedAt: p.CreatedAt, CompletedAt: p.CompletedAt, FailedAt: p.FailedAt,
	}}
	for i, r := range p.Refunds {
		view.Refunds[i] = refundView(r)
	}
	for i, d := range p.Disputes {
		view.Disputes[i] = query.Dispute{ID: id.DisputeOf(p.Gateway, d.ID), Amount: d.Amount, Status: string(d.Status), CreatedAt: d.CreatedAt}
	}
	return view
}

func refundView(r payment.Refund) query.Refund {
	return query.Refund{ID: r.ID, Amount: r.Amount, Status: string(r.Status), Reason: r.Reason, FailureReason: r.Failure, CreatedAt: r.RequestedAt}
}
