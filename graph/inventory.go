package graph

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/command"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/live"
	"ticketing/graph/model"
	"ticketing/graph/transport"
	"ticketing/internal/announce"
	"ticketing/internal/card"
	"ticketing/internal/id"
	"ticketing/internal/text"
	"ticketing/query"
)

type sectionResolver struct{ *Resolver }

// InventoryVersion implements generated.EventResolver.
func (eventResolver) InventoryVersion(ctx context.Context, e *query.Event) (int, error) {
	inventory, err := inventoryOf(ctx, e)
	return int(inventory.Version), err
}

// Sections implements generated.EventResolver.
func (eventResolver) Sections(ctx context.Context, e *query.Event) ([]*query.Section, error) {
	inventory, err := inventoryOf(ctx, e)
	loadersOf(ctx).listSections(inventory)
	return pointersTo(inventory.Sections), err
}

// Section implements generated.EventResolver.
func (eventResolver) Section(ctx context.Context, e *query.Event, name string) (*query.Section, error) {
	inventory, err := inventoryOf(ctx, e)
	return findSection(inventory, name), err
}

// findSection returns the section with this name, or else the one with the same name folded; nil when there is none.
func findSection(inventory query.Inventory, name string) *query.Section {
	i := slices.IndexFunc(inventory.Sections, func(s query.Section) bool { return s.Name == name })
	if i < 0 {
		folded := text.Fold(name)
		i = slices.IndexFunc(inventory.Sections, func(s query.Section) bool { return text.Fold(s.Name) == folded })
	}
	if i < 0 {
		return nil
	}
	return &inventory.Sections[i]
}

// findSectionByID returns a section of an event that the viewer may know of. What the log has is waited for.
func (r queryResolver) findSectionByID(ctx context.Context, sectionID string) (*query.Section, error) {
	eventID, ordinal, err := id.ParseSection(sectionID)
	if err != nil {
		return nil, apierror.New(apierror.BadUserInput, "%s", err)
	}
	e, err := r.Event(ctx, eventID, nil)
	if e == nil || err != nil {
		return nil, err
	}
	inventory, err := inventoryOf(ctx, e)
	if err == nil && ordinal >= len(inventory.Sections) {
		e, err = r.awaitLoggedInventory(ctx, e)
		if err == nil {
			inventory, err = inventoryOf(ctx, e)
		}
	}
	if err != nil || ordinal >= len(inventory.Sections) {
		return nil, err
	}
	return &inventory.Sections[ordinal], nil
}

// inventoryOf returns the inventory that came with the event, or what the read side knows of it.
func inventoryOf(ctx context.Context, e *query.Event) (query.Inventory, error) {
	if e.Inventory != nil {
		return *e.Inventory, nil
	}
	inventory, err := loadersOf(ctx).inventories.Load(ctx, e.ID)
	if inventory == nil || err != nil {
		return query.Inventory{}, err
	}
	return *inventory, nil
}

// withLoggedInventory gives an event that is read at a version the inventory that the log has, which is another stream with versions of its
// own: otherwise a section that was just added would be missing.
func (r *Resolver) withLoggedInventory(ctx context.Context, e *query.Event) (*query.Event, error) {
	if !selectsInventory(ctx) {
		return e, nil
	}
	return r.awaitLoggedInventory(ctx, e)
}

func (r *Resolver) awaitLoggedInventory(ctx context.Context, e *query.Event) (*query.Event, error) {
	logged, err := r.loggedVersion(ctx, inventory.Stream(e.ID))
	if err != nil {
		return nil, err
	}
	known, err := inventoryOf(ctx, e)
	if err != nil || known.Version >= logged {
		return e, err
	}
	newer, err := lookup[query.Event]{id.Event, nil, r.feeds.availability, everyoneMaySee}.waitForVersion(ctx, e.ID, logged)
	if err != nil {
		return nil, err
	}
	e.Inventory = newer.Inventory
	return e, nil
}

func everyoneMaySee(query.Event) error { return nil }

func selectsInventory(ctx context.Context) bool {
	return slices.ContainsFunc(graphql.CollectAllFields(ctx), func(field string) bool {
		return field == "sections" || field == "section" || field == "inventoryVersion"
	})
}

// mostSeats bounds the seats that one field reads at once, of all sections of a response.
const mostSeats = 20_000

