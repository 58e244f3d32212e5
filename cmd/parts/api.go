package parts

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"ticketing/command/eventstore"
	"ticketing/command/gateway/paypal"
	"ticketing/command/webhook"
	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/loopback"
	"ticketing/internal/postgres"
	"ticketing/internal/ratelimit"
	"ticketing/internal/ticketcode"
	"ticketing/query"
	"ticketing/web/graphiql"
	"ticketing/web/shop"
)

// API serves GraphQL on listener until ctx ends. It then refuses new requests, finishes those in flight, and stops deciding last.
func API(ctx context.Context, e Env, listener net.Listener) error {
	e.warnOfSettings()
	e.showPart("api")
	b, err := openAPI(ctx, e)
	if err != nil {
		return err
	}
	defer b.close()
	write, err := e.writeSide(ctx, "api", b.events.Pool, b.auth.Pool, b.cache)
	if err != nil {
		return err
	}
	users, err := e.authService(b.auth.Pool, b.redis)
	if err != nil {
		return err
	}
	defer func() { _ = users.Close(context.WithoutCancel(ctx)) }()
	keys, err := TicketKeys(e.Config)
	if err != nil {
		return err
	}
	proxies, err := ratelimit.ParseProxies(e.Config.TrustedProxies)
	if err != nil {
		return fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	trusted, err := e.trustedDocuments()
	if err != nil {
		return err
	}
	limiter := ratelimit.New(b.redis)
	connections := ratelimit.NewConnections(limiter)
	server, err := graph.New(e.graphConfig(b, graph.Config{
		Commands: write.service, Auth: users, Limiter: limiter, Connections: connections, TrustedProxies: proxies, Documents: trusted, SignTicket: keys.SignFirst,
		OpensOrder: func(link, reservationID string) bool { return keys.OpensOrder(link, reservationID, time.Now()) },
	}))
	if err != nil {
		return fmt.Errorf("set up the API: %w", err)
	}
	graphiQL, err := graphiql.Handler(users, graph.SessionCookie)
	if err != nil {
		return fmt.Errorf("set up GraphiQL: %w", err)
	}

	pages, err := e.publicPages(server, keys)
	if err != nil {
		return err
	}

	// Streams end when the server drains, and the engine when no request is left that could need it.
	streaming, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	deciding, stopDeciding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDeciding()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return write.engine.Run(deciding) })
	g.Go(func() error { return server.Run(streaming) })
	g.Go(func() error { return connections.Run(streaming) })
	if trusted.Store != nil {
		g.Go(func() error { return trusted.Store.Run(streaming) })
	}
	g.Go(func() error {
		defer stopDeciding()
		defer endStreams()
		return httpserver.Run(ctx, listener, httpserver.Config{
			Handler: e.warnOfProxies(e.apiRoutes(server, graphiQL, pages, users.Pages(graph.LinkCookie), b), proxies), Delay: e.Config.ShutdownDelay, Drain: e.Config.ShutdownTimeout,
			OnDrain: endStreams, Logger: e.Logger.With("server", "the API, webhooks and pages"), Connections: e.Config.Connections, Registerer: e.registererOf("api"),
		})
	})
	return g.Wait()
}

// graphConfig adds what the environment says and what the api is connected to.
func (e Env) graphConfig(b *apiBackends, cfg graph.Config) graph.Config {
	cfg.Reads, cfg.Projections = query.NewReader(query.NewPool(b.read.Pool, e.registererOf("api"))), b.projections
	cfg.Log, cfg.Redis = eventstore.Reader{DB: b.events.Pool}, b.redis
	cfg.Logger, cfg.Registerer = e.Logger, e.registererOf("api")
	cfg.Development, cfg.BaseURL, cfg.ReturnOrigins = e.Config.Development(), e.Config.AuthBaseURL, e.Config.ReturnOrigins
	cfg.AllowedOrigins, cfg.AllowedHeaders, cfg.ClientNames = e.Config.AllowedOrigins, e.Config.AllowedHeaders, e.Config.ClientNames
	cfg.MutationTimeout = 2*e.Config.PaymentTimeout + time.Minute // a payment is created, then confirmed
	cfg.RateLimits = e.rateLimits()
	return cfg
}

