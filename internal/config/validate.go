package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ticketing/internal/cloudevents"
	"ticketing/internal/loopback"
	"ticketing/internal/ticketcode"
)

// validator collects mistakes.
type validator struct {
	cfg      Config
	problems []error
}

func (v *validator) report(name, format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

func validateConfig(cfg Config, needs []Need) []error {
	v := &validator{cfg: cfg}
	v.checkProcess()
	v.checkNumbers()
	v.checkDurations()
	v.checkStores(needs)
	v.checkBroker(needs)
	v.checkAuth(needs)
	v.checkMail(needs)
	v.checkCertificates()
	v.checkPlaintext()
	v.checkKeys(needs)
	v.checkTickets(needs)
	checkGateways(cfg, v.report)
	checkReturnOrigins(cfg, v.report)
	v.checkURL("STRIPE_API_BASE", cfg.StripeAPIBase, "http", "https")
	v.checkURL("PAYPAL_API_BASE", cfg.PayPalAPIBase, "http", "https")
	v.checkTraces()
	return v.problems
}

// checkTraces refuses what the SDK would only complain about, and then sample everything.
func (v *validator) checkTraces() {
	c := v.cfg
	if c.OTLPEndpoint != "" {
		v.checkURL("OTEL_EXPORTER_OTLP_ENDPOINT", c.OTLPEndpoint, "http", "https")
	}
	if sampler, isChild := strings.CutPrefix(strings.ToLower(c.TracesSampler), "parentbased_"); (isChild || sampler != "") &&
		!slices.Contains([]string{"always_on", "always_off", "traceidratio"}, sampler) {
		v.report("OTEL_TRACES_SAMPLER", "%q is unknown; use always_on, always_off or traceidratio, also with parentbased_ before it", c.TracesSampler)
	}
	if ratio, err := strconv.ParseFloat(c.TracesSamplerArg, 64); c.TracesSamplerArg != "" && (err != nil || !(ratio >= 0 && ratio <= 1)) {
		v.report("OTEL_TRACES_SAMPLER_ARG", "%q is no share of the traces; use 0 to 1", c.TracesSamplerArg)
	}
}

func (v *validator) checkProcess() {
	c := v.cfg
	if !slices.Contains([]string{Production, Development, Test}, c.Environment) {
		v.report("ENVIRONMENT", "%q is unknown; use %s, %s or %s", c.Environment, Production, Development, Test)
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.LogLevel)); err != nil {
		v.report("LOG_LEVEL", "%q is unknown; use debug, info, warn or error", c.LogLevel)
	}
	if c.LogFormat != LogJSON && c.LogFormat != LogText {
		v.report("LOG_FORMAT", "%q is unknown; use %s or %s", c.LogFormat, LogJSON, LogText)
	}
	if c.Port != 0 && c.Port == c.MetricsPort && c.Host == c.MetricsHost {
		v.report("METRICS_PORT", "%d is PORT already; use another one", c.MetricsPort)
	}
	for name, mode := range map[string]string{"TRUSTED_DOCUMENTS_ANONYMOUS": c.DocumentsAnonymous, "TRUSTED_DOCUMENTS_SIGNED_IN": c.DocumentsSignedIn} {
		if !slices.Contains([]string{"off", "allow", "require"}, mode) {
			v.report(name, "%q is unknown; use off, allow or require", mode)
		} else if mode == "require" && c.TrustedDocuments == "" {
			v.report(name, "require needs TRUSTED_DOCUMENTS, the path of the manifest: nothing could be executed")
		}
	}
	for _, proxy := range c.TrustedProxies {
		if _, err := netip.ParseAddr(proxy); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(proxy); err != nil {
			v.report("TRUSTED_PROXIES", "%q is neither an address nor a CIDR prefix such as 10.0.0.0/8", proxy)
		}
	}
}

