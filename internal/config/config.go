// Package config reads a program's configuration from the environment. It checks everything and reports all mistakes together. Starting
// private servers for what is not configured is left to the caller.
package config

import (
	"time"

	"ticketing/internal/loopback"
)

// The values of ENVIRONMENT.
const (
	Production  = "production"
	Development = "development"
	Test        = "test"
)

// The values of LOG_FORMAT.
const (
	LogJSON = "json"
	LogText = "text"
)

// Config is the whole configuration. .env.example explains each name.
type Config struct {
	Environment     string        `env:"ENVIRONMENT"      envDefault:"production"`
	Host            string        `env:"HOST"` // default: 127.0.0.1, in production 0.0.0.0
	Port            int           `env:"PORT"             envDefault:"8080"`
	MetricsHost     string        `env:"METRICS_HOST"` // default: HOST
	MetricsPort     int           `env:"METRICS_PORT"     envDefault:"9090"`
	DataDir         string        `env:"DATA_DIR"         envDefault:".data"`
	LogLevel        string        `env:"LOG_LEVEL"        envDefault:"info"`
	LogFormat       string        `env:"LOG_FORMAT"` // default: text, in production json
	ShutdownDelay   time.Duration `env:"SHUTDOWN_DELAY"   envDefault:"5s"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s"`
	TrustedProxies  []string      `env:"TRUSTED_PROXIES"` // addresses and CIDR prefixes whose X-Forwarded-For is trusted
	AllowPlaintext  []string      `env:"ALLOW_PLAINTEXT"` // names of addresses that may be reached without TLS in production

	Shop              bool     `env:"SHOP"                envDefault:"true"` // the api serves the shop's pages
	TicketSigningKeys []string `env:"TICKET_SIGNING_KEYS"`                   // default outside production: one in DATA_DIR

	ReservationHold       time.Duration `env:"RESERVATION_HOLD"        envDefault:"5m"`
	MaxUnpaidReservations int           `env:"MAX_UNPAID_RESERVATIONS" envDefault:"10"`
	StreamCacheMiB        int           `env:"STREAM_CACHE_MIB"` // what streams may take in memory. Default: an eighth of it, at most 512

	Databases
	Broker
	Auth
	Mail
	Payments
	Telemetry

	MutationRateLimit  int `env:"MUTATION_RATE_LIMIT_REQUESTS" envDefault:"120"`  // a minute and user
	WebSocketRateLimit int `env:"WS_RATE_LIMIT_MESSAGES"       envDefault:"100"`  // a minute and user
	GuestRateLimit     int `env:"GUEST_RATE_LIMIT_REQUESTS"    envDefault:"60"`   // a minute and IP
	Connections        int `env:"HTTP_MAX_CONNECTIONS"`                           // at a time. Default: what package httpserver says
	ConnectionsPerUser int `env:"WS_MAX_CONNECTIONS_PER_USER"  envDefault:"100"`  // at a time
	ConnectionsPerIP   int `env:"WS_MAX_CONNECTIONS_PER_IP"    envDefault:"1000"` // at a time

	ReadsPerUser   int      `env:"READ_RATE_LIMIT_PER_USER" envDefault:"1000000"` // weight a minute, of each api process
	ReadsPerIP     int      `env:"READ_RATE_LIMIT_PER_IP"   envDefault:"5000000"` // the same of those who are not signed in
	AllowedOrigins []string `env:"ALLOWED_ORIGINS"`                               // of other pages that may use the API with the cookie
	AllowedHeaders []string `env:"ALLOWED_HEADERS"`                               // that these pages may send, besides the API's own
	ClientNames    []string `env:"CLIENT_NAMES"`                                  // of clients whose operations are counted by name

	TrustedDocuments   string `env:"TRUSTED_DOCUMENTS"`                              // path of the manifest; empty: there are none
	DocumentsAnonymous string `env:"TRUSTED_DOCUMENTS_ANONYMOUS" envDefault:"allow"` // what clients without a user may execute
	DocumentsSignedIn  string `env:"TRUSTED_DOCUMENTS_SIGNED_IN" envDefault:"allow"` // what users may
}

// Databases configures the databases. The caller fills in empty URLs (see Need).
type Databases struct {
	EventsURL        string        `env:"DATABASE_URL"`            // the log
	ReadURL          string        `env:"PROJECTION_DATABASE_URL"` // the read tables
	ReadPoolerURL    string        `env:"PROJECTION_POOLER_URL"`   // where apis read the read tables. Default: PROJECTION_DATABASE_URL
	AuthURL          string        `env:"AUTH_DATABASE_URL"`       // users and roles
	RedisURL         string        `env:"REDIS_URL"`
	RedisCAFile      string        `env:"REDIS_CA_FILE"` // with rediss://; default: the system's certificate authorities
	RedisCertFile    string        `env:"REDIS_CERT_FILE"`
	RedisKeyFile     string        `env:"REDIS_KEY_FILE"`
	RedisCacheURL    string        `env:"REDIS_CACHE_URL"`                            // for what may be lost at any time. Default: REDIS_URL
	MaxConnections   int           `env:"DATABASE_MAX_CONNECTIONS"   envDefault:"20"` // of each pool; most are smaller by themselves
	MinConnections   int           `env:"DATABASE_MIN_CONNECTIONS"   envDefault:"1"`
	ConnectTimeout   time.Duration `env:"DATABASE_CONNECT_TIMEOUT"   envDefault:"5s"`
	StatementTimeout time.Duration `env:"DATABASE_STATEMENT_TIMEOUT" envDefault:"8s"`
}

