// Package transport speaks GraphQL over the wire: over HTTP as the GraphQL-over-HTTP specification says (it passes the audits of
// graphql-http), over server-sent events in the distinct connections mode of graphql-sse, and over WebSockets as graphql-transport-ws.
// What operations mean is none of its business: it hands them to an executor.
//
// Everything has a bound here: bodies, messages, operations of a connection, the time of every read and write. A request that changes
// something can't be forged by another site: GET only reads, POST demands a content type that browsers ask leave for, a cookie counts
// only for origins that are allowed, and pages of others can't open a WebSocket.
package transport //nolint:contextcheck // the request carries its context

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/ratelimit"
	"ticketing/internal/telemetry"
)

// Host is what the transports need of the API behind them.
type Host interface {
	// Executor answers what runs the operations of whoever is signed in with ctx.
	Executor(ctx context.Context) graphql.GraphExecutor
	// SignIn answers a context that knows whose credentials these are. None are fine; a bad bearer token is not.
	SignIn(ctx context.Context, c Credentials) (context.Context, error)
	// SessionEnded answers a channel that gets one value when what SignIn said is no longer true: true when the session is over, false
	// when only the roles changed, so that the client may come back. It watches until ctx ends.
	SessionEnded(ctx context.Context) <-chan bool
	// OpenFromAddress counts a WebSocket or an event stream of the client's address until release is called. An error refuses it.
	OpenFromAddress(ctx context.Context) (release func(), err error)
	// OpenForUser counts it of whoever is signed in with ctx.
	OpenForUser(ctx context.Context) (release func(), err error)
	// AllowMessage counts a WebSocket message of whoever is signed in with ctx.
	AllowMessage(ctx context.Context) error
}

// Credentials is how a client says who it is. A bearer token wins; the cookie is not asked when there is one.
type Credentials struct {
	Bearer string
	Cookie string
}

// Config is what an operator decides, and bounds that tests change.
type Config struct {
	CookieName     string
	AllowOrigin    func(r *http.Request, origin string) bool // whose requests may use the cookie
	TrustedProxies []netip.Prefix                            // whose X-Forwarded-For is believed
	Logger         *slog.Logger
	Registerer     prometheus.Registerer // nil: nobody reads the metrics

	MaxBody      int64         // bytes of a request and of a WebSocket message
	MaxStreams   int           // operations at a time on one WebSocket
	MaxSockets   int           // WebSockets and event streams of the process
	InitTimeout  time.Duration // for connection_init, from the handshake to the sign-in
	WriteTimeout time.Duration // for one message to a client
	KeepAlive    time.Duration // between signs of life
}

// DefaultConfig answers bounds for production; the operator's part is empty.
func DefaultConfig() Config {
	return Config{
		Logger: slog.Default(), MaxBody: 100 << 10, MaxStreams: 50, MaxSockets: 20_000,
		InitTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, KeepAlive: 15 * time.Second,
	}
}

// Handler serves /graphql.
type Handler struct {
	host    Host
	cfg     Config
	metrics *metrics
	streams slots
	stop    chan struct{}
}

// New answers a handler. Its streams end with Stop.
func New(host Host, cfg Config) *Handler {
	streams := newSlots(cfg.MaxSockets)
	return &Handler{host: host, cfg: cfg, metrics: newMetrics(cfg.Registerer, streams), streams: streams, stop: make(chan struct{})}
}

// Stop ends all WebSockets and event streams, so that their clients connect elsewhere. It is called once, when the process is told to
// end: http.Server.Shutdown would wait for the one and forget the other.
func (h *Handler) Stop() { close(h.stop) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = h.identify(w, r)
	defer func() {
		if p := recover(); p != nil {
			h.cfg.Logger.ErrorContext(r.Context(), "panic in a transport", "panic", p, "stack", string(debug.Stack()))
			writeRequestErrors(w, mediaJSON, http.StatusInternalServerError, presented(apierror.From(errPanic)))
		}
	}()
	if isWebSocket(r) {
		if origin := r.Header.Get("Origin"); origin != "" && !h.cfg.AllowOrigin(r, origin) {
			writeRequestErrors(w, mediaJSON, http.StatusForbidden, presented(apierror.New(apierror.Forbidden, "pages of this origin may not connect")))
			return
		}
		h.serveWebSocket(w, r)
		return
	}
	h.cors(w, r)
	switch r.Method {
	case http.MethodGet, http.MethodPost:
		h.serveOperation(h.bounded(w), r)
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		writeRequestErrors(w, mediaJSON, http.StatusMethodNotAllowed, badRequest("only GET and POST are served here"))
	}
}

// identify gives the request its correlation id and reads what it says beside the operation.
func (h *Handler) identify(w http.ResponseWriter, r *http.Request) *http.Request {
	correlation := correlationID(r.Header.Get("X-Request-ID"))
	info := request.Info{
		IdempotencyKey: r.Header.Get("Idempotency-Key"),
		ClientIP:       ratelimit.ClientIP(r, h.cfg.TrustedProxies),
		UserAgent:      r.UserAgent(),
		WantsCookie:    strings.EqualFold(r.Header.Get("X-Session"), "cookie"),
		SetCookie:      func(c *http.Cookie) { http.SetCookie(w, c) },
	}
	header := w.Header()
	header.Set("X-Request-ID", correlation)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	return r.WithContext(request.With(telemetry.WithCorrelationID(r.Context(), correlation), info))
}

// cors lets pages of allowed origins read the answers, with the cookie. To other pages browsers give nothing.
func (h *Handler) cors(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !h.cfg.AllowOrigin(r, origin) {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Expose-Headers", "X-Request-ID, Retry-After")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-ID, X-Session, traceparent, tracestate")
		header.Set("Access-Control-Max-Age", "600")
	}
}

func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

var acceptOptions = &websocket.AcceptOptions{
	Subprotocols:       []string{subprotocol},
	InsecureSkipVerify: true,                          // ServeHTTP has looked at the origin
	CompressionMode:    websocket.CompressionDisabled, // a compressor would cost every idle connection more than its messages
}