func (v *validator) checkNumbers() {
	c := v.cfg
	for _, n := range []struct {
		name            string
		value, min, max int
	}{
		{"PORT", c.Port, 0, 65535},
		{"METRICS_PORT", c.MetricsPort, 0, 65535},
		{"DATABASE_MAX_CONNECTIONS", c.MaxConnections, 1, 10_000},
		{"DATABASE_MIN_CONNECTIONS", c.MinConnections, 0, max(c.MaxConnections, 0)},
		{"AUTH_MAX_CONCURRENT_SESSIONS", c.MaxSessions, 1, 1000},
		{"AUTH_RATE_LIMIT_REQUESTS", c.SignInRateLimit, 1, 1_000_000},
		{"MUTATION_RATE_LIMIT_REQUESTS", c.MutationRateLimit, 1, 1_000_000},
		{"GUEST_RATE_LIMIT_REQUESTS", c.GuestRateLimit, 1, 1_000_000},
		{"MAX_UNPAID_RESERVATIONS", c.MaxUnpaidReservations, 1, 1_000_000},
		{"STREAM_CACHE_MIB", c.StreamCacheMiB, 0, 1 << 20},
		{"WS_RATE_LIMIT_MESSAGES", c.WebSocketRateLimit, 1, 1_000_000},
		{"HTTP_MAX_CONNECTIONS", c.Connections, 0, 1_000_000},
		{"WS_MAX_CONNECTIONS_PER_USER", c.ConnectionsPerUser, 1, 1_000_000},
		{"WS_MAX_CONNECTIONS_PER_IP", c.ConnectionsPerIP, 1, 1_000_000},
		{"READ_RATE_LIMIT_PER_USER", c.ReadsPerUser, 1, 2_000_000_000},
		{"READ_RATE_LIMIT_PER_IP", c.ReadsPerIP, 1, 2_000_000_000},
	} {
		if n.value < n.min || n.value > n.max {
			v.report(n.name, "%d is out of range; use %d to %d", n.value, n.min, n.max)
		}
	}
}

func (v *validator) checkDurations() {
	c := v.cfg
	for _, d := range []struct {
		name            string
		value, min, max time.Duration
	}{
		{"SHUTDOWN_DELAY", c.ShutdownDelay, 0, 10 * time.Minute},
		{"SHUTDOWN_TIMEOUT", c.ShutdownTimeout, time.Second, time.Hour},
		{"RESERVATION_HOLD", c.ReservationHold, time.Second, 24 * time.Hour},
		{"DATABASE_CONNECT_TIMEOUT", c.ConnectTimeout, 100 * time.Millisecond, 5 * time.Minute},
		{"DATABASE_STATEMENT_TIMEOUT", c.StatementTimeout, 100 * time.Millisecond, time.Hour},
		{"AUTH_SESSION_TTL", c.SessionTTL, time.Minute, 365 * 24 * time.Hour},
		{"AUTH_SESSION_IDLE", c.SessionIdle, time.Minute, 365 * 24 * time.Hour},
		{"AUTH_SESSION_MAX", c.SessionMax, time.Minute, 365 * 24 * time.Hour},
		{"AUTH_MAGIC_LINK_TTL", c.MagicLinkTTL, time.Minute, 24 * time.Hour},
		{"AUTH_RATE_LIMIT_WINDOW", c.SignInRateWindow, time.Second, 24 * time.Hour},
		{"PAYMENT_TIMEOUT", c.PaymentTimeout, time.Second, 5 * time.Minute},
	} {
		if d.value < d.min || d.value > d.max {
			v.report(d.name, "%s is out of range; use %s to %s", d.value, d.min, d.max)
		}
	}
}

func (v *validator) checkStores(needs []Need) {
	for _, s := range []struct {
		need    Need
		url     string
		schemes []string
	}{
		{NeedEvents, v.cfg.EventsURL, []string{"postgres", "postgresql"}},
		{NeedRead, v.cfg.ReadURL, []string{"postgres", "postgresql"}},
		{"PROJECTION_POOLER_URL", v.cfg.ReadPoolerURL, []string{"postgres", "postgresql"}},
		{NeedAuth, v.cfg.AuthURL, []string{"postgres", "postgresql"}},
		{NeedRedis, v.cfg.RedisURL, []string{"redis", "rediss"}},
		{"REDIS_CACHE_URL", v.cfg.RedisCacheURL, []string{"redis", "rediss"}},
	} {
		if s.url == "" {
			if slices.Contains(needs, s.need) {
				v.report(string(s.need), "needed; use %s://user:password@host/…", s.schemes[0])
			}
			continue
		}
		if u := v.checkURL(string(s.need), s.url, s.schemes...); u != nil && !v.cfg.Development() {
			v.checkPassword(string(s.need), u)
		}
	}
}

// checkPassword reports URLs whose password is missing, short or common. Unix sockets and client certificates need no password.
func (v *validator) checkPassword(name string, u *url.URL) {
	q := u.Query()
	if u.Hostname() == "" || q.Has("sslcert") || q.Has("passfile") || strings.HasPrefix(q.Get("host"), "/") {
		return
	}
	password, _ := u.User.Password()
	weak := []string{"password", "postgres", "redis", "secret", "changeme", "change-me", "ticketing", "admin", "root", "test"}
	if len(password) < 12 || slices.Contains(weak, strings.ToLower(password)) || password == u.User.Username() {
		v.report(name, "its password is missing or weak; production requires at least 12 characters (openssl rand -hex 24)")
	}
}

