package verify

import (
	"context"
	"fmt"
	"slices"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/sales"
)

// What of the log is in memory at once.
const (
	scanPage         = 50_000 // positions
	eventsTogether   = 50     // each may have 200,000 seats
	reservationsPage = 5_000  // with their payments, 2 KB each
)

// verifyEvents replays the log event by event, checks its invariants, and compares the rows of its streams.
func (r *run) verifyEvents(ctx context.Context) error {
	r.report.Audit.Position = r.start.Position
	defer r.report.Audit.CheckMoney()
	if len(r.EventIDs) > 0 {
		return r.verifyTogether(ctx, distinct(slices.Clone(r.EventIDs)))
	}
	until := r.start.Position
	if r.Begun.Until > 0 {
		until = min(until, r.Begun.Until)
	}
	if err := r.scanLog(ctx, r.Begun.After, until); err != nil {
		return err
	}
	r.checkReached(until)
	return nil
}

// scanLog verifies the events that begin in a part of the log, and that it has no gaps.
func (r *run) scanLog(ctx context.Context, after, until int64) error {
	known := []string{event.Category, inventory.Category, reservation.Category, payment.Category}
	for after < until {
		part := eventstore.Stretch{After: after, Until: min(after+scanPage, until)}
		scanned, err := eventstore.Scan(ctx, r.Events, part, known, []string{event.Category, inventory.Category})
		if err != nil {
			return err
		}
		if missing := part.Until - part.After - scanned.Events; missing > 0 {
			r.report.Audit.Add("log", "%d positions between %d and %d are missing: there is a gap", missing, part.After, part.Until)
		}
		for _, streamID := range scanned.Unknown {
			r.report.Audit.Add(streamID, "the stream is of no known category")
		}
		ids, err := r.begunEvents(ctx, scanned.Begun)
		if err != nil {
			return err
		}
		if err := r.verifyTogether(ctx, ids); err != nil {
			return err
		}
		after = part.Until
	}
	return nil
}

// begunEvents returns the events of streams that begin in a part of the log. An inventory counts only if it has no event.
func (r *run) begunEvents(ctx context.Context, begun []string) (ids []string, err error) {
	var events, inventories []string
	for _, streamID := range begun {
		category, id := eventstore.SplitStreamID(streamID)
		if category == event.Category {
			ids = append(ids, id)
		} else {
			inventories, events = append(inventories, id), append(events, event.Stream(id))
		}
	}
	existing, err := eventstore.ExistingStreams(ctx, r.Events, events)
	for i, id := range inventories {
		if !existing[events[i]] {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// checkReached reports domain events of streams that no event leads to.
func (r *run) checkReached(until int64) {
	reached := r.report.Audit.DomainEvents
	if r.isWhole() && r.report.Audit.OK() && reached != until {
		r.report.Audit.Add("log", "%d domain events are in streams that lead to no event: its inventory does not know their reservations", until-reached)
	}
}

// verifyTogether verifies events, a few at a time.
func (r *run) verifyTogether(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, eventsTogether) {
		if err := r.verifyChunk(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) verifyChunk(ctx context.Context, ids []string) error {
	x := r.expected
	defer x.forget()
	streams := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		streams = append(streams, event.Stream(id), inventory.Stream(id))
	}
	if err := x.log.ReadStreams(ctx, r.Events, streams, r.start.Position, r.report.Audit); err != nil {
		return err
	}
	reservationIDs := distinct(x.foundReservations)
	for page := range slices.Chunk(reservationIDs, reservationsPage) {
		if err := r.verifyReservations(ctx, page); err != nil {
			return err
		}
	}
	x.log.CheckInventories(r.report.Audit)
	if err := r.compareTables(ctx, x.eventTables()); err != nil || r.isWhole() {
		return err
	}
	return r.ifShown(sales.Projection{}, func() error { return r.compareSales(ctx, ids) })
}

// verifyReservations verifies reservations and their payments. Their events are in memory.
func (r *run) verifyReservations(ctx context.Context, ids []string) error {
	x := r.expected
	x.foundPayments = nil
	streams := make([]string, len(ids))
	for i, id := range ids {
		streams[i] = reservation.Stream(id)
	}
	if err := x.log.ReadStreams(ctx, r.Events, streams, r.start.Position, r.report.Audit); err != nil {
		return err
	}
	payments := distinct(x.foundPayments)
	streams = make([]string, len(payments))
	for i, id := range payments {
		streams[i] = payment.Stream(id)
	}
	if err := x.log.ReadStreams(ctx, r.Events, streams, r.start.Position, r.report.Audit); err != nil {
		return err
	}
	x.log.CheckReservations(r.windingUp, r.report.Audit)
	err := r.compareTables(ctx, x.reservationTables())
	x.forgetReservations()
	return err
}

func (r *run) compareTables(ctx context.Context, all []table) error {
	for _, t := range all {
		if err := r.ifShown(t.projection, func() error { return r.comparisonOf(t).compareTable(ctx) }); err != nil {
			return fmt.Errorf("compare table %s: %w", t.name, err)
		}
	}
	return nil
}

func distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