// Seats implements generated.SectionResolver.
func (r sectionResolver) Seats(ctx context.Context, s *query.Section, f *model.SeatFilter, first *int, after *string, last *int, before *string) (*model.SeatConnection, error) {
	args := query.PageArgs{First: first, After: after, Last: last, Before: before}
	var filter query.SeatFilter
	if f != nil {
		filter = query.SeatFilter{Status: f.Status, Accessible: f.Accessible, RestrictedView: f.RestrictedView}
	}
	total, counted := filter.Count(*s)
	if counted && total == 0 { // it reads all seats of a section to find none
		_, err := r.reads.SeatPagesOf(ctx, nil, filter, args) // checks the arguments
		return seatConnection(query.Page[query.Seat]{}, &total), err
	}
	fetch := func(ctx context.Context, keys []string) (map[string]query.Page[query.Seat], error) {
		if len(keys)*args.Size() > mostSeats {
			return nil, apierror.New(apierror.ComplexityExceeded, "more than %d seats: request smaller pages, or a seatMap", mostSeats)
		}
		return r.reads.SeatPagesOf(ctx, keys, filter, args)
	}
	l := loadersOf(ctx)
	page, err := loadPage(ctx, &l.seatPages, &l.siblings.sections, s.Key(), fetch, func([]query.Seat) {})
	if !counted {
		return seatConnection(page, nil), err
	}
	return seatConnection(page, &total), err
}

func seatConnection(page query.Page[query.Seat], total *int) *model.SeatConnection {
	return &model.SeatConnection{Connection: *newConnection(page), TotalCount: total}
}

// SeatChanges implements generated.SubscriptionResolver.
func (r subscriptionResolver) SeatChanges(ctx context.Context, eventID string, sinceVersion *int) (<-chan *model.SeatChanges, error) {
	if sinceVersion != nil && *sinceVersion < 0 {
		return nil, apierror.New(apierror.BadUserInput, "sinceVersion can't be negative")
	}
	states, err := lookup[query.Event]{id.Event, nil, r.feeds.availability, visibleTo(ctx)}.stream(ctx, eventID)
	if err != nil {
		return nil, err
	}
	sent, offered := make(chan *model.SeatChanges), make(chan struct{})
	subscriptionOf(ctx).setOffered(offered) // the changes, not the states that they follow from
	part := firstPart(resumeAfter(ctx, sinceVersion))
	if shared := transport.SharedOf(ctx); shared != nil {
		part = shared.First
	}
	go r.seats.followSeats(ctx, eventID, part, states, sent, offered)
	return sent, nil
}

// SeatMap implements generated.SectionResolver.
func (sectionResolver) SeatMap(ctx context.Context, s *query.Section) (*query.SeatMap, error) {
	if !s.Seated {
		return nil, nil //nolint:nilnil // null for general admission
	}
	return loadersOf(ctx).seatMaps.Load(ctx, s.Key())
}

// Availability implements generated.SubscriptionResolver.
func (r subscriptionResolver) Availability(ctx context.Context, eventID string) (<-chan *query.Event, error) {
	return lookup[query.Event]{id.Event, nil, r.feeds.wholeEvents, visibleTo(ctx)}.stream(ctx, eventID)
}

// visibleTo returns a check that finds no event which ctx's viewer may not know of.
func visibleTo(ctx context.Context) func(query.Event) error {
	return func(e query.Event) error {
		if !canSeeEvent(ctx, e) {
			return errNotFound
		}
		return nil
	}
}

// availabilitySource reads events with their inventories, by the inventory's version. An event without an inventory has an empty one at
// version 0.
func availabilitySource(reads *query.Reader) live.Source[query.Event] {
	return live.Source[query.Event]{
		Channels: announceChannels(announce.Availability),
		Version:  func(e query.Event) int64 { return e.Inventory.Version },
		Load: func(ctx context.Context, ids []string) (map[string]query.Event, error) {
			events, err := reads.Events(ctx, ids)
			if err != nil {
				return nil, err
			}
			inventories, err := reads.Inventories(ctx, ids)
			for eventID, e := range events {
				inventory := inventories[eventID]
				e.Inventory = &inventory
				events[eventID] = e
			}
			return events, err
		},
	}
}

// wholeEventSource reads the same, by the versions of both: they only rise, and so does their sum.
func wholeEventSource(reads *query.Reader) live.Source[query.Event] {
	source := availabilitySource(reads)
	source.Channels = announceChannels(announce.Availability, announce.Event)
	source.Version = func(e query.Event) int64 { return e.Version + e.Inventory.Version }
	return source
}

// AddInventory implements generated.MutationResolver.
func (r mutationResolver) AddInventory(ctx context.Context, in model.AddInventoryInput) (*model.AddInventoryPayload, error) {
	add := func(ctx context.Context, by command.Caller, add inventory.Add) (command.Event, error) {
		if err := r.countSeats(ctx, add.Rows); err != nil {
			return command.Event{}, err
		}
		return r.commands.AddInventory(ctx, by, in.EventID, add)
	}
	changed, wrong, err := mutate(ctx, withoutKey, addInventoryForm(in), add)
	e := eventView(changed)
	return &model.AddInventoryPayload{Event: e, Section: lastSection(e), UserErrors: wrong}, err
}

