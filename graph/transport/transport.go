// Package transport speaks GraphQL over the wire: over HTTP as the GraphQL-over-HTTP specification says (it passes the audits of
// graphql-http), over server-sent events in the distinct connections mode of graphql-sse, and over WebSockets as graphql-transport-ws.
// It does not know what operations mean: it passes them to an executor.
//
// Everything is bounded: bodies, messages, operations of a connection, the time of every read and write. Another site can't forge a request
// that changes something: GET only reads, POST needs a content type for which browsers send a preflight, the cookie counts only for allowed
// origins, and pages of other origins can't open a WebSocket.
package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/overload"
	"ticketing/internal/ratelimit"
	"ticketing/internal/telemetry"
)

// Host is the API behind the transports. An error of its methods that is not an *apierror.Error reaches clients as INTERNAL.
type Host interface { //nolint:interfacebloat // one question each
	// Executor returns the executor for operations of ctx's viewer.
	Executor(ctx context.Context) graphql.GraphExecutor
	// SignIn returns a context with the viewer that the credentials belong to. No credentials are fine; a bad bearer token is an error.
	SignIn(ctx context.Context, c Credentials) (context.Context, error)
	// SignedIn reports whether ctx has a viewer.
	SignedIn(ctx context.Context) bool
	// Proven reports whether ctx's viewer has proven a mail address. Guests have not: a client can make any number of them.
	Proven(ctx context.Context) bool
	// OnSessionChange calls changed, in a goroutine of its own, when what SignIn found is no longer true. It watches until ctx ends.
	OnSessionChange(ctx context.Context, changed func())
	// SessionOver reports whether the session has ended. Otherwise only its roles changed, and the client may connect again.
	SessionOver(ctx context.Context) bool
	// OpenFromAddress counts a WebSocket or an event stream of the client's address until release is called. An error refuses it.
	OpenFromAddress(ctx context.Context) (release func(), err error)
	// OpenForUser counts it for ctx's viewer.
	OpenForUser(ctx context.Context) (release func(), err error)
	// AllowMessage counts a WebSocket message of ctx's viewer. An error refuses it.
	AllowMessage(ctx context.Context) error
	// Document returns the text of the operation that ctx's viewer asks for by an id, or by its text. An error refuses it.
	Document(ctx context.Context, id, text string) (string, error)
	// Share returns the execution that ctx's viewer may share with others, nil when the operation is the viewer's own. An error refuses it.
	Share(ctx context.Context, oc *graphql.OperationContext) (*Shared, error)
	// ChargeShared charges ctx's viewer for their share of a response, and for its length. It returns how long the next one has to wait.
	ChargeShared(ctx context.Context, cost, length int) time.Duration
}

// Credentials are what a client signs in with. When there is a bearer token, the cookie is ignored.
type Credentials struct {
	Bearer string
	Cookie string
}

// Config is what a Handler works with.
type Config struct {
	Host       Host   // Required.
	CookieName string // Default: no cookie is read.

	AllowOrigin    func(r *http.Request, origin string) bool // Whose pages may use the cookie. Default: none.
	AllowHeaders   []string                                  // What these pages may send beside the usual headers. Default: nothing.
	TrustedProxies []netip.Prefix                            // Whose X-Forwarded-For is believed. Default: none.

	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.

	MaxBody      int64         // Bytes of a request and of a WebSocket message. Default: 100 KiB.
	MaxStreams   int           // Operations at a time on one WebSocket. Default: 50.
	MaxRunning   int           // Queries and mutations, and starts of subscriptions, that run at a time, at most. Default: 256 for each processor.
	MaxSockets   int           // WebSockets and event streams of the process. Default: 20,000.
	InitTimeout  time.Duration // From the handshake of a WebSocket to its sign-in. Default: 5s.
	WriteTimeout time.Duration // For one message to a client. Default: 10s.
	KeepAlive    time.Duration // Between pings. Default: 15s.

	MaxAnonymous  int           // Of MaxSockets, those of guests and without a viewer; the others are kept for who is signed in. Default: 3/4.
	AnonymousIdle time.Duration // A WebSocket without a viewer and without an operation ends after this. Default: 1m.
}

