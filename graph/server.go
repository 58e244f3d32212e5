// Package graph is the public API: GraphQL over the write side (command) and the read side (query). Its schema, in graph/schema, is the
// contract; resolvers map their input, make one call, and map the result.
//
// It promises: who may call a field is declared in the schema and checked in one place; every error that clients see has a code and no
// internal detail; every operation has a bounded cost. It contains no business rule: those are in command.
//
// A Go file faces each file of graph/schema. plain, loader, live, limits and transport know GraphQL, and nothing of tickets.
package graph

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/graph/live"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

// Config is what the API works with. The caller closes what it passes in.
type Config struct {
	Commands    *command.Service       // Required.
	Reads       *query.Reader          // Required.
	Projections *query.Projections     // Required.
	Auth        *auth.Service          // Required.
	Log         eventstore.Reader      // Required.
	Limiter     *ratelimit.Limiter     // Required.
	Connections *ratelimit.Connections // Required.
	Redis       *redis.Client          // Where projectors announce changes. Required.

	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.

	// Development lets every client read the schema, and pages of this machine use the cookie. Default: false.
	Development bool
	// BaseURL is AUTH_BASE_URL: pages of its origin may use the cookie. Default: only pages of the API's own host may.
	BaseURL string
	// ReturnOrigins are RETURN_ORIGINS: payment gateways may send customers back to pages of these origins, besides BaseURL's. Default: none.
	ReturnOrigins []string
	// TrustedProxies are the proxies whose X-Forwarded-For is believed. Default: none.
	TrustedProxies []netip.Prefix
	// OpensOrder reports whether an Order-Link header opens the order. Default: none does.
	OpensOrder func(link, reservationID string) bool
	// SignTicket returns the code of a ticket. Default: tickets have none.
	SignTicket func(ticketID, eventID string) (string, error)
	// AllowedOrigins are those of other pages that may use the API with the cookie, such as "https://shop.example.com". Default: none.
	AllowedOrigins []string
	// AllowedHeaders are request headers that these pages may send, besides those that the API reads and those of tracing. Default: none.
	AllowedHeaders []string
	// ClientNames are the clients whose operations are counted by name, besides those of this repository. Default: none.
	ClientNames []string
	// QueryTimeout is how long a query, or a read of a subscription, may take: longer than any page needs, shorter than clients' patience.
	// Default: 10s.
	QueryTimeout time.Duration
	// MutationTimeout is how long a mutation may take; payment gateways are waited for. Default: 2m.
	MutationTimeout time.Duration
	// Documents are the operations that clients may send by their ids. Default: none.
	Documents TrustedDocuments
	// RateLimits are the limits of each client. Default: that of each of them.
	RateLimits RateLimits
}

// RateLimits is how much a client may do.
type RateLimits struct {
	SignIn    ratelimit.SignIns // Of asking for and using sign-in links. Default: 10 a minute.
	Mutations ratelimit.Limit   // Of root fields of mutations, by user. Default: 120 a minute.
	Messages  ratelimit.Limit   // Of WebSocket messages, by user. Default: 100 a minute.
	Guests    ratelimit.Limit   // Of new guests, by IP: many behind one address may be in a hurry. Default: 60 a minute.
	// Reservations limits reserveSeats by IP address. Default: 1,000 in 10 minutes, as long as unpaid seats may be held.
	Reservations ratelimit.Limit
	Seats        ratelimit.Limit // Of hundreds of numbered seats that are added, by user. Default: 20,000 a day.

	ConnectionsPerUser int // WebSockets and event streams at a time. Default: 100.
	ConnectionsPerIP   int // The same by IP. Default: 1000.

	ReadsPerUser int // Weight of what a user reads in a minute, in each process. Default: 1,000,000.
	ReadsPerIP   int // The same by IP, for those who are not signed in. Default: 5,000,000.
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	l := &c.RateLimits
	for limit, standard := range map[*ratelimit.Limit]ratelimit.Limit{
		&l.Guests: ratelimit.Guests(60), &l.Mutations: ratelimit.Mutations(120), &l.Messages: ratelimit.WebSocketMessages(100),
		&l.Reservations: ratelimit.Reservations(1_000), &l.Seats: ratelimit.Seats(seatsPerDay / seatsUnit),
	} {
		if *limit == (ratelimit.Limit{}) {
			*limit = standard
		}
	}
	if l.SignIn == (ratelimit.SignIns{}) {
		l.SignIn = ratelimit.SignIn(10, time.Minute)
	}
	if l.ConnectionsPerUser == 0 {
		l.ConnectionsPerUser = 100
	}
	if l.ConnectionsPerIP == 0 {
		l.ConnectionsPerIP = 1_000
	}
	l.ReadsPerUser, l.ReadsPerIP = cmp.Or(l.ReadsPerUser, 1_000_000), cmp.Or(l.ReadsPerIP, 5_000_000)
	c.QueryTimeout = cmp.Or(c.QueryTimeout, 10*time.Second)
	c.MutationTimeout = cmp.Or(c.MutationTimeout, 2*time.Minute)
	return c
}