func (e Env) rateLimits() graph.RateLimits {
	return graph.RateLimits{
		SignIn:    ratelimit.SignIn(e.Config.SignInRateLimit, e.Config.SignInRateWindow),
		Mutations: ratelimit.Mutations(e.Config.MutationRateLimit),
		Guests:    ratelimit.Guests(e.Config.GuestRateLimit),
		Messages:  ratelimit.WebSocketMessages(e.Config.WebSocketRateLimit),

		ConnectionsPerUser: e.Config.ConnectionsPerUser, ConnectionsPerIP: e.Config.ConnectionsPerIP,
		ReadsPerUser: e.Config.ReadsPerUser, ReadsPerIP: e.Config.ReadsPerIP,
	}
}

// responseTimeout is how long a client may take to read a response that is no stream; GraphQL's transports have their own.
const responseTimeout = 30 * time.Second

// warnOfSettings logs what production may do without, although it rarely means to.
func (e Env) warnOfSettings() {
	if e.Config.Development() {
		return
	}
	if len(e.Config.PaymentGateways) == 0 {
		e.Logger.Warn("PAYMENT_GATEWAYS is empty: only free tickets can be had")
	}
	if e.Config.Shop && slices.Contains(e.Config.PaymentGateways, config.GatewayStripe) && e.Config.StripePublicKey == "" {
		e.Logger.Warn("STRIPE_PUBLISHABLE_KEY is empty: the shop takes no cards")
	}
}

// warnOfProxies logs, once, that a request came through a proxy that is not trusted: all its customers then have one address, and share
// one rate limit. It may also be a client's invention.
func (e Env) warnOfProxies(next http.Handler, trusted []netip.Prefix) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" && !ratelimit.FromProxy(r, trusted) {
			once.Do(func() {
				e.Logger.WarnContext(r.Context(), "X-Forwarded-For comes from an address that TRUSTED_PROXIES does not name: if it is a proxy of yours, "+
					"all customers behind it share one rate limit", "address", r.RemoteAddr, "trusted", e.Config.TrustedProxies)
			})
		}
		next.ServeHTTP(w, r)
	})
}

// apiBackends is what the api is connected to.
type apiBackends struct {
	events, read, auth *postgres.Pool
	redis              *redis.Client // sessions, limits, announcements
	cache              *redis.Client // what may be lost at any time
	projections        *query.Projections
	webhooks           *webhook.Receiver
	closers            []func()
}

func (b *apiBackends) close() {
	for _, f := range b.closers {
		f()
	}
}

func openAPI(ctx context.Context, e Env) (b *apiBackends, err error) {
	b = &apiBackends{}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, open := range []struct {
		pool        **postgres.Pool
		with        func(ctx context.Context, part string, connections int) (*postgres.Pool, error)
		connections int
	}{{&b.events, e.openEvents, apiEvents}, {&b.read, e.openReads, apiRead}, {&b.auth, e.openAuth, apiAuth}} {
		pool, err := open.with(ctx, "api", open.connections)
		if err != nil {
			return b, err
		}
		*open.pool = pool
		b.closers = append(b.closers, pool.Close)
	}
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx)) // requests are served for a while after ctx has ended
	b.closers = append(b.closers, stopWatching)
	if b.redis, err = e.openRedis(watching, "api"); err != nil {
		return b, err
	}
	b.closers = append(b.closers, func() { _ = b.redis.Close() })
	if b.cache, err = e.openCache(ctx, "api", b.redis); err != nil {
		return b, err
	}
	b.closers = append(b.closers, func() { _ = b.cache.Close() }) // closing a shared one again does nothing
	b.projections = e.projections(b.read.Pool, b.events.Pool)
	if b.webhooks, err = webhook.NewReceiver(webhook.ReceiverConfig{
		Pool: b.events.Pool, Address: e.addressOf, Logger: e.Logger, Registerer: e.registererOf("api"),
	}); err != nil {
		return b, fmt.Errorf("set up webhooks: %w", err)
	}
	checks, err := e.apiChecks(b)
	e.watch(append(checks, e.clockChecks(ctx, "api", b.events, b.redis)...)...)
	return b, err
}