func (c Config) withDefaults() Config {
	if c.AllowOrigin == nil {
		c.AllowOrigin = func(*http.Request, string) bool { return false }
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.MaxBody = cmp.Or(c.MaxBody, 100<<10)
	c.MaxStreams = cmp.Or(c.MaxStreams, 50)
	c.MaxRunning = cmp.Or(c.MaxRunning, runningPerProcessor*runtime.GOMAXPROCS(0))
	c.MaxSockets = cmp.Or(c.MaxSockets, 20_000)
	c.InitTimeout = cmp.Or(c.InitTimeout, 5*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.KeepAlive = cmp.Or(c.KeepAlive, 15*time.Second)
	c.MaxAnonymous = cmp.Or(c.MaxAnonymous, max(1, c.MaxSockets*3/4))
	c.AnonymousIdle = cmp.Or(c.AnonymousIdle, time.Minute)
	return c
}

// Handler serves /graphql.
type Handler struct {
	host    Host
	cfg     Config
	metrics *metrics
	running *overload.Gate
	streams slots
	strange slots // of streams, those of guests and without a viewer
	shared  *broadcasts
	stop    chan struct{}

	sockets  sockets
	couriers couriers
}

// New returns a handler. Its streams end with Stop. It panics without a host.
func New(cfg Config) *Handler {
	if cfg.Host == nil {
		panic("make the transport: Host is required")
	}
	cfg = cfg.withDefaults()
	streams := newSlots(cfg.MaxSockets)
	h := &Handler{host: cfg.Host, cfg: cfg, running: overload.NewGate(cfg.MaxRunning), streams: streams, strange: newSlots(cfg.MaxAnonymous), stop: make(chan struct{})}
	h.sockets = sockets{h: h, open: map[*socket]struct{}{}}
	h.shared = &broadcasts{h: h, byKey: map[string]*broadcast{}, sponsored: map[string]int{}}
	h.metrics = newMetrics(cfg.Registerer, h.running, streams, h.shared)
	return h
}

// Stop ends all WebSockets and event streams, so that their clients connect to another process. Call it once, at the shutdown:
// http.Server.Shutdown does not close WebSockets, and waits for event streams without an end.
func (h *Handler) Stop() {
	close(h.stop)
	h.sockets.stopAll()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = h.withRequestInfo(w, r)
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(r.Context(), "a transport", p)
			writeRequestErrors(w, mediaJSON, http.StatusInternalServerError, presentPanic(r.Context()))
		}
	}()
	if isWebSocket(r) {
		if origin := r.Header.Get("Origin"); origin != "" && !h.cfg.AllowOrigin(r, origin) {
			writeRequestErrors(w, mediaJSON, http.StatusForbidden, presentErrors(apierror.New(apierror.Forbidden, "pages of this origin may not connect")))
			return
		}
		h.serveWebSocket(w, r)
		return
	}
	h.allowCORS(w, r)
	switch r.Method {
	case http.MethodGet, http.MethodPost:
		h.serveAdmitted(w, r)
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		writeRequestErrors(w, mediaJSON, http.StatusMethodNotAllowed, badRequest("only GET and POST are allowed here"))
	}
}

// logPanic is called where a panic is recovered.
func (h *Handler) logPanic(ctx context.Context, of string, p any) {
	h.cfg.Logger.ErrorContext(ctx, "panic in "+of, "panic", p, "stack", string(debug.Stack()))
}

// withRequestInfo gives the request its correlation id and reads its headers.
func (h *Handler) withRequestInfo(w http.ResponseWriter, r *http.Request) *http.Request {
	correlation := correlationID(r.Header.Get("X-Request-ID"))
	info := request.Info{
		IdempotencyKey: r.Header.Get("Idempotency-Key"),
		ClientIP:       ratelimit.ClientIP(r, h.cfg.TrustedProxies),
		ClientName:     r.Header.Get("Apollographql-Client-Name"),
		UserAgent:      r.UserAgent(),
		WantsCost:      strings.EqualFold(r.Header.Get("X-GraphQL-Cost"), "include"),
		WantsCookie:    strings.EqualFold(r.Header.Get("X-Session"), "cookie"),
		SetCookie:      func(c *http.Cookie) { http.SetCookie(w, c) },
		Cookie:         func(name string) string { return cookieValue(r, name) },
		SetHeader:      func(name, value string) { w.Header().Set(name, value) },

		OrderLink:        r.Header.Get("Order-Link"),
		LastEventID:      r.Header.Get("Last-Event-ID"),
		ConsistencyToken: r.Header.Get(request.ConsistencyHeader),
	}
	header := w.Header()
	header.Set("X-Request-ID", correlation)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	return r.WithContext(request.With(telemetry.WithCorrelationID(r.Context(), correlation), info))
}

// allowCORS lets pages of allowed origins read responses and use the cookie. Browsers show other pages nothing.
func (h *Handler) allowCORS(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !h.cfg.AllowOrigin(r, origin) {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Expose-Headers", "X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Consistency-Token")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		header.Set("Access-Control-Allow-Headers", strings.Join(append([]string{allowedHeaders}, h.cfg.AllowHeaders...), ", "))
		header.Set("Access-Control-Max-Age", "600")
	}
}

// allowedHeaders are those that pages may send: ours, those of tracing, and the names that Apollo's clients give themselves.
const allowedHeaders = "Authorization, Consistency-Token, Content-Type, Idempotency-Key, Last-Event-ID, Order-Link, X-GraphQL-Cost, X-Request-ID, X-Session, " +
	"traceparent, tracestate, baggage, sentry-trace, apollographql-client-name, apollographql-client-version"

func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func acceptOptions(respondsToPing func() bool) *websocket.AcceptOptions {
	return &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true,                          // ServeHTTP checks the origin
		CompressionMode:    websocket.CompressionDisabled, // a compressor would cost every idle connection more than its messages
		OnPingReceived:     func(context.Context, []byte) bool { return respondsToPing() },
	}
}