// Broker configures where domain events are published, and the names of topics.
type Broker struct {
	Brokers          []string `env:"REDPANDA_BROKERS"` // host:port
	BrokerTLS        bool     `env:"REDPANDA_TLS"       envDefault:"false"`
	BrokerCAFile     string   `env:"REDPANDA_CA_FILE"` // default: the system's certificate authorities
	BrokerCertFile   string   `env:"REDPANDA_CERT_FILE"`
	BrokerKeyFile    string   `env:"REDPANDA_KEY_FILE"`
	SASL             SASL
	ConsumerGroup    string   `env:"CONSUMER_GROUP"    envDefault:"ticketing-projections"`
	EventTopic       string   `env:"EVENT_TOPIC"       envDefault:"ticketing-events"`
	InventoryTopic   string   `env:"INVENTORY_TOPIC"   envDefault:"ticketing-inventory-events"`
	ReservationTopic string   `env:"RESERVATION_TOPIC" envDefault:"ticketing-reservation-events"`
	PaymentTopic     string   `env:"PAYMENT_TOPIC"     envDefault:"ticketing-payment-events"`
	RecordKeys       []string `env:"RECORD_KEYS"` // id:base64; the first signs records, all are accepted. Empty: off
}

// SASL configures how a client proves to the brokers who it is. It converts to kafka.SASL.
type SASL struct {
	Mechanism string `env:"REDPANDA_SASL_MECHANISM"`
	Username  string `env:"REDPANDA_SASL_USERNAME"`
	Password  string `env:"REDPANDA_SASL_PASSWORD"`
	TokenFile string `env:"REDPANDA_SASL_TOKEN_FILE"` // of OAUTHBEARER
}

// Topics returns the names of all topics.
func (b Broker) Topics() []string {
	return []string{b.EventTopic, b.InventoryTopic, b.ReservationTopic, b.PaymentTopic}
}

// Auth configures signing in.
type Auth struct {
	AuthBaseURL      string        `env:"AUTH_BASE_URL"`                                         // default outside production: http://127.0.0.1:PORT
	SessionTTL       time.Duration `env:"AUTH_SESSION_TTL"                    envDefault:"168h"` // by how much a use extends it
	SessionIdle      time.Duration `env:"AUTH_SESSION_IDLE"                   envDefault:"72h"`  // unused
	SessionMax       time.Duration `env:"AUTH_SESSION_MAX"                    envDefault:"720h"` // in all
	MagicLinkTTL     time.Duration `env:"AUTH_MAGIC_LINK_TTL"                 envDefault:"15m"`
	MaxSessions      int           `env:"AUTH_MAX_CONCURRENT_SESSIONS"        envDefault:"5"`  // a user
	SignInRateLimit  int           `env:"AUTH_RATE_LIMIT_REQUESTS"            envDefault:"10"` // a window, by address and network
	SignInRateWindow time.Duration `env:"AUTH_RATE_LIMIT_WINDOW"              envDefault:"60s"`
	ExposeMagicLinks bool          `env:"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING" envDefault:"false"`
	AdminEmails      []string      `env:"ADMIN_EMAILS"`
}

// Mail configures the sending of mails.
type Mail struct {
	SMTPURL    string `env:"SMTP_URL"`     // empty: mails are written into DATA_DIR; refused in production
	SMTPCAFile string `env:"SMTP_CA_FILE"` // default: the system's certificate authorities
	MailFrom   string `env:"MAIL_FROM"    envDefault:"Ticketing <tickets@localhost>"`
}

// Payments configures the payment gateways.
type Payments struct {
	PaymentGateways      []string      `env:"PAYMENT_GATEWAYS"` // default outside production: sandbox
	PaymentTimeout       time.Duration `env:"PAYMENT_TIMEOUT"        envDefault:"30s"`
	ReturnOrigins        []string      `env:"RETURN_ORIGINS"` // of pages that customers return to from a gateway, besides AUTH_BASE_URL's
	StripeAPIKey         string        `env:"STRIPE_API_KEY"`
	StripeWebhookSecrets []string      `env:"STRIPE_WEBHOOK_SECRET"`  // each is accepted
	StripePublicKey      string        `env:"STRIPE_PUBLISHABLE_KEY"` // of the shop's card form; empty: the shop takes no cards through Stripe
	StripeAPIBase        string        `env:"STRIPE_API_BASE"        envDefault:"https://api.stripe.com"`
	PayPalClientID       string        `env:"PAYPAL_CLIENT_ID"`
	PayPalClientSecret   string        `env:"PAYPAL_CLIENT_SECRET"`
	PayPalWebhookID      string        `env:"PAYPAL_WEBHOOK_ID"`
	PayPalAPIBase        string        `env:"PAYPAL_API_BASE"        envDefault:"https://api-m.paypal.com"`
}

// Telemetry configures traces. The OpenTelemetry SDK reads these names by itself; they are here to be documented and checked.
type Telemetry struct {
	OTLPEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"` // empty: no traces are exported
	OTLPHeaders        string `env:"OTEL_EXPORTER_OTLP_HEADERS"`
	ServiceName        string `env:"OTEL_SERVICE_NAME"` // default: the program's name
	ResourceAttributes string `env:"OTEL_RESOURCE_ATTRIBUTES"`
	TracesSampler      string `env:"OTEL_TRACES_SAMPLER"`
	TracesSamplerArg   string `env:"OTEL_TRACES_SAMPLER_ARG"`
}

// Development reports whether this is not production, but a developer's machine or a test.
func (c Config) Development() bool { return c.Environment != Production }

// Addr returns the address of the public HTTP server.
func (c Config) Addr() string { return hostPort(c.Host, c.Port) }

// MetricsAddr returns the address of the operators' HTTP server.
func (c Config) MetricsAddr() string { return hostPort(c.MetricsHost, c.MetricsPort) }

// isLoopback reports whether only this machine can reach HOST.
func (c Config) isLoopback() bool { return loopback.Is(c.Host) }