// authService signs users in.
func (e Env) authService(pool *pgxpool.Pool, client *redis.Client) (*auth.Service, error) {
	mailer, err := e.mailer()
	if err != nil {
		return nil, err
	}
	service, err := auth.New(auth.Config{
		Pool: pool, Redis: client, Mailer: mailer, Logger: e.Logger,
		BaseURL: e.Config.AuthBaseURL, MagicLinkTTL: e.Config.MagicLinkTTL,
		SessionTTL: e.Config.SessionTTL, SessionIdle: e.Config.SessionIdle, SessionMax: e.Config.SessionMax,
		MaxSessions: e.Config.MaxSessions, AdminEmails: e.Config.AdminEmails, ExposeMagicLinks: e.Config.ExposeMagicLinks,
	})
	if err != nil {
		return nil, fmt.Errorf("set up sign-in: %w", err)
	}
	return service, nil
}

// publicPages returns the pages that people buy on, and the keys that verify their tickets.
func (e Env) publicPages(api http.Handler, keys *ticketcode.Keys) (http.Handler, error) {
	mux := http.NewServeMux()
	published, err := publishedKeys(keys)
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /.well-known/ticketing-keys.json", published)
	if !e.Config.Shop {
		return mux, nil
	}
	pages, err := shop.New(shop.Config{
		API: api, Cookie: graph.SessionCookie, BaseURL: e.Config.AuthBaseURL, Gateways: e.Config.PaymentGateways,
		StripeKey: e.Config.StripePublicKey, PayPalPages: paypal.PagesOf(e.Config.PayPalAPIBase),
		Development: e.Config.Development(), Logger: e.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the shop: %w", err)
	}
	mux.Handle("/", pages)
	return mux, nil
}

// ownHosts returns the names by which this server is reached.
func (e Env) ownHosts() []string {
	hosts := []string{e.Config.Host}
	if base, err := url.Parse(e.Config.AuthBaseURL); err == nil {
		hosts = append(hosts, base.Hostname())
	}
	return hosts
}

func (e Env) apiRoutes(api, graphiql, pages, signIn http.Handler, b *apiBackends) http.Handler {
	mux := http.NewServeMux()
	for _, source := range e.webhooks() {
		mux.Handle("POST /webhooks/"+source.Name(), b.webhooks.Handler(source))
	}
	mux.Handle("GET /schema.graphql", graph.SchemaHandler())
	mux.Handle("GET /llms.txt", graph.GuideHandler())
	mux.Handle("/graphiql", graphiql)
	mux.Handle("/graphiql/", graphiql)
	mux.Handle("/auth/", signIn)
	e.addHealth(mux)
	mux.Handle("/", pages)
	if e.Config.Development() {
		mux.Handle("GET /metrics", promhttp.HandlerFor(e.Registry, promhttp.HandlerOpts{}))
	}
	all := http.NewServeMux()
	all.Handle("/graphql", api)
	all.Handle("/", httpserver.BoundWrites(mux, responseTimeout))
	if e.Config.Development() {
		return httpserver.Secure(loopback.Guard(all, e.ownHosts()...), false)
	}
	return httpserver.Secure(all, true)
}

// addressOf returns under what the sender of a webhook is counted.
func (e Env) addressOf(r *http.Request) string {
	proxies, err := ratelimit.ParseProxies(e.Config.TrustedProxies)
	if err != nil {
		proxies = nil // it is reported when the api starts
	}
	return ratelimit.SenderKey(ratelimit.ClientIP(r, proxies))
}
