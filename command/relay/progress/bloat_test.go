package progress_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/relay/progress"
)

// The relay updates the same few rows with each page that it publishes. PostgreSQL makes room for the new versions where the old ones were, as
// long as no index has the columns that change, and no old snapshot needs them.
func TestTheRelaysRowsDoNotPileUp(t *testing.T) {
	pool, conn, log := open(t)
	log.Append(t, "event-evt_1", event.EventCreated{})
	cursor, err := progress.LoadCursor(t.Context(), conn)
	require.NoError(t, err)
	published := map[progress.PartitionID]*progress.Partition{}
	for i := range int32(6) {
		published[progress.PartitionID{Topic: "a", Index: i}] = &progress.Partition{}
	}
	require.NoError(t, progress.SavePartitions(t.Context(), conn, published))
	move := func(times int) (kilobytes int64) {
		t.Helper()
		for range times {
			require.NoError(t, cursor.Move(t.Context(), conn, cursor.Position+1, published))
			cursor.Position++
		}
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT (pg_total_relation_size('relay_cursor') + pg_total_relation_size('relay_partitions')) / 1024`).Scan(&kilobytes))
		return kilobytes
	}
	const few, most = 500, 100 // 500 moves of seven rows would take 400 KiB
	require.Less(t, move(few), int64(most))

	snapshot, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	defer snapshot.Rollback(t.Context())
	_, err = snapshot.Exec(t.Context(), `SELECT FROM relay_cursor`)
	require.NoError(t, err)
	swollen := move(few)
	require.Greater(t, swollen, int64(most), "else this measures nothing")
	require.NoError(t, snapshot.Rollback(t.Context()))
	_, err = pool.Exec(t.Context(), `VACUUM relay_cursor, relay_partitions`)
	require.NoError(t, err)
	require.Less(t, move(few), swollen+most, "the room is used again")
}
