package tables_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/inventory"
	"ticketing/projector/availability"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/rebuild"
	"ticketing/projector/tables"
)

// arena is a section with so many numbered seats, in rows of 100.
func arena(name string, seats int) inventory.InventoryAdded {
	added := inventory.InventoryAdded{Section: name, Price: readtest.EUR(5000), Capacity: seats}
	for i := range seats / 100 {
		added.Rows = append(added.Rows, inventory.Row{Name: strconv.Itoa(i), Seats: 100})
	}
	return added
}

// workOff works on the backlog until nothing is left, and returns in how many parts.
func workOff(t *testing.T, writer *tables.Writer) (parts int) {
	t.Helper()
	for {
		worked, err := writer.WriteNextPart(t.Context())
		require.NoError(t, err)
		if !worked {
			return parts
		}
		parts++
	}
}

// A batch that would write very many seats is committed without them: other streams do not wait, and progress is kept part by part.
func TestManySeatsAreWrittenBesideOtherStreams(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for i := range 3 {
		w.Append("inventory-evt_arena"+strconv.Itoa(i), readtest.InventoryAdded()[0], arena("north", 12_000), arena("south", 200))
	}
	w.Append("inventory-evt_1", inventory.SeatsReserved{ReservationID: "rsv_1", Items: readtest.Standing(3)})
	w.ProjectAll(availability.Projection{})
	require.Equal(t, 3, w.Inventory("evt_1").Sections[0].Reserved, "it does not wait")
	require.Zero(t, w.Inventory("evt_arena0").Version)

	writer := w.Writer(availability.Projection{})
	worked, err := writer.WriteNextPart(t.Context())
	require.NoError(t, err)
	require.True(t, worked)
	require.Greater(t, workOff(t, w.Writer(availability.Projection{})), 3*3, "another process continues, in parts")
	for i := range 3 {
		arena := w.Inventory("evt_arena" + strconv.Itoa(i))
		require.EqualValues(t, 3, arena.Version)
		require.Len(t, arena.Sections, 3)
		require.Equal(t, []int{12_000, 200}, []int{arena.Sections[1].Available, arena.Sections[2].Available})
	}
	require.Equal(t, 3*12_200+6, countRows(t, w, "seats"))
	require.Zero(t, countRows(t, w, "projection_backlog"))
	require.Empty(t, w.DeadLetters(availability.Projection{}))

	// The whole topic again changes nothing, and rebuilt tables are the same.
	w.ProjectAll(availability.Projection{})
	require.Zero(t, countRows(t, w, "projection_backlog"))
	before := seatsSum(t, w)
	require.NoError(t, rebuild.Run(t.Context(), w.Tables, availability.Projection{}, nil))
	require.Equal(t, before, seatsSum(t, w))
}

// Records that come while a stream is in the backlog are read from the log afterwards, by whichever process.
func TestRecordsWaitBehindTheBacklog(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", arena("north", 6_000))
	w.ProjectAll(availability.Projection{})
	w.Append("inventory-evt_1", inventory.SeatsReserved{
		ReservationID: "rsv_1", Items: []inventory.Item{{Section: "north", Quantity: 2, Labels: []string{"0-1", "59-100"}}},
	})
	records := w.Records(inventory.Category)
	w.Project(availability.Projection{}, records[1:]...)
	require.Zero(t, w.Inventory("evt_1").Version)
	workOff(t, w.Writer(availability.Projection{}))
	require.EqualValues(t, 2, w.Inventory("evt_1").Version)
	require.Equal(t, 2, w.Inventory("evt_1").Sections[0].Reserved)
}

// What can't be applied becomes a dead letter, and a replay sends the stream back to the backlog.
func TestAFaultInTheBacklogIsADeadLetter(t *testing.T) {
	w := readtest.New(t)
	twins := arena("north", 6_000)
	twins.Rows[1].Name = twins.Rows[0].Name // two seats with one label
	w.Append("inventory-evt_1", twins)
	w.ProjectAll(availability.Projection{})
	workOff(t, w.Writer(availability.Projection{}))
	letters := w.DeadLetters(availability.Projection{})
	require.Len(t, letters, 1)
	require.EqualValues(t, 1, letters[0].Version)

	w.ExecEvents(`UPDATE domain_events SET data = jsonb_set(data::jsonb, '{rows,1,name}', '"1"')`)
	replayed, left, err := w.Writer(availability.Projection{}).Replay(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{replayed, left})
	workOff(t, w.Writer(availability.Projection{}))
	require.EqualValues(t, 1, w.Inventory("evt_1").Version)
	require.Equal(t, 6_000, countRows(t, w, "seats"))
	require.Empty(t, w.DeadLetters(availability.Projection{}))
}

func TestRecordsAreCutByTheRowsThatTheyMake(t *testing.T) {
	records := []projection.Record{{Event: arena("a", 300)}, {Event: arena("b", 300)}, {Event: arena("c", 5_000)}, {}}
	require.Equal(t, 2, projection.CutRows(availability.Projection{}, records, 1_000))
	require.Equal(t, 1, projection.CutRows(availability.Projection{}, records[2:], 1_000), "at least one")
	require.Equal(t, 4, projection.CutRows(availability.Projection{}, records, 10_000))
}

func countRows(t *testing.T, w *readtest.World, table string) (count int) {
	t.Helper()
	require.NoError(t, w.Tables.Read.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&count))
	return count
}

func seatsSum(t *testing.T, w *readtest.World) (sum string) {
	t.Helper()
	require.NoError(t, w.Tables.Read.QueryRow(t.Context(), `SELECT md5(string_agg(concat_ws(' ', event_id, section, label, ordinal, status), ','
		ORDER BY event_id, section, label)) FROM seats`).Scan(&sum))
	return sum
}