func addInventoryForm(in model.AddInventoryInput) form[inventory.Add] {
	var c checker
	c.checkID(id.Event, in.EventID, "eventId")
	add := inventory.Add{
		Section: c.readLine(in.Section, inventory.LongestSectionName, "section"), Price: c.readMoney(in.Price, "price"), Capacity: in.Capacity,
	}
	add.Rows = c.readRows(in.Rows)
	return form[inventory.Add]{add, c.errs}
}

const (
	seatsPerDay = 2_000_000 // ten arenas: each seat is a row of a read table, which a projector must write before it goes on
	seatsUnit   = 100       // what the limiter counts as one: it keeps a number for each
)

// countSeats counts the seats that the viewer adds. It returns LIMIT_EXCEEDED when that is too much for a day.
func (r *Resolver) countSeats(ctx context.Context, rows []inventory.Row) error {
	seats := 0
	for _, row := range rows {
		seats += min(max(row.Seats, 0), inventory.MostSeatsInRow)
	}
	if seats == 0 {
		return nil
	}
	counted, err := r.limiter.Allow(ctx, "seats", viewerOf(ctx).UserID, r.limits.Seats, (seats+seatsUnit-1)/seatsUnit)
	if err != nil || counted.Allowed {
		return err
	}
	return rejection.New(rejection.LimitExceeded, "you can add %d numbered seats in 24 hours; try again in %s",
		r.limits.Seats.Requests*seatsUnit, counted.RetryAfter.Round(time.Minute)).At("rows")
}

// readRows returns rows of seats; the write side reads their labels.
func (c *checker) readRows(typed []*model.SeatRowInput) (rows []inventory.Row) {
	for i, row := range typed {
		at := strconv.Itoa(i)
		numbering := inventory.Numbering{
			First: c.readCount(row.FirstNumber, "rows", at, "firstNumber"), Step: c.readCount(row.Step, "rows", at, "step"), Labels: row.Labels,
		}
		for j, label := range row.Labels {
			if card.IsIn(label) {
				c.refuseCard([]string{"rows", at, "labels", strconv.Itoa(j)})
			}
		}
		name := c.readLine(row.Row, inventory.LongestRowName, "rows", at, "row")
		rows = append(rows, inventory.Row{Name: name, Seats: row.Seats, Numbering: numbering, Layout: (*inventory.Layout)(row.Layout)})
	}
	return rows
}

// readCount returns a number that may be missing, as 0; 0 itself is refused.
func (c *checker) readCount(n *int, path ...string) int {
	if n == nil {
		return 0
	}
	if *n == 0 {
		c.addError(path, "%s must be at least 1", fieldName(path))
	}
	return *n
}

// UpdateSection implements generated.MutationResolver.
func (r mutationResolver) UpdateSection(ctx context.Context, in model.UpdateSectionInput) (*model.EventPayload, error) {
	return changeEvent(ctx, updateSectionForm(in), func(ctx context.Context, by command.Caller, update inventory.Update) (command.Event, error) {
		if err := r.countSeats(ctx, update.Rows); err != nil {
			return command.Event{}, err
		}
		return r.commands.UpdateSection(ctx, by, in.EventID, update)
	})
}

func updateSectionForm(in model.UpdateSectionInput) form[inventory.Update] {
	var c checker
	c.checkID(id.Event, in.EventID, "eventId")
	c.checkLine(in.Section, inventory.LongestSectionName, "section")
	update := inventory.Update{
		Section: in.Section, Capacity: in.Capacity, Rows: c.readRows(in.Rows),
		Block: c.readLabels(in.Block, "block"), Unblock: c.readLabels(in.Unblock, "unblock"), Accessible: c.readLabels(in.Accessible, "accessible"),
		RestrictedView: c.readLabels(in.RestrictedView, "restrictedView"), Unmark: c.readLabels(in.Unmark, "unmark"),
	}
	if in.Price != nil {
		update.Price = new(c.readMoney(in.Price, "price"))
	}
	return form[inventory.Update]{update, c.errs}
}

func (c *checker) readLabels(labels []string, field string) []string {
	for i, label := range labels {
		c.checkLine(label, inventory.LongestLabel, field, strconv.Itoa(i))
	}
	return labels
}

// lastSection returns the section that was added.
func lastSection(e *query.Event) *query.Section {
	if e == nil || len(e.Inventory.Sections) == 0 {
		return nil
	}
	return &e.Inventory.Sections[len(e.Inventory.Sections)-1]
}

func inventoryView(e command.Event) *query.Inventory {
	sections := make([]query.Section, len(e.Sections))
	for i, s := range e.Sections {
		sections[i] = query.Section{
			EventID: e.ID, Name: s.Name, Price: s.Price, Capacity: s.Capacity, Available: s.Capacity - s.Reserved - s.Sold - s.Blocked,
			Reserved: s.Reserved, Sold: s.Sold, Blocked: s.Blocked, Seated: s.Seated, Ordinal: i,
		}
	}
	return &query.Inventory{EventID: e.ID, Version: e.InventoryVersion, Sections: sections}
}
