package event

import (
	"cmp"
	"fmt"
	"time"

	"ticketing/command/rejection"
)

// Decide returns the domain events that c leads to, or a *rejection.Error.
func Decide(s State, c Command, now time.Time) ([]DomainEvent, error) {
	if create, ok := c.(Create); ok {
		return decideCreate(s, create, now)
	}
	if !s.Exists() {
		return nil, rejection.New(rejection.NotFound, "there is no such event").At("eventId")
	}
	switch c := c.(type) {
	case Update:
		return decideUpdate(s, c, now)
	case Publish:
		return decidePublish(s)
	case OpenSales:
		return decideOpenSales(s, c, now)
	case CloseSales:
		return decideCloseSales(s, c, now)
	case DeleteDraft:
		return decideDeleteDraft(s)
	case Cancel:
		return decideCancel(s, c)
	case Complete:
		return decideComplete(s, now)
	}
	panic(fmt.Sprintf("event: unknown command %T", c))
}

func decideCreate(s State, c Create, now time.Time) ([]DomainEvent, error) {
	if s.Status != nonexistent {
		return nil, rejection.New(rejection.InvalidState, "the event already exists")
	}
	c.TimeZone = cmp.Or(c.TimeZone, DefaultTimeZone)
	limits := Limits{c.MaxTicketsPerReservation, c.MaxTicketsPerCustomer, c.PaymentAttempts}
	if err := cmp.Or(
		checkTexts(c.Name, c.Description, c.Venue),
		checkTimeZone(c.TimeZone),
		checkFuture(&c.StartsAt, c.SalesCloseAt, now),
		checkWindow(c.StartsAt, c.SalesOpenAt, c.SalesCloseAt),
		checkLimits(limits),
	); err != nil {
		return nil, err
	}
	return []DomainEvent{EventCreated{
		OrganizerID: c.OrganizerID, Name: c.Name, Description: c.Description, Venue: c.Venue,
		StartsAt: c.StartsAt, TimeZone: c.TimeZone, SalesOpenAt: c.SalesOpenAt, SalesCloseAt: c.SalesCloseAt,
		MaxTicketsPerReservation: c.MaxTicketsPerReservation, MaxTicketsPerCustomer: c.MaxTicketsPerCustomer,
		PaymentAttempts: c.PaymentAttempts, CreatedAt: now,
	}}, nil
}

func decideUpdate(s State, c Update, now time.Time) ([]DomainEvent, error) {
	if s.Status == Cancelled || s.Status == Completed {
		return nil, rejectState(s, "changed")
	}
	u := EventUpdated{
		Name: valueOr(c.Name, s.Name), Description: valueOr(c.Description, s.Description), Venue: valueOr(c.Venue, s.Venue),
		StartsAt: valueOr(c.StartsAt, s.StartsAt), TimeZone: valueOr(c.TimeZone, s.TimeZone), SalesOpenAt: s.SalesOpenAt, SalesCloseAt: s.SalesCloseAt,
	}
	if c.SalesOpenAt != nil || c.ClearSalesOpenAt {
		u.SalesOpenAt = c.SalesOpenAt
	}
	if c.SalesCloseAt != nil || c.ClearSalesCloseAt {
		u.SalesCloseAt = c.SalesCloseAt
	}
	u.Limits = c.newLimits(s)
	if err := cmp.Or(
		checkTexts(u.Name, u.Description, u.Venue),
		checkTimeZone(u.TimeZone),
		checkFuture(c.StartsAt, c.SalesCloseAt, now),
		checkWindow(u.StartsAt, u.SalesOpenAt, u.SalesCloseAt),
		c.checkRoom(s, u.Limits),
		rejection.CheckLength(c.Reason, LongestReason, "reason"),
	); err != nil {
		return nil, err
	}
	if u.describes(s) {
		return nil, nil
	}
	if s.Published && (u.Venue != s.Venue || !u.StartsAt.Equal(s.StartsAt)) {
		u.Was = new(s.Place())
	}
	u.Reason = c.Reason
	return []DomainEvent{u}, nil
}

