package graph

import (
	"ticketing/command"
	"ticketing/command/payment"
	"ticketing/graph/model"
	"ticketing/internal/money"
	"ticketing/query"
)

// What a mutation has decided is answered as the read side will have it in a moment.

func eventView(e command.Event) *query.Event {
	return &query.Event{
		ID: e.ID, Version: e.Version, OrganizerID: e.OrganizerID, Name: e.Name, Description: e.Description, Venue: e.Venue,
		StartsAt: e.StartsAt, SalesOpenAt: e.SalesOpenAt, SalesCloseAt: e.SalesCloseAt,
		MaxTicketsPerReservation: e.MaxTicketsPerReservation, MaxTicketsPerCustomer: e.MaxTicketsPerCustomer,
		PaymentAttempts: e.PaymentAttempts, Status: string(e.Status), CreatedAt: e.CreatedAt,
		Inventory: &query.Inventory{EventID: e.ID, Version: e.InventoryVersion, Sections: sectionViews(e)},
	}
}

func sectionViews(e command.Event) []query.Section {
	sections := make([]query.Section, len(e.Sections))
	for i, s := range e.Sections {
		sections[i] = query.Section{
			EventID: e.ID, Name: s.Name, Price: s.Price, Capacity: s.Capacity, Available: s.Capacity - s.Reserved - s.Sold,
			Reserved: s.Reserved, Sold: s.Sold, Seated: s.Seated,
		}
	}
	return sections
}

func reservationView(r command.Reservation) *query.Reservation {
	if r.ID == "" {
		return nil
	}
	view := &query.Reservation{
		ID: r.ID, Version: r.Version, EventID: r.EventID, CustomerID: r.CustomerID, Status: string(r.Status),
		Seats: make([]query.ReservedSeat, len(r.Seats)), Total: r.Total, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		CompletedAt: r.CompletedAt, ExpiredAt: r.ExpiredAt, CancelledAt: r.CancelledAt, CompensatedAt: r.CompensatedAt,
		RefundedAt: r.RefundedAt,
	}
	for i, s := range r.Seats {
		view.Seats[i] = query.ReservedSeat{Section: s.Section, Label: s.Label, Price: s.Price}
	}
	return view
}

func paymentView(paid command.Paid) *model.Payment {
	if paid.Payment == nil {
		return nil
	}
	p := *paid.Payment
	view := &model.Payment{Payment: query.Payment{
		ID: p.ID, Version: p.Version, ReservationID: p.ReservationID, CustomerID: p.CustomerID, EventID: p.EventID,
		Amount: p.Amount, Refunded: money.Money{Minor: p.RefundedMinor(), Currency: p.Amount.Currency},
		Refunds: make([]query.Refund, len(p.Refunds)), Status: string(p.Status), Gateway: p.Gateway,
		TransactionID: orNull(p.TransactionID), FailureCode: orNull(string(p.FailureCode)), FailureReason: orNull(p.FailureReason),
		CreatedAt: p.CreatedAt, CompletedAt: p.CompletedAt, FailedAt: p.FailedAt,
	}}
	for i, r := range p.Refunds {
		view.Refunds[i] = refundView(r)
	}
	if action := paid.NextAction; action != nil {
		view.NextAction = &model.PaymentNextAction{ClientSecret: orNull(action.ClientSecret), RedirectURL: orNull(action.RedirectURL)}
	}
	return view
}

func refundView(r payment.Refund) query.Refund {
	return query.Refund{ID: r.ID, Amount: r.Amount, Status: string(r.Status), Reason: r.Reason, CreatedAt: r.RequestedAt}
}