// checkURL reports a text that is not an absolute URL of one of the schemes. It does not repeat the text, which may hold a password.
func (v *validator) checkURL(name, text string, schemes ...string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || (u.Host == "" && !u.Query().Has("host")) {
		v.report(name, "not a URL of the form %s://host…", strings.Join(schemes, ":// or "))
		return nil
	}
	return u
}

func (v *validator) checkBroker(needs []Need) {
	c := v.cfg
	if len(c.Brokers) == 0 && slices.Contains(needs, NeedBroker) {
		v.report(string(NeedBroker), "needed; use host:port[,host:port…]")
	}
	for _, broker := range c.Brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			v.report(string(NeedBroker), "%q is not host:port", broker)
		}
	}
	v.checkSASL()
	seen := map[string]string{}
	topicName := regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	for i, name := range []string{"EVENT_TOPIC", "INVENTORY_TOPIC", "RESERVATION_TOPIC", "PAYMENT_TOPIC"} {
		topic := c.Topics()[i]
		if !topicName.MatchString(topic) {
			v.report(name, "%q is no topic name; use up to 249 letters, digits, '.', '_' and '-'", topic)
		}
		if other, taken := seen[topic]; taken {
			v.report(name, "%q is %s already; use a topic of its own", topic, other)
		}
		seen[topic] = name
	}
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`) // "*" means nothing where credentials are allowed

func (v *validator) checkAuth(needs []Need) {
	c := v.cfg
	const base = string(NeedLinks)
	if c.AuthBaseURL == "" {
		if slices.Contains(needs, NeedLinks) {
			v.report(base, "needed in production; use the public https:// address, since mailed links start with it")
		}
	} else if u := v.checkURL(base, c.AuthBaseURL, "http", "https"); u != nil &&
		u.Scheme != "https" && !c.Development() && !loopback.Is(u.Hostname()) {
		v.report(base, "sign-in links must not travel in the clear; use https://")
	}
	for _, origin := range c.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || u.Scheme != "https" && !c.Development() {
			v.report("ALLOWED_ORIGINS", "%q is not an origin such as https://shop.example.com", origin)
		}
	}
	for _, header := range c.AllowedHeaders {
		if !headerName.MatchString(header) {
			v.report("ALLOWED_HEADERS", "%q is not the name of a header, such as x-datadog-trace-id", header)
		}
	}
	const expose = "AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING"
	if c.ExposeMagicLinks && !c.Development() {
		v.report(expose, "refused in production, since it lets anyone sign in as any user; leave it out")
	} else if c.ExposeMagicLinks && !c.isLoopback() {
		v.report(expose, "refused while HOST is %s, since anyone who can reach it could sign in as any user; use HOST=127.0.0.1", c.Host)
	}
	for _, email := range c.AdminEmails {
		if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
			v.report("ADMIN_EMAILS", "%q is not a mail address", email)
		}
	}
}

func (v *validator) checkTickets(needs []Need) {
	if len(v.cfg.TicketSigningKeys) == 0 {
		if !v.cfg.Development() && slices.Contains(needs, NeedTicketKeys) {
			v.report(string(NeedTicketKeys), "needed in production, where tickets are signed; use 1:KEY with the output of `openssl rand 32 | basenc --base64url | tr -d =`")
		}
		return
	}
	if _, err := ticketcode.ParseKeys(v.cfg.TicketSigningKeys); err != nil {
		v.report(string(NeedTicketKeys), "%s", err)
	}
}

func (v *validator) checkMail(needs []Need) {
	c := v.cfg
	if _, err := mail.ParseAddress(c.MailFrom); err != nil {
		v.report("MAIL_FROM", "%q is not a mail address such as Tickets <tickets@example.com>", c.MailFrom)
	}
	if c.SMTPURL != "" {
		v.checkURL(string(NeedMail), c.SMTPURL, "smtp", "smtps")
	} else if !c.Development() && slices.Contains(needs, NeedMail) {
		v.report(string(NeedMail), "needed in production, where sign-in links are mailed; use smtps://user:password@host")
	}
}

func (v *validator) checkKeys(needs []Need) {
	if _, err := cloudevents.ParseKeys(v.cfg.RecordKeys); err != nil {
		v.report(string(NeedRecordKeys), "%v", err)
	}
	if len(v.cfg.RecordKeys) == 0 && !v.cfg.Development() && slices.Contains(needs, NeedRecordKeys) {
		v.report(string(NeedRecordKeys), "needed in production, so that projectors know the relay's records from others; use 1:$(openssl rand -base64 32)")
	}
}
