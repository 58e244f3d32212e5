package graph

import (
	"context"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/command"
	"ticketing/command/inventory"
	"ticketing/graph/live"
	"ticketing/graph/model"
	"ticketing/internal/announce"
	"ticketing/internal/id"
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
	return pointersTo(inventory.Sections), err
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
	return slices.ContainsFunc(graphql.CollectAllFields(ctx), func(field string) bool { return field == "sections" || field == "inventoryVersion" })
}

// Seats implements generated.SectionResolver.
func (r sectionResolver) Seats(ctx context.Context, s *query.Section, first *int, after *string) (*model.SeatConnection, error) {
	page, err := r.reads.SeatPage(ctx, s.EventID, s.Name, query.PageArgs{First: first, After: after})
	return newConnection(page), err
}

// Availability implements generated.SubscriptionResolver.
func (r subscriptionResolver) Availability(ctx context.Context, eventID string) (<-chan *query.Event, error) {
	return lookup[query.Event]{id.Event, nil, r.feeds.availability, func(e query.Event) error {
		if !canSeeEvent(ctx, e) {
			return errNotFound
		}
		return nil
	}}.stream(ctx, eventID)
}

// availabilitySource reads events with their inventories, by the inventory's version. An event without an inventory has an empty one at
// version 0.
func availabilitySource(reads *query.Reader) live.Source[query.Event] {
	return live.Source[query.Event]{
		Channel: announceChannel(announce.Availability),
		Version: func(e query.Event) int64 { return e.Inventory.Version },
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

// AddInventory implements generated.MutationResolver.
func (r mutationResolver) AddInventory(ctx context.Context, in model.AddInventoryInput) (*model.AddInventoryPayload, error) {
	add := func(ctx context.Context, by command.Caller, add inventory.Add) (command.Event, error) {
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
	for i, row := range in.Rows {
		name := c.readLine(row.Row, inventory.LongestRowName, "rows", strconv.Itoa(i), "row")
		add.Rows = append(add.Rows, inventory.Row{Name: name, Seats: row.Seats})
	}
	return form[inventory.Add]{add, c.errs}
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
			EventID: e.ID, Name: s.Name, Price: s.Price, Capacity: s.Capacity, Available: s.Capacity - s.Reserved - s.Sold,
			Reserved: s.Reserved, Sold: s.Sold, Seated: s.Seated,
		}
	}
	return &query.Inventory{EventID: e.ID, Version: e.InventoryVersion, Sections: sections}
}
