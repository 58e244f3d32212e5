package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/graph/transport"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
	"ticketing/query"
)

const (
	// changesTimeout bounds one read of what changed, for which all who watch the event wait.
	changesTimeout = 3 * time.Second
	// changesRetry is how long after a failed read the next one begins.
	changesRetry = time.Second
	// changesPatience is how long what changed is tried to be read, while the log can't be: who watches sees no change meanwhile, and most outages are
	// shorter. Then all seats are read again instead, as they are at once when the log does not have, or this build does not know, what changed.
	changesPatience = 10 * time.Second
)

// errNotInLog means that trying again is no use: the log was replaced, or has what only a newer build reads.
var errNotInLog = errors.New("the log does not say what changed")

// seatLog knows which seats of events changed. It reads that in the log, and the seats themselves in the read tables, once for all who watch an
// event, and up to where the read tables are: a seat map that is read after a change was sent has it. It is safe for concurrent use.
type seatLog struct {
	log      eventstore.Reader
	registry *eventstore.Registry
	reads    *query.Reader
	fault    *supervise.Fault
	skipped  prometheus.Counter
	patience time.Duration
	logger   *slog.Logger

	mu     sync.Mutex
	events map[string]*seatHistory // those that are watched
}

func newSeatLog(log eventstore.Reader, reads *query.Reader, skipped prometheus.Counter, logger *slog.Logger) *seatLog {
	return &seatLog{
		log: log, registry: catalog.Registry(), reads: reads, events: map[string]*seatHistory{}, skipped: skipped, patience: changesPatience, logger: logger,
		fault: supervise.NewFault("reading changes of seats", logger),
	}
}

// firstPart returns with what a reader begins that has the version, or has none. Before version 1 there are no seats, so all of them changed.
func firstPart(sinceVersion *int) transport.Part {
	switch {
	case sinceVersion == nil:
		return transport.PartFirst
	case *sinceVersion <= 0:
		return transport.PartRestart
	}
	return transport.Part(*sinceVersion)
}

// resumeAfter returns the version after which a client goes on: when it connects again, that of the last event that it got. sinceVersion is older then,
// since it is part of the stream's address. An id that is no version is ignored: an EventSource would send it again and again.
func resumeAfter(ctx context.Context, sinceVersion *int) *int {
	version, err := strconv.Atoi(request.From(ctx).LastEventID)
	if err != nil || version < 0 {
		return sinceVersion
	}
	return &version
}

