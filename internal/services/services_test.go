package services_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// parentVariable makes this binary a parent that starts everything in the folder it names and waits to be killed.
const parentVariable = "TICKETING_TEST_PARENT"

func TestMain(m *testing.M) {
	if folder, ok := os.LookupEnv(parentVariable); ok {
		beParent(folder)
	}
	os.Exit(m.Run())
}

func beParent(folder string) {
	s, err := services.Start(context.Background(), all(folder))
	if err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		panic(err)
	}
	select {}
}

func all(folder string) services.Config {
	return services.Config{DataDir: folder, Postgres: true, Redis: true, Broker: true}
}

// dataDir returns a folder that servers which run as other users can reach.
func dataDir(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts servers: not with -short")
	}
	folder, err := os.MkdirTemp("", "ticketing-test-") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755))
	return folder
}

func TestWhatWasWrittenIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	folder := dataDir(t)
	s, err := services.Start(ctx, all(folder))
	require.NoError(t, err)
	write(ctx, t, s)
	_, err = services.Start(ctx, all(folder))
	require.ErrorIs(t, err, services.ErrInUse)
	require.NoError(t, s.Stop(ctx))
	requireUnused(t, folder)

	again, err := services.Start(ctx, all(folder))
	require.NoError(t, err)
	require.Equal(t, s.PostgresURL, again.PostgresURL, "ports and passwords stay")
	require.Equal(t, s.RedisURL, again.RedisURL)
	require.Equal(t, s.Brokers, again.Brokers)
	requireWritten(ctx, t, again)
	require.NoError(t, again.Stop(ctx))
}

// A parent that is killed takes its servers with it, and the next one finds everything.
func TestNothingIsLeftBehindAKilledParent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	folder := dataDir(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+folder)
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadBytes('\n')
	require.NoError(t, err)
	var s services.Services
	require.NoError(t, json.Unmarshal(line, &s))
	write(ctx, t, &s)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()

	// At once: the servers of the killed parent may still be about to end.
	again, err := services.Start(ctx, all(folder))
	require.NoError(t, err)
	requireWritten(ctx, t, again)
	require.NoError(t, again.Stop(ctx))
	requireUnused(t, folder)
}

// After a crash of the whole machine a foreign process may have the number that PostgreSQL noted as its own.
func TestAStalePIDFileBlocksNoStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := services.PostgresConfig{DataDir: filepath.Join(dataDir(t), "postgres")}
	p, err := services.StartPostgres(ctx, o)
	require.NoError(t, err)
	require.NoError(t, p.Kill())
	pidFile := filepath.Join(o.DataDir, "cluster", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "\n")
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o600))
	p, err = services.StartPostgres(ctx, o)
	require.NoError(t, err)
	require.NoError(t, p.Stop(ctx))
}

func TestATakenPortIsReplaced(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	folder := dataDir(t)
	b, err := services.StartBroker(services.BrokerConfig{DataDir: folder})
	require.NoError(t, err)
	before := b.Addrs()
	require.NoError(t, b.Stop())
	var listener net.Listener
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		listener, err = net.Listen("tcp", before[0])
		return err == nil, fmt.Sprint(err)
	})
	defer listener.Close()
	b, err = services.StartBroker(services.BrokerConfig{DataDir: folder})
	require.NoError(t, err)
	require.NotEqual(t, before, b.Addrs())
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Ping(ctx))
	require.NoError(t, b.Stop())
}

// Other users of the machine reach the ports too.
func TestStrangersAreKeptOut(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := services.Start(ctx, services.Config{DataDir: dataDir(t), Postgres: true, Redis: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Stop(ctx)) }()

	config, err := pgx.ParseConfig(s.PostgresURL)
	require.NoError(t, err)
	config.Password = "guess"
	_, err = pgx.ConnectConfig(ctx, config)
	require.ErrorContains(t, err, "password authentication failed")
	options, err := redis.ParseURL(s.RedisURL)
	require.NoError(t, err)
	options.Password = ""
	client := redis.NewClient(options)
	defer client.Close()
	require.ErrorContains(t, client.Ping(ctx).Err(), "NOAUTH")
}

func write(ctx context.Context, t *testing.T, s *services.Services) {
	t.Helper()
	conn, err := pgx.Connect(ctx, s.PostgresURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `CREATE TABLE kept AS SELECT 7 AS n`)
	require.NoError(t, err)

	options, err := redis.ParseURL(s.RedisURL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	require.NoError(t, client.Set(ctx, "kept", "7", 0).Err())

	broker, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	require.NoError(t, err)
	defer broker.Close()
	require.Error(t, broker.ProduceSync(ctx, &kgo.Record{Topic: "mistyped", Value: []byte("7")}).FirstErr(), "topics are not created by using them")
	_, err = kadm.NewClient(broker).CreateTopic(ctx, 1, 1, nil, "kept")
	require.NoError(t, err)
	require.NoError(t, broker.ProduceSync(ctx, &kgo.Record{Topic: "kept", Value: []byte("7")}).FirstErr())
}

func requireWritten(ctx context.Context, t *testing.T, s *services.Services) {
	t.Helper()
	conn, err := pgx.Connect(ctx, s.PostgresURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	var n int
	require.NoError(t, conn.QueryRow(ctx, `SELECT n FROM kept`).Scan(&n))
	require.Equal(t, 7, n)

	options, err := redis.ParseURL(s.RedisURL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	kept, err := client.Get(ctx, "kept").Result()
	require.NoError(t, err)
	require.Equal(t, "7", kept)

	broker, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.ConsumeTopics("kept"))
	require.NoError(t, err)
	defer broker.Close()
	fetches := broker.PollFetches(ctx)
	require.NoError(t, fetches.Err())
	require.Equal(t, "7", string(fetches.Records()[0].Value))
}

func requireUnused(t *testing.T, folder string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	for _, link := range links {
		target, _ := os.Readlink(link)
		require.False(t, strings.HasPrefix(target, folder), "%s works in %s", link, target)
	}
}
