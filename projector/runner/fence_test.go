package runner

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/event"
	"ticketing/command/relay/progress"
	"ticketing/projector/events"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/rebuild"
	"ticketing/projector/tables"
)

func newRunner(w *readtest.World) *runner {
	return &runner{Config: Config{Tables: w.Tables}, projection: events.Projection{}, topics: []string{"events"}, log: w.Tables.Logger}
}

// assign assigns a partition to a member that knows a generation of the tables, and returns the mark of its first batch.
func assign(t *testing.T, r *runner, generation int64) tables.Mark {
	t.Helper()
	offsets := map[string]map[int32]kgo.Offset{"events": {0: kgo.NewOffset()}}
	_, err := newAssignment(r, generation).begin(t.Context(), offsets)
	require.NoError(t, err)
	return tables.Mark{PartitionID: progress.PartitionID{Topic: "events"}, Expected: 0, Next: 5, Position: 1}
}

// Two members believe that a partition is theirs: the second to write is refused, with all that it wrote.
func TestCheckpointsFenceZombies(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	w.Append("event-evt_2", readtest.Created("two"))
	records, writer := w.Records(event.Category), w.Writer(events.Projection{})
	marks := []tables.Mark{assign(t, newRunner(w), writer.Generation())}
	require.NoError(t, writer.Write(t.Context(), tables.Batch{Records: records[:1], Marks: marks}))
	require.ErrorIs(t, writer.Write(t.Context(), tables.Batch{Records: records[1:], Marks: marks}), projection.ErrFenced)
	require.Empty(t, w.Event("evt_2").ID)
}

// A member that dies, or is refused, between the two reads the records again.
func TestACheckpointMovesOnlyWithItsRecords(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	records, writer := w.Records(event.Category), w.Writer(events.Projection{})
	batch := tables.Batch{Records: records, Marks: []tables.Mark{assign(t, newRunner(w), writer.Generation())}}
	w.ExecRead(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '57014'; END $$`)
	w.ExecRead(`CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse()`)
	require.ErrorContains(t, writer.Write(t.Context(), batch), "not now")
	require.Empty(t, w.Event("evt_1").ID)
	w.ExecRead(`DROP TRIGGER refuse ON events`)
	require.NoError(t, writer.Write(t.Context(), batch), "the checkpoint has not moved")
	require.Equal(t, "evt_1", w.Event("evt_1").ID)
}

// A checkpoint that is added by a member that has missed a switch must not stay in the old generation.
func TestCheckpointOfAMissedSwitchJoinsTheNewGeneration(t *testing.T) {
	w := readtest.New(t)
	old := w.Writer(events.Projection{})
	require.NoError(t, rebuild.Run(t.Context(), w.Tables, events.Projection{}, nil))
	current, runner := w.Writer(events.Projection{}), newRunner(w)
	assign(t, runner, old.Generation())
	marks := []tables.Mark{assign(t, runner, current.Generation())}
	require.ErrorIs(t, old.Write(t.Context(), tables.Batch{Marks: marks}), projection.ErrFenced)
	require.NoError(t, current.Write(t.Context(), tables.Batch{Marks: marks}))
}

func TestNewIncarnationFillsTheTablesAgain(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	w.Append("event-evt_2", readtest.Created("never"))
	w.Append("event-evt_1", event.EventPublished{})
	w.ProjectAll(events.Projection{})
	w.Log.NewIncarnation(t, 1)
	w.Append("event-evt_1", event.EventCancelled{})

	r := newRunner(w)
	for range 2 { // the second finds nothing to do
		writer, err := r.openTables(t.Context())
		require.NoError(t, err)
		require.Equal(t, "CANCELLED", w.Event("evt_1").Status)
		require.EqualValues(t, 2, w.Event("evt_1").Version)
		require.Empty(t, w.Event("evt_2").ID, "it never happened")
		require.EqualValues(t, 2, writer.Generation())
	}
}
