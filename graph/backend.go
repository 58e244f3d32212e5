package graph

import (
	"context"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

// Commands is what the API needs of the write side; command.Service has it.
//
//nolint:interfacebloat // one method a mutation
type Commands interface {
	CreateEvent(ctx context.Context, by command.Caller, in event.Create) (command.Event, error)
	UpdateEvent(ctx context.Context, by command.Caller, eventID string, in event.Update) (command.Event, error)
	AddInventory(ctx context.Context, by command.Caller, eventID string, in inventory.Add) (command.Event, error)
	PublishEvent(ctx context.Context, by command.Caller, eventID string) (command.Event, error)
	OpenSales(ctx context.Context, by command.Caller, eventID string) (command.Event, error)
	CloseSales(ctx context.Context, by command.Caller, eventID string) (command.Event, error)
	CancelEvent(ctx context.Context, by command.Caller, eventID, reason string) (command.Event, error)
	CompleteEvent(ctx context.Context, by command.Caller, eventID string) (command.Event, error)
	ReserveSeats(ctx context.Context, by command.Caller, in command.ReserveSeats) (command.Reservation, error)
	CancelReservation(ctx context.Context, by command.Caller, in command.CancelReservation) (command.Reservation, error)
	// ProcessPayment and ConfirmPayment return the payment and the reservation also beside a rejection, when it was made and declined.
	ProcessPayment(ctx context.Context, by command.Caller, in command.ProcessPayment) (command.Paid, error)
	ConfirmPayment(ctx context.Context, by command.Caller, paymentID string) (command.Paid, error)
	RefundPayment(ctx context.Context, by command.Caller, in command.RefundPayment) (command.Refunding, error)
}

// Reads is what the API needs of the read side; query.Reader has it.
type Reads interface {
	Events(ctx context.Context, ids []string) (map[string]query.Event, error)
	Inventories(ctx context.Context, eventIDs []string) (map[string]query.Inventory, error)
	Reservations(ctx context.Context, ids []string) (map[string]query.Reservation, error)
	Payments(ctx context.Context, ids []string) (map[string]query.Payment, error)
	PaymentsByRefund(ctx context.Context, refundIDs []string) (map[string]query.Payment, error)
	PaymentsByReservation(ctx context.Context, reservationIDs []string) (map[string][]query.Payment, error)
	EventPage(ctx context.Context, filter query.EventFilter, page query.PageArgs) (query.Page[query.Event], error)
	SeatPage(ctx context.Context, eventID, section string, page query.PageArgs) (query.Page[query.Seat], error)
	ReservationPage(ctx context.Context, filter query.Filter, page query.PageArgs) (query.Page[query.Reservation], error)
	ReservationPagesOf(ctx context.Context, by query.Owner, ids []string, filter query.Filter, page query.PageArgs) (map[string]query.Page[query.Reservation], error)
	PaymentPage(ctx context.Context, filter query.PaymentFilter, page query.PageArgs) (query.Page[query.Payment], error)
	PaymentPagesOf(ctx context.Context, by query.Owner, ids []string, filter query.PaymentFilter, page query.PageArgs) (map[string]query.Page[query.Payment], error)
	SalesReport(ctx context.Context, eventID string, days query.Days) (*query.SalesReport, error)
	SectionPage(ctx context.Context, page query.PageArgs) (query.Page[query.SectionSales], error)
	Customers(ctx context.Context, ids []string) (map[string]query.Customer, error)
	SpendOf(ctx context.Context, customerIDs []string) (map[string][]query.Spend, error)
	CustomerPage(ctx context.Context, filter query.CustomerFilter, page query.PageArgs) (query.Page[query.Customer], error)
	TopCustomerPage(ctx context.Context, currency string, page query.PageArgs) (query.Page[query.Customer], error)
	HistoryPagesOf(ctx context.Context, customerIDs []string, page query.PageArgs) (map[string]query.Page[query.HistoryEntry], error)
}

// Projections is what the API shows of how far the read side is; query.Projections has it.
type Projections interface {
	Status(ctx context.Context) ([]query.ProjectionStatus, error)
}

// People is what the API needs to know of who is there; auth.Service has it.
//
//nolint:interfacebloat // what can be done with people, sessions and roles
type People interface {
	RequestMagicLink(ctx context.Context, email string) (token string, err error)
	VerifyMagicLink(ctx context.Context, token, agent string) (auth.Session, auth.User, error)
	Authenticate(ctx context.Context, token string) (auth.Principal, error)
	WatchSession(ctx context.Context, p auth.Principal) <-chan struct{}
	RenewSession(ctx context.Context, token string) (auth.Session, error)
	Sessions(ctx context.Context, userID string) ([]auth.Session, error)
	SignOut(ctx context.Context, token string) error
	SignOutSession(ctx context.Context, userID, sessionID string) error
	SignOutAll(ctx context.Context, actorID, userID, keep string) error
	ListUsers(ctx context.Context, f auth.UserFilter, part auth.Range) ([]auth.Listed, error)
	AccessLog(ctx context.Context, f auth.AccessFilter, part auth.Range) ([]auth.AccessEntry, error)
	Users(ctx context.Context, ids []string) (map[string]auth.User, error)
	EraseUser(ctx context.Context, actorID, userID string) error
	GrantRole(ctx context.Context, actorID, userID string, role auth.Role) error
	RevokeRole(ctx context.Context, actorID, userID string, role auth.Role) error
}

// Log is what the API shows of the log; eventstore.Reader has it.
type Log interface {
	Range(ctx context.Context, streamID string, part eventstore.Range) ([]eventstore.Recorded, error)
}

// Limiter is what the API needs to refuse what is too much; ratelimit.Limiter has it.
type Limiter interface {
	Allow(ctx context.Context, name, key string, limit ratelimit.Limit, cost int) (ratelimit.Decision, error)
}

// Connections is what the API needs to refuse too many at a time; ratelimit.Connections has it.
type Connections interface {
	Open(ctx context.Context, name, key string, most int) (release func(), d ratelimit.Decision)
}
