package testenv_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/testenv"
)

func TestDatabasesAreFreshAndMigrated(t *testing.T) {
	t.Parallel()
	for range 2 {
		db := testenv.Databases(t)
		conn, err := pgx.Connect(t.Context(), db.Events)
		require.NoError(t, err)
		var rows int
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM domain_events`).Scan(&rows))
		require.Zero(t, rows)
		_, err = conn.Exec(t.Context(), `INSERT INTO snapshots VALUES ('s', 1, 1, gen_random_uuid(), '')`)
		require.NoError(t, err, "the second database would have this row already if it were the first's")
		// The connection stays open: the database is dropped all the same.
	}
}

func TestDatabasesAreDroppedWithTheirTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("inner", func(t *testing.T) { url = testenv.EmptyDatabase(t) })
	_, err := pgx.Connect(t.Context(), url)
	require.ErrorContains(t, err, "does not exist")
}

func TestRedisComesBackOnItsPort(t *testing.T) {
	t.Parallel()
	server := testenv.RedisServer(t)
	options, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())

	server.Kill()
	require.Error(t, client.Ping(t.Context()).Err())
	server.Start()
	require.NoError(t, client.Ping(t.Context()).Err())

	server.Kill()
	server.Wipe()
	server.Start()
	require.ErrorIs(t, client.Get(t.Context(), "k").Err(), redis.Nil)
}

func TestBrokerKeepsRecordsOverKill(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := testenv.BrokerServer(t, 3)
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addrs()...), kgo.ConsumeTopics("ticketing-events"))
	require.NoError(t, err)
	defer client.Close()
	details, err := kadm.NewClient(client).ListTopics(ctx)
	require.NoError(t, err)
	require.ElementsMatch(t, testenv.Topics(), details.Names())
	require.Len(t, details["ticketing-events"].Partitions, 3)

	record := &kgo.Record{Topic: "ticketing-events", Key: []byte("k"), Value: []byte("v")}
	require.NoError(t, client.ProduceSync(ctx, record).FirstErr())
	server.Kill()
	server.Start()
	fetches := client.PollFetches(ctx)
	require.NoError(t, ctx.Err())
	require.Equal(t, "v", string(fetches.Records()[0].Value))

	server.Stop()
	server.Wipe()
	server.Start()
	var ends kadm.ListedOffsets
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // Apache Kafka elects leaders after it has started
		ends, err = kadm.NewClient(client).ListEndOffsets(ctx, "ticketing-events")
		return err == nil, fmt.Sprint(err)
	})
	ends.Each(func(o kadm.ListedOffset) { require.Zero(t, o.Offset) })
}

func TestEventuallyFailsWithTheLastState(t *testing.T) {
	t.Parallel()
	fake := &failing{TB: t}
	done := make(chan struct{})
	go func() { // Fatalf ends its goroutine
		defer close(done)
		testenv.Eventually(fake, 10*time.Millisecond, func() (bool, string) { return false, "still red" })
	}()
	<-done
	require.Contains(t, fake.message, "still red")
}
