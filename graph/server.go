// Package graph is the public API: GraphQL over the write side (command) and the read side (query). Its schema, in graph/schema, is the
// contract; resolvers map what was asked for, make one call, and map the result.
//
// What it promises: who may call what stands in the schema and is checked in one place; every error that leaves it has a code and no inner
// detail; nothing that a client sends can cost more than has been decided. It holds no business rule: those are in command.
package graph

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"ticketing/graph/apierror"
	"ticketing/graph/live"
	"ticketing/graph/request"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
)

// Deps is what the API works with; all of it stays its caller's to close.
type Deps struct {
	Commands    Commands
	Reads       Reads
	Projections Projections
	People      People
	Log         Log
	Limiter     Limiter
	Connections Connections
	Redis       *redis.Client // for announcements
	Logger      *slog.Logger
	Metrics     prometheus.Registerer // nil: nobody reads them
	Config      Config
}

// Config is what an operator decides.
type Config struct {
	// Development lets everybody read the schema, and pages of this machine use the cookie.
	Development bool
	// BaseURL is AUTH_BASE_URL: pages of its origin may use the cookie, as those of the API's own host may.
	BaseURL        string
	TrustedProxies []netip.Prefix
	RateLimits     RateLimits
}

// Server serves /graphql. It is safe for concurrent use.
type Server struct {
	*transport.Handler

	people      People
	connections Connections
	resolver    *Resolver
	hub         *live.Hub
	closed      *executor.Executor // for the public
	open        *executor.Executor // for admins, and in development for all
	dev         bool
}

// NewServer answers a server. Subscriptions, and reads that wait for a version, need Run.
func NewServer(d Deps) (*Server, error) {
	allow, err := allowedOrigins(d.Config)
	if err != nil {
		return nil, err
	}
	hub := live.NewHub(d.Redis, d.Logger)
	r := &Resolver{
		commands: d.Commands, reads: d.Reads, projections: d.Projections, people: d.People, log: d.Log,
		limiter: d.Limiter, limits: d.Config.RateLimits, feeds: newFeeds(hub, d.Reads), development: d.Config.Development,
	}
	s := &Server{
		people: d.People, connections: d.Connections, resolver: r, hub: hub, dev: d.Config.Development,
		closed: newExecutor(r, d.Logger, false), open: newExecutor(r, d.Logger, true),
	}
	cfg := transport.DefaultConfig()
	cfg.CookieName, cfg.AllowOrigin, cfg.TrustedProxies = SessionCookie, allow, d.Config.TrustedProxies
	cfg.Logger, cfg.Registerer = d.Logger, d.Metrics
	s.Handler = transport.New(s, cfg)
	return s, nil
}

// Run follows the announcements until ctx ends, and then ends all streams, so that their clients connect elsewhere.
func (s *Server) Run(ctx context.Context) error {
	defer s.Stop()
	return s.hub.Run(ctx)
}

// Executor implements transport.Host.
func (s *Server) Executor(ctx context.Context) graphql.GraphExecutor {
	if viewer, _ := auth.FromContext(ctx); s.dev || viewer.HasRole(auth.RoleAdmin) {
		return s.open
	}
	return s.closed
}

// SignIn implements transport.Host. A bearer token must be good. A cookie that is out of date is like none: its browser could not even
// sign in again otherwise.
func (s *Server) SignIn(ctx context.Context, c transport.Credentials) (context.Context, error) {
	token := c.Bearer
	if token == "" {
		token = c.Cookie
	}
	if token == "" {
		return ctx, nil
	}
	viewer, err := s.people.Authenticate(ctx, token)
	switch {
	case errors.Is(err, auth.ErrUnauthenticated) && c.Bearer == "":
		return ctx, nil
	case err != nil:
		return ctx, err
	}
	info := request.From(ctx)
	info.Token, info.TokenFromCookie = token, c.Bearer == ""
	if info.TokenFromCookie && !viewer.RenewBy.IsZero() && info.SetCookie != nil {
		viewer.SessionID, info.Token = s.renewCookie(ctx, viewer, info)
	}
	return auth.WithPrincipal(request.With(ctx, info), viewer), nil
}

// renewCookie gives a browser's session a new token, since its user's roles changed. What goes wrong with it can wait for the next request:
// maybe another one on its way has done it.
func (s *Server) renewCookie(ctx context.Context, viewer auth.Principal, info request.Info) (sessionID, token string) {
	renewed, err := s.people.RenewSession(ctx, info.Token)
	if err != nil {
		return viewer.SessionID, info.Token
	}
	info.WantsCookie = true
	keepSession(info, renewed)
	return renewed.ID, renewed.Token
}

// SessionEnded implements transport.Host.
func (s *Server) SessionEnded(ctx context.Context) <-chan bool {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return nil
	}
	ended := make(chan bool, 1)
	changed := s.people.WatchSession(ctx, viewer)
	go func() {
		select {
		case <-ctx.Done():
		case <-changed:
			_, err := s.people.Authenticate(ctx, request.From(ctx).Token)
			ended <- errors.Is(err, auth.ErrUnauthenticated)
		}
	}()
	return ended
}

// AllowMessage implements transport.Host: by user, or by address for those who are not signed in.
func (s *Server) AllowMessage(ctx context.Context) error {
	key := "ip:" + ratelimit.IPKey(request.From(ctx).ClientIP)
	if viewer, signedIn := auth.FromContext(ctx); signedIn {
		key = viewer.UserID
	}
	return s.resolver.allow(ctx, "messages", key, s.resolver.limits.Messages)
}

// OpenFromAddress implements transport.Host.
func (s *Server) OpenFromAddress(ctx context.Context) (release func(), err error) {
	release, d := s.connections.Open(ctx, "connections-ip", ratelimit.IPKey(request.From(ctx).ClientIP), s.resolver.limits.ConnectionsPerIP)
	return release, tooManyOpen(d)
}

// OpenForUser implements transport.Host.
func (s *Server) OpenForUser(ctx context.Context) (release func(), err error) {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return func() {}, nil
	}
	release, d := s.connections.Open(ctx, "connections-user", viewer.UserID, s.resolver.limits.ConnectionsPerUser)
	return release, tooManyOpen(d)
}

func tooManyOpen(d ratelimit.Decision) error {
	if d.Allowed {
		return nil
	}
	return apierror.New(apierror.RateLimited, "too many open connections; close some first").After(d.RetryAfter)
}

var _ http.Handler = (*Server)(nil)
