package progress_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/relay/logtest"
	"ticketing/command/relay/progress"
	"ticketing/internal/testenv"
)

func open(t *testing.T) (*pgxpool.Pool, *pgx.Conn, logtest.Log) {
	t.Helper()
	pool := testenv.OpenPool(t, testenv.Databases(t).Events)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	t.Cleanup(conn.Release)
	return pool, conn.Conn(), logtest.Log{Pool: pool, Registry: catalog.Registry()}
}

func TestLagIsWhatIsAboveTheCursor(t *testing.T) {
	pool, conn, log := open(t)
	lag, err := progress.ReadLag(t.Context(), pool)
	require.NoError(t, err)
	require.Zero(t, lag, "the log is empty")

	log.Append(t, "event-evt_1", event.EventCreated{}, event.EventPublished{}, event.SalesOpened{})
	_, err = pool.Exec(t.Context(), `UPDATE domain_events SET recorded_at = now() - interval '1 hour' WHERE position = 2`)
	require.NoError(t, err)
	cursor, err := progress.LoadCursor(t.Context(), conn)
	require.NoError(t, err)
	require.NoError(t, cursor.Move(t.Context(), conn, 1, nil))
	lag, err = progress.ReadLag(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, []int64{lag.Published, lag.Events})
	require.GreaterOrEqual(t, lag.Age, time.Hour)
}

func TestSavedPartitionsReplaceTheOnesBefore(t *testing.T) {
	pool, conn, _ := open(t)
	first, second := progress.PartitionID{Topic: "events"}, progress.PartitionID{Topic: "events", Index: 1}
	saved := map[progress.PartitionID]*progress.Partition{
		first:  {LastOffset: 4, LastPosition: 9, FilledTo: new(int64(7)), Refills: 2},
		second: {LastOffset: -1},
	}
	require.NoError(t, progress.SavePartitions(t.Context(), conn, saved))
	read, err := progress.ReadPartitions(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, saved, read)

	delete(saved, second)
	saved[first].FilledTo = nil
	require.NoError(t, progress.SavePartitions(t.Context(), conn, saved))
	read, err = progress.ReadPartitions(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, saved, read)
}

func TestANewIncarnationStartsFromTheBeginning(t *testing.T) {
	pool, conn, log := open(t)
	log.Append(t, "event-evt_1", event.EventCreated{}, event.EventPublished{})
	cursor, err := progress.LoadCursor(t.Context(), conn)
	require.NoError(t, err)
	id := progress.PartitionID{Topic: "events"}
	require.NoError(t, progress.SavePartitions(t.Context(), conn, map[progress.PartitionID]*progress.Partition{id: {LastOffset: 1, LastPosition: 2}}))
	require.NoError(t, cursor.Move(t.Context(), conn, 2, nil))

	log.NewIncarnation(t, 1)
	cursor.Position = 2
	require.ErrorIs(t, cursor.Move(t.Context(), conn, 3, nil), progress.ErrOutrun)
	cursor, err = progress.LoadCursor(t.Context(), conn)
	require.NoError(t, err)
	require.Zero(t, cursor.Position)
	partitions, err := progress.ReadPartitions(t.Context(), pool)
	require.NoError(t, err)
	require.EqualValues(t, progress.Unverifiable, partitions[id].LastPosition)
	require.EqualValues(t, 1, partitions[id].LastOffset, "its offset is kept")
}