// describes reports whether the event is already as u says. A domain event without a change would make the log, and all that follows it,
// longer for nothing.
func (u EventUpdated) describes(s State) bool {
	return u.Limits == nil && u.Name == s.Name && u.Description == s.Description && u.Venue == s.Venue && u.TimeZone == s.TimeZone && u.StartsAt.Equal(s.StartsAt) &&
		sameTime(u.SalesOpenAt, s.SalesOpenAt) && sameTime(u.SalesCloseAt, s.SalesCloseAt)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

func decidePublish(s State) ([]DomainEvent, error) {
	if s.Status != Draft {
		return nil, rejectState(s, "published")
	}
	return []DomainEvent{EventPublished{}}, nil
}

// decideDeleteDraft accepts cancelled drafts too: they were never public, and there is no other way to get rid of them.
func decideDeleteDraft(s State) ([]DomainEvent, error) {
	if s.Published {
		return nil, rejection.New(rejection.InvalidState, "an event that was published cannot be deleted: cancel it")
	}
	return []DomainEvent{DraftDeleted{}}, nil
}

func decideOpenSales(s State, c OpenSales, now time.Time) ([]DomainEvent, error) {
	if c.Scheduled {
		if s.Status == SalesOpen || !s.OnSale(now) {
			return nil, nil
		}
		return []DomainEvent{SalesOpened{Scheduled: true}}, nil
	}
	if s.Status != Published && s.Status != SalesShut {
		return nil, rejectState(s, "opened for sale")
	}
	if end := s.salesEnd(); !now.Before(end) {
		return nil, rejection.New(rejection.InvalidState, "sales ended at %s: move salesCloseAt first", end.Format(time.RFC3339))
	}
	return []DomainEvent{SalesOpened{}}, nil
}

func decideCloseSales(s State, c CloseSales, now time.Time) ([]DomainEvent, error) {
	if c.Scheduled {
		if end := s.ClosesAt(); end == nil || now.Before(*end) {
			return nil, nil
		}
		return []DomainEvent{SalesClosed{Scheduled: true}}, nil
	}
	if s.Status != SalesOpen && !s.OnSale(now) {
		return nil, rejectState(s, "closed for sale")
	}
	return []DomainEvent{SalesClosed{}}, nil
}

func decideCancel(s State, c Cancel) ([]DomainEvent, error) {
	if s.Status == Cancelled || s.Status == Completed {
		return nil, rejectState(s, "cancelled")
	}
	if err := rejection.CheckLength(c.Reason, LongestReason, "reason"); err != nil {
		return nil, err
	}
	return []DomainEvent{EventCancelled(c)}, nil
}

func decideComplete(s State, now time.Time) ([]DomainEvent, error) {
	if s.Status != SalesShut && s.Status != SalesOpen && s.Status != Published {
		return nil, rejectState(s, "completed")
	}
	if now.Before(s.StartsAt) {
		return nil, rejection.New(rejection.InvalidState, "the event has not begun: it starts at %s", s.StartsAt.Format(time.RFC3339))
	}
	return []DomainEvent{EventCompleted{}}, nil
}

// checkFuture gets only the times that a command sets: the name of an event can still be corrected after its sales have ended.
func checkFuture(startsAt, closeAt *time.Time, now time.Time) error {
	if startsAt != nil && !startsAt.After(now) {
		return rejection.New(rejection.Invalid, "startsAt must be in the future").At("startsAt")
	}
	if closeAt != nil && !closeAt.After(now) {
		return rejection.New(rejection.Invalid, "salesCloseAt must be in the future").At("salesCloseAt")
	}
	return nil
}

func checkWindow(startsAt time.Time, openAt, closeAt *time.Time) error {
	if openAt != nil && !openAt.Before(startsAt) {
		return rejection.New(rejection.Invalid, "salesOpenAt must be before startsAt").At("salesOpenAt")
	}
	if openAt != nil && closeAt != nil && !openAt.Before(*closeAt) {
		return rejection.New(rejection.Invalid, "salesCloseAt must be after salesOpenAt").At("salesCloseAt")
	}
	return nil
}

func rejectState(s State, done string) error {
	return rejection.New(rejection.InvalidState, "an event that is %s cannot be %s", s.Status, done)
}

func valueOr[T any](change *T, current T) T {
	if change == nil {
		return current
	}
	return *change
}