// followSeats sends the first part, and then what changed with each newer version. A reader that has more to wait for waits for offered first.
func (l *seatLog) followSeats(ctx context.Context, eventID string, part transport.Part, states <-chan *query.Event, sent chan<- *model.SeatChanges, offered chan<- struct{}) {
	defer close(sent)
	defer close(offered)
	defer func() {
		if p := recover(); p != nil {
			l.logger.ErrorContext(ctx, "panic while changes of seats were followed", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	first, open := <-states
	if !open {
		return
	}
	now, asked := first.Inventory, transport.SharedOf(ctx).Asked()
	h, leave := l.watchEvent(eventID, now.Version)
	defer leave()
	for message := l.begin(ctx, h, part, now); message == nil || sendChanges(ctx, part, message, sent, offered); {
		part = transport.PartNext
		select {
		case state, more := <-states:
			if !more {
				return
			}
			if message = l.awaitChanges(ctx, h, now.Version, state.Inventory); message != nil {
				now = state.Inventory
			}
		case part = <-asked:
			message = l.begin(ctx, h, part, now)
		}
	}
}

// begin returns the first message of readers: for those who are new the version of the message before, for those who have a version what changed
// since then, and for those who have missed messages that they are to read all seats again. It returns nil when ctx ends.
func (l *seatLog) begin(ctx context.Context, h *seatHistory, part transport.Part, now *query.Inventory) *model.SeatChanges {
	message := newSeatChanges(now.Version)
	if part == transport.PartFirst {
		return message
	}
	if since := int64(part); part > transport.PartNext && l.knows(ctx, h, since, now.Version) {
		if since < now.Version {
			return l.awaitChanges(ctx, h, since, now)
		}
		return message
	}
	message.Reload = seatedSections(now)
	return message
}

// knows reports whether the event had a version, and has the history kept from there on as far as that is possible. One that is newer than the
// read tables was read elsewhere, or is of a log that was replaced.
func (l *seatLog) knows(ctx context.Context, h *seatHistory, since, now int64) bool {
	ctx, cancel := context.WithTimeout(ctx, changesTimeout)
	defer cancel()
	if since <= now {
		err := l.readBack(ctx, h, since)
		l.fault.Note(ctx, err)
		return err == nil
	}
	records, err := l.log.Range(ctx, inventory.Stream(h.eventID), eventstore.Range{After: since - 1, Before: since + 1, Limit: 1})
	l.fault.Note(ctx, err)
	return len(records) > 0
}

// readBack has the history begin after a version, unless that is too much to keep.
func (l *seatLog) readBack(ctx context.Context, h *seatHistory, after int64) error {
	select {
	case h.reading <- struct{}{}:
		defer func() { <-h.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	first, last, full := h.bounds()
	if after >= first || full || last-after > mostVersions {
		return nil
	}
	versions, err := l.readVersions(ctx, h.eventID, after, first)
	if err == nil {
		h.addBefore(versions)
	}
	return err
}

// sendChanges returns false once ctx has ended.
func sendChanges(ctx context.Context, part transport.Part, message *model.SeatChanges, sent chan<- *model.SeatChanges, offered chan<- struct{}) bool {
	transport.BeginState(ctx, transport.State{Part: part, EventID: strconv.Itoa(message.Version)})
	for {
		select {
		case sent <- message:
			return true
		case offered <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
}

func seatedSections(now *query.Inventory) []string {
	names := []string{}
	for _, section := range now.Sections {
		if section.Seated {
			names = append(names, section.Name)
		}
	}
	return names
}

func newSeatChanges(version int64) *model.SeatChanges {
	return &model.SeatChanges{Version: int(version), Changes: []*query.Seat{}, Reload: []string{}}
}

// watchEvent has the changes of an event after a version kept until the caller leaves.
func (l *seatLog) watchEvent(eventID string, version int64) (h *seatHistory, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h = l.events[eventID]; h == nil {
		h = &seatHistory{eventID: eventID, after: version, reading: make(chan struct{}, 1)}
		l.events[eventID] = h
	}
	h.watchers++
	return h, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.watchers--; h.watchers == 0 {
			delete(l.events, eventID)
		}
	}
}

// awaitChanges returns what changed after a version, also if reading it fails for a while; nil when nothing changed, or ctx ends.
func (l *seatLog) awaitChanges(ctx context.Context, h *seatHistory, after int64, now *query.Inventory) *model.SeatChanges {
	for now.Version > after {
		err := l.readUntil(ctx, h, now.Version)
		if ctx.Err() != nil {
			return nil
		}
		l.fault.Note(ctx, err)
		if err == nil {
			return h.changesBetween(after, now)
		}
		if wait.For(ctx, changesRetry) != nil {
			return nil
		}
	}
	return nil
}

// readUntil has the history reach a version. One caller at a time reads. Where that fails for too long, or for good, the history begins anew.
func (l *seatLog) readUntil(ctx context.Context, h *seatHistory, until int64) error {
	select {
	case h.reading <- struct{}{}:
		defer func() { <-h.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, last, _ := h.bounds()
	if last >= until {
		return nil
	}
	if until-last > mostVersions {
		h.restart(until)
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, changesTimeout)
	defer cancel()
	versions, err := l.readVersions(limited, h.eventID, last, until)
	switch {
	case err == nil:
		h.add(versions)
	case ctx.Err() != nil:
		return err
	case errors.Is(err, errNotInLog) || h.failsFor(l.patience):
		l.skipped.Inc()
		l.logger.WarnContext(ctx, "the seats that changed are not known; all are read again", "event", h.eventID, "error", err)
		h.restart(until)
	default:
		return err
	}
	h.failing = time.Time{}
	return nil
}

// readVersions returns what each version between two changed.
func (l *seatLog) readVersions(ctx context.Context, eventID string, after, until int64) ([]seatVersion, error) {
	records, err := l.log.Range(ctx, inventory.Stream(eventID), eventstore.Range{After: after, Before: until + 1, Limit: int(until - after)})
	if err != nil {
		return nil, err
	}
	if int64(len(records)) < until-after {
		return nil, fmt.Errorf("read changes of seats of %s until version %d: %w: it ends at %d", eventID, until, errNotInLog, after+int64(len(records)))
	}
	versions := make([]seatVersion, len(records))
	var names []query.SeatName
	for i, r := range records {
		domainEvent, err := l.registry.Decode(r.Type, r.SchemaVersion, r.Data)
		if err != nil {
			return nil, fmt.Errorf("read changes of seats of %s: %w: %w", eventID, errNotInLog, err)
		}
		versions[i] = changesOf(domainEvent)
		names = append(names, versions[i].names...)
	}
	if len(names) > mostSeatsSent {
		for i := range versions {
			versions[i] = versions[i].withoutSeats()
		}
		return versions, nil
	}
	seats, err := l.reads.SeatsByLabel(ctx, eventID, until, names)
	if err != nil {
		return nil, err
	}
	for i := range versions {
		versions[i].addSeats(seats)
	}
	return versions, nil
}
