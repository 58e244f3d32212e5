package projector

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/relay/logtest"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
	"ticketing/query"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// world is a log and read tables, with nothing between them yet.
type world struct {
	t      *testing.T
	cfg    Config
	log    logtest.Log
	reader *query.Reader
}

func newWorld(t *testing.T) *world {
	t.Helper()
	urls := testenv.Databases(t)
	registry := catalog.Registry()
	w := &world{t: t, cfg: Config{
		Events: pool(t, urls.Events), Read: pool(t, urls.Read), Registry: registry, Group: "test",
		Topics: map[string]string{
			event.Category: "events", inventory.Category: "inventory", reservation.Category: "reservations", payment.Category: "payments",
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	w.log = logtest.Log{Pool: w.cfg.Events, Registry: registry}
	w.reader = query.NewReader(w.cfg.Read)
	return w
}

func pool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// writer answers a writer of a projection, as a session has it.
func (w *world) writer(name string) *writer {
	w.t.Helper()
	p, err := find(name)
	require.NoError(w.t, err)
	writer, _, err := newWriter(w.t.Context(), w.cfg, p, newMetrics(nil))
	require.NoError(w.t, err)
	return writer
}

// records answers the records of these categories, in the log's order.
func (w *world) records(categories ...string) []Record {
	w.t.Helper()
	recorded, err := eventstore.ReadAll(w.t.Context(), w.cfg.Events, 0, 1<<20)
	require.NoError(w.t, err)
	var records []Record
	for _, r := range recorded {
		if slices.Contains(categories, categoryOf(r.StreamID)) {
			records = append(records, newRecord(w.cfg.Registry, r))
		}
	}
	return records
}

// project writes records as one batch.
func (w *world) project(name string, records ...Record) {
	w.t.Helper()
	require.NoError(w.t, w.writer(name).write(context.Background(), batch{records: records}))
}

func (w *world) inventory(eventID string) query.Inventory {
	w.t.Helper()
	found, err := w.reader.Inventories(w.t.Context(), []string{eventID})
	require.NoError(w.t, err)
	return found[eventID]
}

func (w *world) reservation(id string) query.Reservation {
	w.t.Helper()
	found, err := w.reader.Reservations(w.t.Context(), []string{id})
	require.NoError(w.t, err)
	return found[id]
}

func (w *world) payment(id string) query.Payment {
	w.t.Helper()
	found, err := w.reader.Payments(w.t.Context(), []string{id})
	require.NoError(w.t, err)
	return found[id]
}

func (w *world) event(id string) query.Event {
	w.t.Helper()
	found, err := w.reader.Events(w.t.Context(), []string{id})
	require.NoError(w.t, err)
	return found[id]
}

func created(name string) event.EventCreated {
	return event.EventCreated{
		OrganizerID: "usr_org", Name: name, Venue: "Arena", StartsAt: noon.Add(1000 * time.Hour), MaxTicketsPerReservation: 8,
		PaymentAttempts: 1, CreatedAt: noon,
	}
}

func initiated(customer string) reservation.ReservationInitiated {
	return reservation.ReservationInitiated{
		EventID: "evt_1", CustomerID: customer, Seats: []reservation.Seat{{Section: "floor", Label: "A-1", Price: eur(5000)}},
		Total: eur(5000), PaymentAttempts: 2, CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute),
	}
}

func paid() payment.PaymentInitiated {
	return payment.PaymentInitiated{
		ReservationID: "rsv_1", CustomerID: "usr_1", EventID: "evt_1", Amount: eur(5000), Gateway: "sandbox", Method: "card",
		CreatedAt: noon,
	}
}

func seats(labels ...string) []inventory.Item {
	return []inventory.Item{{Section: "seated", Quantity: len(labels), Labels: labels}}
}

func standing(quantity int) []inventory.Item {
	return []inventory.Item{{Section: "standing", Quantity: quantity}}
}

// stocked is an inventory of 100 places to stand and of six seats in two rows.
func stocked() []any {
	return []any{
		inventory.InventoryAdded{Section: "standing", Price: eur(2000), Capacity: 100},
		inventory.InventoryAdded{Section: "seated", Price: eur(5000), Capacity: 6, Rows: []inventory.Row{{Name: "A", Seats: 4}, {Name: "B", Seats: 2}}},
	}
}
