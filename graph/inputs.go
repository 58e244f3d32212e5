package graph

import (
	"strconv"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/graph/model"
	"ticketing/internal/id"
)

// The functions below check the form of an input and answer it as the write side takes it.

func createEvent(in model.CreateEventInput) (event.Create, []*model.UserError) {
	var c check
	c.line(in.Name, event.LongestName, "name")
	c.lines(in.Description, event.LongestDescription, "description")
	c.line(in.Venue, event.LongestVenue, "venue")
	return event.Create{
		Name: in.Name, Description: value(in.Description), Venue: in.Venue,
		StartsAt: in.StartsAt, SalesOpenAt: in.SalesOpenAt, SalesCloseAt: in.SalesCloseAt,
		MaxTicketsPerReservation: in.MaxTicketsPerReservation, MaxTicketsPerCustomer: in.MaxTicketsPerCustomer,
		PaymentAttempts: in.PaymentAttempts,
	}, c.errs
}

func updateEvent(in model.UpdateEventInput) (event.Update, []*model.UserError) {
	var c check
	c.id(id.Event, in.EventID, "eventId")
	c.optionalLine(in.Name, event.LongestName, "name")
	c.lines(in.Description, event.LongestDescription, "description")
	c.optionalLine(in.Venue, event.LongestVenue, "venue")
	return event.Update{
		Name: in.Name, Description: in.Description, Venue: in.Venue,
		StartsAt: in.StartsAt, SalesOpenAt: in.SalesOpenAt, SalesCloseAt: in.SalesCloseAt,
	}, c.errs
}

func addInventory(in model.AddInventoryInput) (inventory.Add, []*model.UserError) {
	var c check
	c.id(id.Event, in.EventID, "eventId")
	c.line(in.Section, inventory.LongestSectionName, "section")
	add := inventory.Add{Section: in.Section, Price: c.money(in.Price, "price"), Capacity: in.Capacity}
	for i, row := range in.Rows {
		c.line(row.Row, inventory.LongestRowName, "rows", strconv.Itoa(i), "row")
		add.Rows = append(add.Rows, inventory.Row{Name: row.Row, Seats: row.Seats})
	}
	return add, c.errs
}

func checkEvent(eventID string, reason *string) []*model.UserError {
	var c check
	c.id(id.Event, eventID, "eventId")
	c.lines(reason, event.LongestReason, "reason")
	return c.errs
}

func reserveSeats(in model.ReserveSeatsInput) (command.ReserveSeats, []*model.UserError) {
	var c check
	c.id(id.Event, in.EventID, "eventId")
	if len(in.Items) == 0 || len(in.Items) > inventory.MostItems {
		c.failf([]string{"items"}, "items must be 1 to %d", inventory.MostItems)
		return command.ReserveSeats{}, c.errs
	}
	items := make([]inventory.ReserveItem, len(in.Items))
	for i, item := range in.Items {
		items[i] = c.item(item, "items", strconv.Itoa(i))
	}
	return command.ReserveSeats{EventID: in.EventID, Items: items}, c.errs
}

func (c *check) item(in *model.ReserveItemInput, path ...string) inventory.ReserveItem {
	at := func(names ...string) []string { return append(append([]string{}, path...), names...) }
	c.line(in.Section, inventory.LongestSectionName, at("section")...)
	if in.Quantity != nil && *in.Quantity < 1 {
		c.failf(at("quantity"), "quantity must be at least 1")
	}
	if (in.Quantity == nil) == (len(in.Seats) == 0) {
		c.failf(path, "give either quantity (best available) or seats")
	}
	if len(in.Seats) > inventory.MostLabels {
		c.failf(at("seats"), "seats must be at most %d", inventory.MostLabels)
		return inventory.ReserveItem{}
	}
	for i, label := range in.Seats {
		c.line(label, inventory.LongestLabel, at("seats", strconv.Itoa(i))...)
	}
	return inventory.ReserveItem{Section: in.Section, Quantity: in.Quantity, Labels: in.Seats}
}

func cancelReservation(in model.CancelReservationInput) (command.CancelReservation, []*model.UserError) {
	var c check
	c.id(id.Reservation, in.ReservationID, "reservationId")
	c.lines(in.Reason, reservation.LongestReason, "reason")
	return command.CancelReservation{ReservationID: in.ReservationID, Reason: value(in.Reason)}, c.errs
}

func (r *Resolver) processPayment(in model.ProcessPaymentInput) (command.ProcessPayment, []*model.UserError) {
	var c check
	c.id(id.Reservation, in.ReservationID, "reservationId")
	pay := command.ProcessPayment{ReservationID: in.ReservationID}
	if in.Method != nil && in.Method.Card != nil {
		c.cardToken(in.Method.Card.Token, "method", "card", "token")
		pay.CardToken = in.Method.Card.Token
	}
	if in.Method != nil && in.Method.Paypal != nil {
		c.pageURL(in.Method.Paypal.ReturnURL, r.development, "method", "paypal", "returnUrl")
		c.pageURL(in.Method.Paypal.CancelURL, r.development, "method", "paypal", "cancelUrl")
		pay.PayPal = &command.PayPal{ReturnURL: in.Method.Paypal.ReturnURL, CancelURL: in.Method.Paypal.CancelURL}
	}
	return pay, c.errs
}

func refundPayment(in model.RefundPaymentInput) (command.RefundPayment, []*model.UserError) {
	var c check
	c.id(id.Payment, in.PaymentID, "paymentId")
	c.lines(in.Reason, payment.LongestReason, "reason")
	refund := command.RefundPayment{PaymentID: in.PaymentID, Reason: value(in.Reason)}
	if in.Amount != nil {
		amount := c.money(in.Amount, "amount")
		refund.Amount = &amount
	}
	return refund, c.errs
}

func checkPayment(paymentID string) []*model.UserError {
	var c check
	c.id(id.Payment, paymentID, "paymentId")
	return c.errs
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
