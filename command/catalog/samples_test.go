package catalog

import (
	"time"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

var (
	at              = time.Date(2026, time.November, 2, 12, 0, 0, 123456789, time.UTC)
	later           = at.Add(5 * time.Minute)
	price           = money.Money{Minor: 50_00, Currency: "EUR"}
	refundedTickets = []payment.Ticket{{Ordinal: 1, Section: "Stalls", Price: price}}

	items = []inventory.Item{{Section: "Stalls", Quantity: 2, Labels: []string{"A-1", "A-2"}}}
)

const (
	eventID       = "evt_01h455vb4pex5vsknk084sn02q"
	reservationID = "rsv_01h455vb4pex5vsknk084sn02r"
	paymentID     = "pay_01h455vb4pex5vsknk084sn02s"
	refundID      = "rfd_01h455vb4pex5vsknk084sn02t"
	customerID    = "usr_01h455vb4pex5vsknk084sn02v"
	organizerID   = "usr_01h455vb4pex5vsknk084sn02w"
)

// numberedRow sets all fields of a row. In truth one has either a first number and a step, or labels.
var numberedRow = inventory.Row{Name: "A", Seats: 3, Numbering: inventory.Numbering{First: 11, Step: 2, Labels: []string{"11", "13", "13A"}}, Layout: &inventory.Layout{X: -12.5, Y: 3, Rotation: 15.25}}

// samples has each domain event as this build writes it, with every field set, by its name in the log.
var samples = map[string]any{
	"EventCreated": event.EventCreated{
		OrganizerID: organizerID, Name: "Concert", Description: "Loud.", Venue: "Hall", StartsAt: at.AddDate(0, 1, 0), TimeZone: "Europe/Berlin",
		SalesOpenAt: &at, SalesCloseAt: &later, MaxTicketsPerReservation: 10, MaxTicketsPerCustomer: new(20), PaymentAttempts: 3, CreatedAt: at,
	},
	"EventUpdated": event.EventUpdated{
		Name: "Gig", Description: "Louder.", Venue: "Arena", StartsAt: at.AddDate(0, 1, 0), TimeZone: "Europe/Berlin", SalesOpenAt: &at, SalesCloseAt: &later,
		Was: &event.Place{Venue: "Hall", StartsAt: at, TimeZone: "Europe/Berlin"}, Reason: "the singer is ill",
		Limits: &event.Limits{MaxTicketsPerReservation: 10, MaxTicketsPerCustomer: new(20), PaymentAttempts: 3},
	},
	"EventPublished": event.EventPublished{},
	"SalesOpened":    event.SalesOpened{Scheduled: true},
	"SalesClosed":    event.SalesClosed{Scheduled: true},
	"EventCancelled": event.EventCancelled{Reason: "rain"},
	"EventCompleted": event.EventCompleted{},
	"DraftDeleted":   event.DraftDeleted{},

	"InventoryAdded": inventory.InventoryAdded{
		Section: "Stalls", Price: price, Capacity: 7, Rows: []inventory.Row{numberedRow, {Name: "B", Seats: 4}},
	},
	"SectionUpdated": inventory.SectionUpdated{
		Section: "Stalls", Price: price, Capacity: 7, RowsChanged: []inventory.Row{numberedRow}, RowsAdded: []inventory.Row{numberedRow},
		Blocked: []string{"B-1"}, Unblocked: []string{"B-2"}, Marked: []inventory.SeatMarks{{Label: "A-11", Accessible: true, RestrictedView: true}},
	},
	"SeatsReserved":  inventory.SeatsReserved{ReservationID: reservationID, CustomerID: customerID, Items: items},
	"SeatsConfirmed": inventory.SeatsConfirmed{ReservationID: reservationID, CustomerID: customerID, Items: items},
	"SeatsReleased":  inventory.SeatsReleased{ReservationID: reservationID, CustomerID: customerID, Items: items, Sold: true},

	"ReservationInitiated": reservation.ReservationInitiated{
		EventID: eventID, CustomerID: customerID, Seats: []reservation.Seat{{Section: "Stalls", Label: "A-1", Price: price}},
		Total: price, PaymentAttempts: 3, CreatedAt: at, ExpiresAt: later, TimeZone: "Europe/Berlin",
	},
	"PaymentRequested":       reservation.PaymentRequested{PaymentID: paymentID, ExpiresAt: later},
	"PaymentAttemptFailed":   reservation.PaymentAttemptFailed{PaymentID: paymentID, AttemptsLeft: 2, Reason: "declined"},
	"ReservationCompleted":   reservation.ReservationCompleted{PaymentID: paymentID, CompletedAt: at},
	"ReservationCancelled":   reservation.ReservationCancelled{Reason: "changed my mind", CancelledAt: at},
	"ReservationExpired":     reservation.ReservationExpired{ExpiredAt: at},
	"ReservationCompensated": reservation.ReservationCompensated{PaymentID: paymentID, Reason: "declined", CompensatedAt: at},
	"TicketsReturned": reservation.TicketsReturned{
		PaymentID: paymentID, RefundID: refundID, Tickets: []reservation.Ticket{{Ordinal: 1, Section: "Stalls"}}, ReturnedAt: at,
	},
	"ReservationRefunded": reservation.ReservationRefunded{PaymentID: paymentID, RefundedAt: at},

	"PaymentInitiated": payment.PaymentInitiated{
		ReservationID: reservationID, CustomerID: customerID, EventID: eventID, Amount: price, Gateway: "stripe", Method: "card", CreatedAt: at,
	},
	"PaymentProcessing":     payment.PaymentProcessing{TransactionID: "pi_1"},
	"PaymentActionRequired": payment.PaymentActionRequired{TransactionID: "pi_1"},
	"PaymentCompleted":      payment.PaymentCompleted{TransactionID: "pi_1", CompletedAt: at},
	"PaymentFailed":         payment.PaymentFailed{Code: payment.Declined, Reason: "Your card was declined.", FailedAt: at},
	"RefundRequested": payment.RefundRequested{
		RefundID: refundID, Amount: price, Cause: payment.CauseRequested, Reason: "rain", Tickets: refundedTickets, RequestedAt: at,
	},
	"PaymentRefunded": payment.PaymentRefunded{RefundID: refundID, Amount: price, Tickets: refundedTickets, RefundedAt: at},
	"RefundFailed":    payment.RefundFailed{RefundID: refundID, Reason: "account closed", FailedAt: at},
	"RefundSentBack":  payment.RefundSentBack{RefundID: refundID, Attempt: 1, Amount: price, Reason: "account closed", Tickets: refundedTickets, SentBackAt: at},
	"RefundRetried":   payment.RefundRetried{RefundID: refundID, Attempt: 1, RetriedAt: at},
	"RefundReported":  payment.RefundReported{RefundID: refundID, Amount: price, ReportedAt: at},
	"PaymentDisputed": payment.PaymentDisputed{DisputeID: "dp_1", Amount: price, Reason: "fraudulent", DisputedAt: at},
	"DisputeClosed":   payment.DisputeClosed{DisputeID: "dp_1", Won: true, Amount: &price, ClosedAt: at},
}