func (c Config) validate() error {
	if c.Commands == nil || c.Reads == nil || c.Projections == nil || c.Auth == nil || c.Log.DB == nil || c.Limiter == nil ||
		c.Connections == nil || c.Redis == nil {
		return errors.New("run the API: Commands, Reads, Projections, Auth, Log, Limiter, Connections and Redis are required")
	}
	return nil
}

// Server serves /graphql. It is safe for concurrent use.
type Server struct {
	*transport.Handler

	resolver    *Resolver
	connections *ratelimit.Connections
	documents   TrustedDocuments
	hub         *live.Hub
	closed      *executor.Executor // for the public
	open        *executor.Executor // for admins, and in development for all
}

// New returns a server. Subscriptions, and reads that wait for a version, need Run.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	allowOrigin, err := allowedOrigins(cfg.BaseURL, cfg.AllowedOrigins, cfg.Development)
	if err != nil {
		return nil, err
	}
	pages, err := newReturnPages(cfg.BaseURL, cfg.ReturnOrigins, cfg.Development)
	if err != nil {
		return nil, err
	}
	counts := newMetrics(cfg.Registerer)
	hub := live.NewHub(live.Config{Redis: cfg.Redis, Logger: cfg.Logger, Registerer: cfg.Registerer})
	r := &Resolver{
		commands: cfg.Commands, reads: cfg.Reads, projections: cfg.Projections, auth: cfg.Auth, log: cfg.Log,
		limiter: cfg.Limiter, limits: cfg.RateLimits, feeds: newFeeds(hub, cfg.Reads), returnPages: pages,
		consistency: newConsistency(cfg.Projections, counts.progressReads), opensOrder: cfg.OpensOrder, signTicket: cfg.SignTicket,
		admission: newAdmission(cfg.RateLimits, cfg.Registerer), metrics: counts, seats: newSeatLog(cfg.Log, cfg.Reads, counts.seatsSkipped, cfg.Logger),
		logger: cfg.Logger, refused: newRefusedTotal(cfg.Registerer), usage: newUsage(cfg.Registerer, schema, cfg.ClientNames),
		queryTimeout: cfg.QueryTimeout, mutationTimeout: cfg.MutationTimeout,
		heads: &heads{timeout: tokenTimeout, logger: cfg.Logger, read: func(ctx context.Context) (eventstore.Head, error) { return eventstore.ReadHead(ctx, cfg.Log.DB) }},
	}
	s := &Server{
		resolver: r, connections: cfg.Connections, hub: hub, documents: cfg.Documents,
		closed: newExecutor(r, cfg.Logger, cfg.Development), open: newExecutor(r, cfg.Logger, true),
	}
	s.Handler = transport.New(transport.Config{
		Host: s, CookieName: SessionCookie, AllowOrigin: allowOrigin, AllowHeaders: cfg.AllowedHeaders, TrustedProxies: cfg.TrustedProxies,
		Logger: cfg.Logger, Registerer: cfg.Registerer,
	})
	return s, nil
}

// Run follows the announcements until ctx ends. Then it ends all streams, so that their clients connect to another process.
func (s *Server) Run(ctx context.Context) error {
	defer s.Stop()
	return s.hub.Run(ctx)
}
