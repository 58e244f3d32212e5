package projector_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/inventory"
	"ticketing/command/reservation"
	"ticketing/internal/cloudevents"
	"ticketing/internal/testenv"
	"ticketing/projector/availability"
	"ticketing/projector/readtest"
	"ticketing/projector/reservations"
)

func TestWholeTopicAgainChangesNothing(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 20 {
		p.sell(i)
	}
	stop := p.projectors()
	p.eventuallySold(20)
	stop()
	p.ExecRead(`DELETE FROM projection_checkpoints`)
	p.projectors()
	p.sell(20)
	p.eventuallySold(21)
}

// The read database is lost whole, and only its empty tables are made again.
func TestLostTablesComeBack(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 10 {
		p.sell(i)
	}
	stop := p.projectors()
	p.eventuallySold(10)
	stop()
	p.ExecRead(`TRUNCATE events, inventories, sections, seats, reservations, payments, projections,
		projection_checkpoints, projection_dead_letters`)
	p.projectors()
	p.eventuallySold(10)
}

// Topics are deleted while everything runs, with records in them that were never projected.
func TestDeletedTopicsWhileRunning(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 10 {
		p.sell(i)
	}
	p.projectors("availability")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Inventory("evt_1").Version == 22, "sold" })
	_, err := p.admin.DeleteTopics(t.Context(), testenv.Topics()...)
	require.NoError(t, err)
	p.projectors("reservations")
	p.eventuallySold(10)
	for i := 10; i < 20; i++ {
		p.sell(i)
	}
	p.eventuallySold(20)
}

// The broker dies and comes back without anything it had.
func TestBrokerThatLostEverything(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.projectors()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 10 {
		p.sell(i)
	}
	p.eventuallySold(10)
	p.broker.Kill()
	p.broker.Wipe()
	for i := 10; i < 15; i++ {
		p.sell(i)
	}
	p.broker.Start()
	p.eventuallySold(15)
	p.sell(15)
	p.eventuallySold(16)
}

// A topic is replaced, while no projector looks, by one that has other records at the same offsets.
func TestReplacedTopicIsReadFromItsStart(t *testing.T) {
	p := newPipeline(t)
	stopRelay := p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	stop := p.projectors()
	for i := range 20 {
		p.sell(i)
	}
	p.eventuallySold(20)
	stopRelay()
	p.ExecEvents(`UPDATE relay_cursor SET position = 0`) // so that all of it is there twice
	stopRelay = p.relay()
	p.eventuallyProjected()
	stop()
	stopRelay()
	_, err := p.admin.DeleteTopics(t.Context(), testenv.Topics()...)
	require.NoError(t, err)
	for i := 20; i < 70; i++ {
		p.sell(i)
	}
	p.relay()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var filled bool
		require.NoError(t, p.cfg.Events.QueryRow(t.Context(), `SELECT coalesce(bool_and(filled_to IS NULL AND refills > 0), false)
			FROM relay_partitions WHERE last_offset >= 0`).Scan(&filled))
		return filled && p.lag("events") == 0, "filling"
	})
	p.projectors()
	p.eventuallySold(70)
}

// The relay filled a partition again, and nothing else shows it.
func TestRefilledPartitionIsReadFromItsStart(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.projectors()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 5 {
		p.sell(i)
	}
	p.eventuallySold(5)
	p.ExecRead(`DELETE FROM reservations WHERE id = 'rsv_0'`) // as if its records had been skipped
	p.ExecEvents(`UPDATE relay_partitions SET refills = refills + 1`)
	p.eventuallySold(5)
}

// A restore loses commits that were published already. They are still in the broker.
func TestWhatNeverHappenedIsForgotten(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	stop := p.projectors("availability")
	for i := range 10 {
		p.sell(i)
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Inventory("evt_1").Version == 22 && p.lag("availability") == 0, "" })
	p.Log.NewIncarnation(t, 40) // both domain events of the last completion are lost
	p.Append("inventory-evt_1", inventory.SeatsReleased{ReservationID: "rsv_9", Items: readtest.Standing(1)})
	p.Append("reservation-rsv_9", reservation.ReservationExpired{ExpiredAt: readtest.Noon})
	p.projectors("reservations") // it reads the old and the new
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		sold, expired := p.Inventory("evt_1").Sections, p.Reservation("rsv_9")
		return len(sold) == 2 && sold[0].Sold == 9 && sold[0].Available == 91 && expired.Status == "EXPIRED", fmt.Sprint(sold, expired)
	})
	stop()
}

