package parts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/kafka"
	"ticketing/internal/network"
	"ticketing/internal/postgres"
	internalredis "ticketing/internal/redis"
)

// How many connections a part may open to a database, since PostgreSQL has few and a part uses what it is given. DATABASE_MAX_CONNECTIONS
// may lower each. The engines of api and saga have one more of their own. (docs/operations.md, "Connections", has the sum.)
const (
	apiEvents       = 8  // streams being loaded, reads of what was just decided, webhooks
	apiRead         = 20 // queries
	apiAuth         = 4  // sign-ins; sessions are in Redis
	relayEvents     = 4  // the log, the lease, lag, health
	projectorEvents = 4  // gaps and health; batches come from the broker
	projectorRead   = 3  // of each projection: its batch, its lag, one in reserve
	sagaEvents      = 12 // lanes, follower, jobs of every queue
	sagaAuth        = 2  // one address a mail
)

// transactionIdle is how long the rows of a transaction are kept for a process that froze in it, or whose connection is silently gone: PostgreSQL
// would wait for hours. A webhook that was being stored could not be stored by another process.
const transactionIdle = 5 * time.Second

// openPool opens a pool of at most connections to the database at url, and warns if PostgreSQL may not have that many.
func (e Env) openPool(ctx context.Context, part, url, database, what string, connections int, pooler bool) (*postgres.Pool, error) {
	registerer := e.registererOf(part)
	idle := transactionIdle
	if database != "events" { // transactions of the others have limits of their own, and poolers refuse settings that they do not know
		idle = 0
	}
	pool, err := postgres.Open(ctx, url, postgres.Config{
		VerifyConnection: network.WatchCertificate(registerer, "postgres-"+database),
		ApplicationName:  "ticketing " + part,
		MaxConnections:   min(connections, e.Config.MaxConnections), MinConnections: e.Config.MinConnections,
		ConnectTimeout: e.Config.ConnectTimeout, StatementTimeout: e.Config.StatementTimeout, TransactionIdle: idle, Dial: e.Dial, Logger: e.Logger, Pooler: pooler,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	registerer.MustRegister(pool.Collector(database))
	if pooler {
		return pool, nil // how many connections it opens is its own setting
	}
	if room, err := postgres.ReadRoom(ctx, pool.Pool); err == nil && room.Free < int(pool.Config().MaxConns) {
		e.Logger.WarnContext(ctx, "PostgreSQL may run out of connections: raise max_connections, or run fewer processes",
			"database", what, "wanted", pool.Config().MaxConns, "free", room.Free, "most", room.Most)
	}
	return pool, nil
}

func (e Env) openEvents(ctx context.Context, part string, connections int) (*postgres.Pool, error) {
	return e.openPool(ctx, part, e.Config.EventsURL, "events", "the events database", connections, false)
}

func (e Env) openRead(ctx context.Context, part string, connections int) (*postgres.Pool, error) {
	return e.openPool(ctx, part, e.Config.ReadURL, "read", "the projection database", connections, false)
}

// openReads opens the pool of an api's reads, which may lead through a pooler.
func (e Env) openReads(ctx context.Context, part string, connections int) (*postgres.Pool, error) {
	if e.Config.ReadPoolerURL == "" {
		return e.openRead(ctx, part, connections)
	}
	return e.openPool(ctx, part, e.Config.ReadPoolerURL, "read", "the pooler of the projection database", connections, true)
}

func (e Env) openAuth(ctx context.Context, part string, connections int) (*postgres.Pool, error) {
	return e.openPool(ctx, part, e.Config.AuthURL, "auth", "the auth database", connections, false)
}

// openRedis opens a client, whether Redis is there or not.
func (e Env) openRedis(ctx context.Context, part string) (*redis.Client, error) {
	return e.openRedisAt(ctx, e.Config.RedisURL, part, "redis")
}

// openCache opens a client of REDIS_CACHE_URL, or returns shared if that is the same Redis.
func (e Env) openCache(ctx context.Context, part string, shared *redis.Client) (*redis.Client, error) {
	if e.Config.RedisCacheURL == "" || e.Config.RedisCacheURL == e.Config.RedisURL {
		return shared, nil
	}
	return e.openRedisAt(ctx, e.Config.RedisCacheURL, part, "redis-cache")
}

func (e Env) openRedisAt(ctx context.Context, url, part, server string) (*redis.Client, error) {
	certificates, err := e.Config.RedisTLSConfig()
	if err != nil {
		return nil, err
	}
	certificates.VerifyConnection = network.WatchCertificate(e.registererOf(part), server)
	client, err := internalredis.New(ctx, url, internalredis.Config{
		Name: "ticketing-" + part + strings.TrimPrefix(server, "redis"), TLS: certificates, Dial: e.Dial, Logger: e.Logger,
		Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"server": server}, e.registererOf(part)),
	})
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	if err := internalredis.RefuseCluster(ctx, client); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis: %w", err), client.Close())
	}
	return client, nil
}

func (e Env) kafkaOptions(part string, log *slog.Logger, metrics *kafka.Metrics) ([]kgo.Opt, error) {
	certificates, err := e.Config.BrokerTLSConfig()
	if err != nil {
		return nil, err
	}
	if certificates != nil {
		certificates.VerifyConnection = network.WatchCertificate(e.registererOf(part), "broker")
	}
	return kafka.Options(kafka.Config{
		Brokers: e.Config.Brokers, ClientID: "ticketing-" + part, Receives: part == "projector", TLS: certificates, Dial: e.Dial, Logger: log,
		Metrics: metrics,
		SASL:    kafka.SASL(e.Config.SASL),
	}), nil
}

// brokerAccess is how a part reaches the broker.
type brokerAccess struct {
	options []kgo.Opt
	probe   probe // whether it is there
	close   func()
}

func (e Env) openBroker(part string) (brokerAccess, error) {
	metrics := kafka.NewMetrics(e.registererOf(part))
	options, err := e.kafkaOptions(part, e.Logger, metrics)
	if err != nil {
		return brokerAccess{}, err
	}
	quiet, err := e.kafkaOptions(part, slog.New(slog.DiscardHandler), metrics) // health shows what the probe finds
	if err != nil {
		return brokerAccess{}, err
	}
	client, err := kgo.NewClient(quiet...)
	if err != nil {
		return brokerAccess{}, fmt.Errorf("open the broker: %w", err)
	}
	return brokerAccess{options: options, probe: newProbe(client.Ping), close: client.Close}, nil
}
