package parts

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"ticketing/command/eventstore"
	"ticketing/command/webhook"
	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/httpserver"
	"ticketing/internal/mail"
	"ticketing/internal/ratelimit"
	"ticketing/query"
	"ticketing/web/graphiql"
)

// API serves GraphQL on listener until ctx ends. It then refuses new requests, finishes those in flight, and stops deciding last.
func API(ctx context.Context, e Env, listener net.Listener) error {
	e.warnOfSettings()
	b, err := openAPI(ctx, e)
	if err != nil {
		return err
	}
	defer b.close()
	write, err := e.writeSide(ctx, "api", b.events, b.redis)
	if err != nil {
		return err
	}
	users, err := e.authService(b.auth, b.redis)
	if err != nil {
		return err
	}
	defer func() { _ = users.Close(context.WithoutCancel(ctx)) }()
	proxies, err := ratelimit.ParseProxies(e.Config.TrustedProxies)
	if err != nil {
		return fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	limiter := ratelimit.New(b.redis)
	connections := ratelimit.NewConnections(limiter)
	server, err := graph.New(graph.Config{
		Commands: write.service, Reads: query.NewReader(b.read), Projections: b.projections, Auth: users,
		Log: eventstore.Reader{DB: b.events}, Limiter: limiter, Connections: connections, Redis: b.redis,
		Logger: e.Logger, Registerer: e.registererOf("api"),
		Development: e.Config.Development(), BaseURL: e.Config.AuthBaseURL, TrustedProxies: proxies,
		RateLimits: graph.RateLimits{
			SignIn:    ratelimit.SignIn(e.Config.SignInRateLimit, e.Config.SignInRateWindow),
			Mutations: ratelimit.Mutations(e.Config.MutationRateLimit),
			Guests:    ratelimit.SignIn(e.Config.GuestRateLimit, time.Minute),
			Messages:  ratelimit.WebSocketMessages(e.Config.WebSocketRateLimit),

			ConnectionsPerUser: e.Config.ConnectionsPerUser, ConnectionsPerIP: e.Config.ConnectionsPerIP,
		},
	})
	if err != nil {
		return fmt.Errorf("set up the API: %w", err)
	}

	graphiQL, err := graphiql.Handler(users, graph.SessionCookie)
	if err != nil {
		return fmt.Errorf("set up GraphiQL: %w", err)
	}

	deciding, stopDeciding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDeciding()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return write.engine.Run(deciding) })
	g.Go(func() error { return server.Run(ctx) })
	g.Go(func() error { return connections.Run(ctx) })
	g.Go(func() error {
		defer stopDeciding()
		return httpserver.Run(ctx, listener, e.apiRoutes(server, graphiQL, b), e.Config.ShutdownTimeout, e.Logger)
	})
	return g.Wait()
}

// warnOfSettings logs what production may do without, although it rarely means to.
func (e Env) warnOfSettings() {
	if e.Config.Development() {
		return
	}
	if len(e.Config.PaymentGateways) == 0 {
		e.Logger.Warn("PAYMENT_GATEWAYS is empty: only free tickets can be had")
	}
	if len(e.Config.TrustedProxies) == 0 {
		e.Logger.Warn("TRUSTED_PROXIES is empty: behind a proxy all customers have its address, and share one rate limit")
	}
}

// apiBackends is what the api is connected to.
type apiBackends struct {
	events, read, auth *pgxpool.Pool
	redis              *redis.Client
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
		pool **pgxpool.Pool
		with func(context.Context, string) (*pgxpool.Pool, error)
	}{{&b.events, e.openEvents}, {&b.read, e.openRead}, {&b.auth, e.openAuth}} {
		pool, err := open.with(ctx, "api")
		if err != nil {
			return b, err
		}
		*open.pool = pool
		b.closers = append(b.closers, pool.Close)
	}
	if b.redis, err = e.openRedis(ctx, "api"); err != nil {
		return b, err
	}
	b.closers = append(b.closers, func() { _ = b.redis.Close() })
	b.projections = e.projections(b.read, b.events)
	if b.webhooks, err = webhook.NewReceiver(webhook.ReceiverConfig{Pool: b.events, Logger: e.Logger, Registerer: e.registererOf("api")}); err != nil {
		return b, fmt.Errorf("set up webhooks: %w", err)
	}
	checks, err := e.apiChecks(b)
	e.watch(checks...)
	return b, err
}

// mailer sends mails by SMTP, or without it (outside production) into a folder of DATA_DIR.
func (e Env) mailer() (mail.Mailer, error) {
	mailer, err := mail.Open(mail.Config{SMTPURL: e.Config.SMTPURL, From: e.Config.MailFrom, Folder: e.mailFolder()})
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return mailer, nil
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

func (e Env) apiRoutes(api, graphiql http.Handler, b *apiBackends) http.Handler {
	mux := http.NewServeMux()
	for _, source := range e.webhooks() {
		mux.Handle("POST /webhooks/"+source.Name(), b.webhooks.Handler(source))
	}
	mux.Handle("/graphql", api)
	mux.Handle("/graphiql", graphiql)
	mux.Handle("/graphiql/", graphiql)
	mux.Handle("/auth/", auth.Pages())
	e.addHealth(mux)
	if e.Config.Development() {
		mux.Handle("GET /metrics", promhttp.HandlerFor(e.Registry, promhttp.HandlerOpts{}))
	}
	return httpserver.Secure(mux, !e.Config.Development())
}