func TestForeignRecordsBlockNoStream(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.projectors()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 3 { // one in each partition
		record := &kgo.Record{Topic: p.cfg.Topics["inventory"], Key: []byte("key-" + strconv.Itoa(i)), Value: []byte("hello")}
		require.NoError(t, p.client.ProduceSync(t.Context(), record).FirstErr())
	}
	p.sell(0)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		inv := p.Inventory("evt_1")
		return inv.Version == 4, fmt.Sprintf("%+v", inv)
	})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		letters := p.DeadLetters(availability.Projection{})
		return len(letters) == 3, fmt.Sprint(letters)
	})
}

// A record that the relay has not signed is put aside, whatever it says, and blocks no stream.
func TestRecordsThatTheRelayDidNotSignAreNotBelieved(t *testing.T) {
	p := newPipeline(t)
	var err error
	p.cfg.Keys, err = cloudevents.ParseKeys([]string{"1:" + base64.StdEncoding.EncodeToString(make([]byte, 32))})
	require.NoError(t, err)
	p.relay()
	p.projectors("reservations", "availability")
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	p.Append("reservation-rsv_0", readtest.Initiated("usr_1"))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Reservation("rsv_0").Status == "SEATS_RESERVED", "not there" })

	forged := cloudevents.Event{
		ID: "x", Type: "ReservationCompleted", Source: "/ticketing/log/0", Subject: "reservation-rsv_0", Time: readtest.Noon,
		Position: 99, StreamVersion: 2, SchemaVersion: 1, Data: []byte(`{"paymentId": "pay_1", "completedAt": "2026-11-23T12:00:00Z"}`),
	}
	require.NoError(t, p.cfg.Events.QueryRow(t.Context(), `SELECT incarnation::text FROM log_incarnation`).Scan(&forged.Incarnation))
	require.NoError(t, p.client.ProduceSync(t.Context(), forged.Record(p.cfg.Topics["reservation"])).FirstErr())
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		letters := p.DeadLetters(reservations.Projection{})
		return len(letters) == 1 && strings.Contains(letters[0].Error, "not signed by the relay"), fmt.Sprint(letters)
	})
	require.Equal(t, "SEATS_RESERVED", p.Reservation("rsv_0").Status)

	p.Append("reservation-rsv_0", reservation.ReservationCancelled{})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Reservation("rsv_0").Status == "CANCELLED", "its stream is blocked" })
}

// A fault of the databases passes, however often it strikes: what it hits is tried again, and is no dead letter.
func TestAPassingFaultIsNoDeadLetter(t *testing.T) {
	p := newPipeline(t)
	registry := prometheus.NewRegistry()
	said := &heard{}
	p.cfg.Registerer, p.cfg.Logger = registry, slog.New(slog.NewTextHandler(said, nil))
	ours := p.cfg.Read // the projectors have a pool of their own
	theirs := ours.Config()
	theirs.ConnConfig.RuntimeParams["application_name"] = "projectors"
	var err error
	p.cfg.Read, err = pgxpool.NewWithConfig(t.Context(), theirs)
	require.NoError(t, err)
	t.Cleanup(p.cfg.Read.Close)
	p.relay()
	p.projectors()
	p.cfg.Read = ours
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	read := func(sql string) {
		_, err := ours.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	p.sell(0)
	p.eventuallySold(1)
	read(`ALTER TABLE reservations RENAME TO gone; ALTER TABLE sections RENAME TO gone_too`)
	p.sell(1)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return said.contains(`relation \"reservations\" does not exist`) && said.contains(`relation \"sections\" does not exist`), "no fault"
	})
	for i := range 3 {
		read(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'projectors'`)
		p.sell(2 + i)
	}
	read(`ALTER TABLE gone RENAME TO reservations; ALTER TABLE gone_too RENAME TO sections`)
	p.eventuallySold(5)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "ticketing_projector_dead_lettered_total" {
				require.Zero(t, metric.GetCounter().GetValue(), metric.String())
			}
		}
	}
}

// heard is what projectors log.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(line)
}

func (h *heard) contains(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(h.text.String(), text)
}
