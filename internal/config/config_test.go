package config_test

import (
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
)

// recordKey is a key with 32 bytes.
const recordKey = "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// production returns a complete production environment with changes.
func production(changes map[string]string) map[string]string {
	environ := map[string]string{
		"DATABASE_URL":            "postgres://log:0123456789abcdef@db/events?sslmode=verify-full",
		"PROJECTION_DATABASE_URL": "postgres://read:0123456789abcdef@db/read?sslmode=verify-full",
		"AUTH_DATABASE_URL":       "postgres://auth:0123456789abcdef@db/auth?sslmode=require",
		"REDIS_URL":               "rediss://:0123456789abcdef@redis:6379/0",
		"REDPANDA_BROKERS":        "redpanda-0:9092, redpanda-1:9092",
		"REDPANDA_TLS":            "true",
		"AUTH_BASE_URL":           "https://tickets.example.com/",
		"SMTP_URL":                "smtps://user:0123456789abcdef@mail.example.com",
		"RECORD_KEYS":             recordKey,
		"TICKET_SIGNING_KEYS":     "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	}
	maps.Copy(environ, changes)
	return environ
}

func TestDefaultsOfALaptop(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(map[string]string{"ENVIRONMENT": "development", "PORT": "8123", "LOG_LEVEL": ""})
	require.NoError(t, err)
	require.True(t, cfg.Development())
	require.Equal(t, "127.0.0.1:8123", cfg.Addr())
	require.Equal(t, "127.0.0.1:9090", cfg.MetricsAddr())
	require.Equal(t, "http://127.0.0.1:8123", cfg.AuthBaseURL)
	require.Equal(t, "info", cfg.LogLevel, "an empty variable counts as unset")
	require.Equal(t, 5*time.Minute, cfg.ReservationHold)
	require.Equal(t, []string{config.GatewaySandbox}, cfg.PaymentGateways)
}

func TestProductionStartsWhenComplete(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(production(nil))
	require.NoError(t, err)
	require.False(t, cfg.Development())
	require.Equal(t, "0.0.0.0:8080", cfg.Addr())
	require.Equal(t, []string{"redpanda-0:9092", "redpanda-1:9092"}, cfg.Brokers)
	require.Equal(t, "https://tickets.example.com", cfg.AuthBaseURL)
	require.Empty(t, cfg.PaymentGateways)
}

func TestProductionIsTheDefaultAndNeedsEverything(t *testing.T) {
	t.Parallel()
	_, err := config.Load(nil)
	for _, name := range []string{
		"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL", "REDIS_URL", "REDPANDA_BROKERS", "AUTH_BASE_URL", "SMTP_URL", "RECORD_KEYS", "TICKET_SIGNING_KEYS",
	} {
		require.ErrorContains(t, err, "\n"+name+": ", "all at once")
	}
}

func TestAProgramIsAskedOnlyForWhatItNeeds(t *testing.T) {
	t.Parallel()
	_, err := config.Load(map[string]string{"ENVIRONMENT": "development"}, config.NeedEvents, config.NeedBroker)
	require.ErrorContains(t, err, "\nDATABASE_URL: ")
	require.ErrorContains(t, err, "\nREDPANDA_BROKERS: ")
	require.NotContains(t, err.Error(), "REDIS_URL")

	_, err = config.Load(map[string]string{
		"DATABASE_URL": "postgres://u:ihfkq83hdnfks@db/events?sslmode=require", "PROJECTION_DATABASE_URL": "postgres://u:ihfkq83hdnfks@db/read?sslmode=verify-full",
	}, config.NeedEvents, config.NeedRead)
	require.NoError(t, err, "production's `ticketing verify` needs two databases and nothing else")
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ map[string]string
		want    string
	}{
		"weak password":        {production(map[string]string{"DATABASE_URL": "postgres://log:postgres@db/events?sslmode=require"}), "DATABASE_URL: its password"},
		"no password":          {production(map[string]string{"REDIS_URL": "rediss://redis:6379"}), "REDIS_URL: its password"},
		"weak cache password":  {production(map[string]string{"REDIS_CACHE_URL": "rediss://:redis@cache:6379"}), "REDIS_CACHE_URL: its password"},
		"a short record key":   {development("RECORD_KEYS", "1:c2hvcnQ="), "RECORD_KEYS: key 1 is not"},
		"no record key":        {production(map[string]string{"RECORD_KEYS": ""}), "RECORD_KEYS: needed in production"},
		"sandbox":              {production(map[string]string{"PAYMENT_GATEWAYS": "sandbox"}), "PAYMENT_GATEWAYS: sandbox moves no money"},
		"exposed links":        {production(map[string]string{"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true"}), "refused in production"},
		"links in the clear":   {production(map[string]string{"AUTH_BASE_URL": "http://tickets.example.com"}), "AUTH_BASE_URL: sign-in links"},
		"exposed links abroad": {development("AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING", "true", "HOST", "0.0.0.0"), "HOST is 0.0.0.0"},
		"stripe's test key":    {withStripe(production(nil), "STRIPE_API_KEY", "sk_test_0123456789abcdef"), "production needs a live key"},
		"stripe's live key":    {withStripe(development(), "STRIPE_API_KEY", "rk_live_0123456789abcdef"), "a live key takes real money"},
		"stripe without a key": {withStripe(development(), "STRIPE_API_KEY", ""), "STRIPE_API_KEY: needed"},
		"no webhook secret":    {withStripe(production(nil), "STRIPE_WEBHOOK_SECRET", ""), "STRIPE_WEBHOOK_SECRET: needed"},
		"no second secret":     {withStripe(production(nil), "STRIPE_WEBHOOK_SECRET", "whsec_0123456789abcdef,0123456789abcdef"), "begins with whsec_"},
		"short second secret":  {withStripe(production(nil), "STRIPE_WEBHOOK_SECRET", "whsec_0123456789abcdef,whsec_1"), "at least 16 characters"},
		"no webhook's secret":  {withStripe(production(nil), "STRIPE_WEBHOOK_SECRET", "0123456789abcdef"), "begins with whsec_"},
		"a secret published":   {withStripe(development(), "STRIPE_PUBLISHABLE_KEY", "sk_test_0123456789abcdef"), "STRIPE_PUBLISHABLE_KEY: it must begin with pk_test_"},
		"another mode's key":   {withStripe(production(nil), "STRIPE_PUBLISHABLE_KEY", "pk_test_0123456789abcdef"), "STRIPE_PUBLISHABLE_KEY: it must begin with pk_live_"},
		"stripe in the clear":  {withStripe(production(nil), "STRIPE_API_BASE", "http://api.stripe.com"), "STRIPE_API_BASE: the API key"},
		"paypal's real money":  {withPayPal(development(), "PAYPAL_API_BASE", "https://api-m.paypal.com"), "this takes real money"},
		"paypal's sandbox":     {withPayPal(production(nil), "PAYPAL_API_BASE", "https://api-m.sandbox.paypal.com"), "moves no money"},
		"paypal in the clear":  {withPayPal(production(nil), "PAYPAL_API_BASE", "http://api-m.paypal.com"), "PAYPAL_API_BASE: the secret"},
		"paypal's secret":      {withPayPal(production(nil), "PAYPAL_CLIENT_SECRET", ""), "PAYPAL_CLIENT_SECRET: needed"},
		"paypal's webhook":     {withPayPal(production(nil), "PAYPAL_WEBHOOK_ID", ""), "PAYPAL_WEBHOOK_ID: needed"},
		"ticket keys":          {development("TICKET_SIGNING_KEYS", "1:short"), "TICKET_SIGNING_KEYS: key 1 is not 32 bytes"},
		"unknown gateway":      {development("PAYMENT_GATEWAYS", "cash"), `"cash" is unknown`},
		"environment":          {development("ENVIRONMENT", "prod"), "ENVIRONMENT: "},
		"number":               {development("PORT", "http"), "PORT: a whole number expected"},
		"range":                {development("PORT", "65536"), "PORT: 65536 is out of range"},
		"same port":            {development("PORT", "9090"), "METRICS_PORT: 9090 is PORT already"},
		"duration":             {development("RESERVATION_HOLD", "5"), "RESERVATION_HOLD: a duration"},
		"negative":             {development("RESERVATION_HOLD", "-5m"), "RESERVATION_HOLD: -5m0s is out of range"},
		"flag":                 {development("AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING", "yep"), "true or false expected"},
		"pool":                 {development("DATABASE_MIN_CONNECTIONS", "30"), "DATABASE_MIN_CONNECTIONS: 30"},
		"scheme":               {development("DATABASE_URL", "mysql://db/x"), "DATABASE_URL: not a URL"},
		"broker":               {development("REDPANDA_BROKERS", "redpanda"), `"redpanda" is not host:port`},
		"topics":               {development("EVENT_TOPIC", "ticketing-payment-events"), "PAYMENT_TOPIC: "},
		"header":               {development("ALLOWED_HEADERS", "x-a,*"), `ALLOWED_HEADERS: "*"`},
		"admin":                {development("ADMIN_EMAILS", "a@example.com,nowhere"), `ADMIN_EMAILS: "nowhere"`},
		"a return origin":      {development("RETURN_ORIGINS", "https://shop.example.com,https://shop.example.com/paid"), `RETURN_ORIGINS: "https://shop.example.com/paid"`},
		"proxy":                {development("TRUSTED_PROXIES", "10.0.0.0/8,proxy"), `TRUSTED_PROXIES: "proxy"`},
		"a database in the clear": {
			production(map[string]string{"DATABASE_URL": "postgres://log:0123456789abcdef@db/events"}), "DATABASE_URL: data and passwords must not travel in the clear",
		},
		"the second host":     {production(map[string]string{"DATABASE_URL": "postgres://log:0123456789abcdef@localhost:5432,db:5432/events?sslmode=prefer"}), "in the clear"},
		"redis in the clear":  {production(map[string]string{"REDIS_URL": "redis://:0123456789abcdef@redis"}), "REDIS_URL: data"},
		"broker in the clear": {production(map[string]string{"REDPANDA_TLS": ""}), "REDPANDA_BROKERS: data"},
		"mail in the clear":   {production(map[string]string{"SMTP_URL": "smtp://mail.example.com"}), "SMTP_URL: data"},
		"traces in the clear": {production(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}), "OTEL_EXPORTER_OTLP_ENDPOINT: data"},
		"plaintext of what":   {development("ALLOW_PLAINTEXT", "REDIS"), `ALLOW_PLAINTEXT: "REDIS" is unknown`},
		"no such authority":   {development("REDIS_CA_FILE", "/none"), "REDIS_CA_FILE: "},
		"no key":              {development("REDIS_CERT_FILE", "/none"), "REDIS_CERT_FILE: a certificate and its key"},
		"certificates only":   {development("REDPANDA_CA_FILE", certificateFile(t)), "REDPANDA_TLS: certificates are of no use"},
		"mechanism":           {development("REDPANDA_SASL_MECHANISM", "GSSAPI", "REDPANDA_SASL_USERNAME", "u", "REDPANDA_SASL_PASSWORD", "p"), `"GSSAPI" is unknown`},
		"no mechanism":        {development("REDPANDA_SASL_USERNAME", "u", "REDPANDA_SASL_PASSWORD", "p"), "REDPANDA_SASL_MECHANISM: needed"},
		"no token of SASL":    {development("REDPANDA_SASL_MECHANISM", "OAUTHBEARER", "REDPANDA_SASL_USERNAME", "u", "REDPANDA_SASL_PASSWORD", "p"), "OAUTHBEARER needs REDPANDA_SASL_TOKEN_FILE"},
		"token in the clear":  {development("REDPANDA_SASL_MECHANISM", "OAUTHBEARER", "REDPANDA_SASL_TOKEN_FILE", "t", "REDPANDA_BROKERS", "kafka.example:9092"), "a token is for TLS only"},
		"token of SCRAM":      {development("REDPANDA_SASL_MECHANISM", "SCRAM-SHA-256", "REDPANDA_SASL_USERNAME", "u", "REDPANDA_SASL_PASSWORD", "p", "REDPANDA_SASL_TOKEN_FILE", "t"), "only OAUTHBEARER takes a token"},
		"no password of SASL": {development("REDPANDA_SASL_MECHANISM", "PLAIN", "REDPANDA_SASL_USERNAME", "u"), "REDPANDA_SASL_MECHANISM: needs"},
		"no such secret":      {development("STRIPE_API_KEY_FILE", "/none"), "STRIPE_API_KEY_FILE: read /none"},
		"two secrets":         {development("STRIPE_API_KEY_FILE", "/none", "STRIPE_API_KEY", "k"), "STRIPE_API_KEY_FILE: STRIPE_API_KEY is set, too"},
		"level":               {development("LOG_LEVEL", "loud"), "LOG_LEVEL: "},
		"sampler":             {development("OTEL_TRACES_SAMPLER", "ratio"), `OTEL_TRACES_SAMPLER: "ratio"`},
		"parent of nothing":   {development("OTEL_TRACES_SAMPLER", "parentbased_"), `OTEL_TRACES_SAMPLER: "parentbased_"`},
		"share in percent":    {development("OTEL_TRACES_SAMPLER_ARG", "1%"), `OTEL_TRACES_SAMPLER_ARG: "1%"`},
		"more than all":       {development("OTEL_TRACES_SAMPLER_ARG", "1.5"), `OTEL_TRACES_SAMPLER_ARG: "1.5"`},
		"no number":           {development("OTEL_TRACES_SAMPLER_ARG", "NaN"), `OTEL_TRACES_SAMPLER_ARG: "NaN"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(c.environ)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, 1, strings.Count(err.Error(), "\n"), "one problem, one line: %v", err)
		})
	}
}

func development(pairs ...string) map[string]string {
	environ := map[string]string{"ENVIRONMENT": "development"}
	for i := 0; i < len(pairs); i += 2 {
		environ[pairs[i]] = pairs[i+1]
	}
	return environ
}

// withStripe adds Stripe as it should be, but for one value.
func withStripe(environ map[string]string, name, value string) map[string]string {
	live := "live"
	if environ["ENVIRONMENT"] == "development" {
		live = "test"
	}
	environ["PAYMENT_GATEWAYS"], environ["STRIPE_WEBHOOK_SECRET"] = "stripe", "whsec_0123456789abcdef"
	environ["STRIPE_API_KEY"] = "sk_" + live + "_0123456789abcdef"
	environ[name] = value
	return environ
}

// withPayPal adds PayPal as it should be, but for one value.
func withPayPal(environ map[string]string, name, value string) map[string]string {
	environ["PAYMENT_GATEWAYS"], environ["PAYPAL_CLIENT_ID"], environ["PAYPAL_CLIENT_SECRET"] = "paypal", "0123456789abcdef", "0123456789abcdef"
	if environ["ENVIRONMENT"] == "development" {
		environ["PAYPAL_API_BASE"] = "https://api-m.sandbox.paypal.com"
	} else {
		environ["PAYPAL_WEBHOOK_ID"] = "0123456789ABCDEFG"
	}
	environ[name] = value
	return environ
}

func TestPayPalIsEnabledWithItsSecrets(t *testing.T) {
	t.Parallel()
	for _, environ := range []map[string]string{production(nil), development()} {
		cfg, err := config.Load(withPayPal(environ, "PAYMENT_TIMEOUT", "20s"))
		require.NoError(t, err)
		require.Equal(t, []string{config.GatewayPayPal}, cfg.PaymentGateways)
	}
}

func TestStripeIsEnabledWithItsSecrets(t *testing.T) {
	t.Parallel()
	for _, environ := range []map[string]string{production(nil), development()} {
		cfg, err := config.Load(withStripe(environ, "PAYMENT_TIMEOUT", "20s"))
		require.NoError(t, err)
		require.Equal(t, []string{config.GatewayStripe}, cfg.PaymentGateways)
	}
}

func TestUnreadableAndInvalidValuesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := config.Load(development("PORT", "x", "METRICS_PORT", "y", "PAYMENT_TIMEOUT", "z", "LOG_LEVEL", "loud"))
	for _, name := range []string{"PORT", "METRICS_PORT", "PAYMENT_TIMEOUT", "LOG_LEVEL"} {
		require.ErrorContains(t, err, "\n"+name+": ")
	}
}

func TestSpacesInListsDoNotMatter(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(development(
		"ALLOWED_ORIGINS", "https://a.example, https://b.example,", "ALLOWED_HEADERS", "x-a, x-b", "CLIENT_NAMES", " shop , app", "ADMIN_EMAILS", "a@example.com, b@example.com"))
	require.NoError(t, err)
	require.Equal(t, []string{"https://a.example", "https://b.example"}, cfg.AllowedOrigins)
	require.Equal(t, []string{"x-a", "x-b"}, cfg.AllowedHeaders)
	require.Equal(t, []string{"shop", "app"}, cfg.ClientNames)
	require.Equal(t, []string{"a@example.com", "b@example.com"}, cfg.AdminEmails)
}

func TestSecretsStayOutOfLogsAndErrors(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(production(map[string]string{"STRIPE_API_KEY": "sk_live_0123456789abcdef"}))
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, cfg), "0123456789abcdef", verb)
	}
	_, err = config.Load(production(map[string]string{"DATABASE_URL": "://log:0123456789abcdef@db"}))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "0123456789abcdef")
}

// certificateFile returns a file with a certificate.
func certificateFile(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func TestCertificateAuthoritiesAreRead(t *testing.T) {
	t.Parallel()
	ca := certificateFile(t)
	cfg, err := config.Load(development("REDPANDA_TLS", "true", "REDPANDA_CA_FILE", ca, "REDIS_CA_FILE", ca))
	require.NoError(t, err)
	broker, err := cfg.BrokerTLSConfig()
	require.NoError(t, err)
	require.NotNil(t, broker.RootCAs)
	redis, err := cfg.RedisTLSConfig()
	require.NoError(t, err)
	require.NotNil(t, redis.RootCAs)
	mail, err := cfg.SMTPTLSConfig()
	require.NoError(t, err)
	require.Nil(t, mail.RootCAs, "the system's")
}

// This machine can be reached in the clear, and what ALLOW_PLAINTEXT names.
func TestPlaintextThatIsAllowed(t *testing.T) {
	t.Parallel()
	plain := map[string]string{
		"DATABASE_URL": "postgres://log:0123456789abcdef@db/events", "PROJECTION_DATABASE_URL": "postgres://read:0123456789abcdef@127.0.0.1/read",
		"AUTH_DATABASE_URL": "postgres:///auth?host=/run/postgresql", "REDIS_URL": "redis://:0123456789abcdef@localhost:6379/0",
		"REDPANDA_BROKERS": "[::1]:9092", "REDPANDA_TLS": "", "SMTP_URL": "smtp://user:0123456789abcdef@mail.example.com", // STARTTLS, since it has a password
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "ALLOW_PLAINTEXT": "DATABASE_URL, OTEL_EXPORTER_OTLP_ENDPOINT",
	}
	_, err := config.Load(production(plain))
	require.NoError(t, err)
}

func TestSecretsAreReadFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("rediss://:fedcba9876543210@redis:6379/0\n"), 0o600))
	cfg, err := config.Load(production(map[string]string{"REDIS_URL": "", "REDIS_URL_FILE": file}))
	require.NoError(t, err)
	require.Equal(t, "rediss://:fedcba9876543210@redis:6379/0", cfg.RedisURL)
	require.NoError(t, os.WriteFile(file, []byte("redis://:short@redis"), 0o600))
	_, err = config.Load(production(map[string]string{"REDIS_URL": "", "REDIS_URL_FILE": file}))
	require.ErrorContains(t, err, "REDIS_URL: its password", "it is checked as any other")
}

// What production needs is what it refuses to start without.
func TestEnvExampleSaysWhatIsRequired(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	sentence := regexp.MustCompile(`(?s)Production needs (.*?), though`).FindStringSubmatch(string(text))
	require.NotNil(t, sentence)
	_, err = config.Load(map[string]string{})
	require.Error(t, err)
	var required []string
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+): needed`).FindAllStringSubmatch(err.Error(), -1) {
		required = append(required, m[1])
	}
	require.ElementsMatch(t, required, regexp.MustCompile(`[A-Z][A-Z_]+`).FindAllString(sentence[1], -1))
}

// Every name is documented with its default, and nothing is documented that is not read.
func TestEnvExampleIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	documented := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, documented, m[1], "documented once")
		documented[m[1]] = m[2]
	}
	read := map[string]string{}
	collect(reflect.TypeFor[config.Config](), read)
	for _, name := range readElsewhere(t) {
		if _, ok := read[name]; !ok {
			read[name] = ""
		}
	}
	require.Equal(t, read, documented)
}

// foreign are names that the system, Go or PostgreSQL's clients give a meaning.
var foreign = []string{"PATH", "HOME", "TERM", "NO_COLOR", "GOGC", "GOMEMLIMIT", "PGSSLMODE"}

// readElsewhere returns the names that programs read past Config.
func readElsewhere(t *testing.T) (names []string) {
	t.Helper()
	reads := regexp.MustCompile(`(?:[gG]etenv\(|LookupEnv\(|[eE]nviron(?:\(\))?\[)"([A-Z_]+)"`)
	for _, folder := range []string{"../../cmd", "../../internal"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testenv") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range reads.FindAllStringSubmatch(string(text), -1) {
				if !slices.Contains(foreign, m[1]) {
					names = append(names, m[1])
				}
			}
			return err
		}))
	}
	require.Contains(t, names, "METRICS_ADDRESSES")
	return names
}

func collect(typ reflect.Type, names map[string]string) {
	for field := range typ.Fields() {
		if name, ok := field.Tag.Lookup("env"); ok {
			names[name] = field.Tag.Get("envDefault")
		} else {
			collect(field.Type, names)
		}
	}
}

// public are the names of texts that anyone may see in a log. A new name is one of them, or a secret.
var public = []string{
	"ENVIRONMENT", "HOST", "METRICS_HOST", "DATA_DIR", "LOG_LEVEL", "LOG_FORMAT", "TRUSTED_PROXIES", "ALLOW_PLAINTEXT", "ALLOWED_ORIGINS", "ALLOWED_HEADERS",
	"CLIENT_NAMES",
	"TRUSTED_DOCUMENTS", "TRUSTED_DOCUMENTS_ANONYMOUS", "TRUSTED_DOCUMENTS_SIGNED_IN", "REDIS_CA_FILE", "REDIS_CERT_FILE", "REDIS_KEY_FILE",
	"REDPANDA_BROKERS", "REDPANDA_CA_FILE", "REDPANDA_CERT_FILE", "REDPANDA_KEY_FILE", "REDPANDA_SASL_MECHANISM", "REDPANDA_SASL_USERNAME",
	"REDPANDA_SASL_TOKEN_FILE", "CONSUMER_GROUP", "EVENT_TOPIC", "INVENTORY_TOPIC", "RESERVATION_TOPIC", "PAYMENT_TOPIC", "AUTH_BASE_URL", "ADMIN_EMAILS",
	"SMTP_CA_FILE", "MAIL_FROM", "PAYMENT_GATEWAYS", "RETURN_ORIGINS", "STRIPE_PUBLISHABLE_KEY", "STRIPE_API_BASE", "PAYPAL_CLIENT_ID", "PAYPAL_WEBHOOK_ID",
	"PAYPAL_API_BASE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
}

// Every secret can be in a file, and is hidden wherever it occurs in a log.
func TestWhatIsNotPublicIsASecret(t *testing.T) {
	t.Parallel()
	const hidden = "hidden-0123456789"
	file := filepath.Join(t.TempDir(), "secret")
	texts := 0
	eachText(reflect.ValueOf(new(config.Config)).Elem(), func(name string, _ func(text string)) {
		texts++
		if slices.Contains(public, name) {
			return
		}
		text := hidden
		switch {
		case strings.HasSuffix(name, "_URL"):
			text = "scheme://user:" + hidden + "@host/"
		case strings.HasSuffix(name, "_KEYS"):
			text = "1:" + hidden
		case strings.HasSuffix(name, "_HEADERS"):
			text = "a=b,authorization=" + hidden
		}
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		set := map[string]string{name + "_FILE": file}
		require.Empty(t, config.ReadSecrets(set))
		require.Equal(t, text, set[name], "%s_FILE is read", name)

		var cfg config.Config
		eachText(reflect.ValueOf(&cfg).Elem(), func(other string, put func(string)) {
			if other == name {
				put(text)
			}
		})
		require.Contains(t, cfg.Secrets(), hidden, name)
	})
	require.Greater(t, texts, len(public))
}

// eachText calls visit with the name of each text or list of texts of a configuration, and what changes it.
func eachText(of reflect.Value, visit func(name string, put func(text string))) {
	for field, value := range of.Fields() {
		switch name, ok := field.Tag.Lookup("env"); {
		case !ok:
			eachText(value, visit)
		case field.Type == reflect.TypeFor[string]():
			visit(name, value.SetString)
		case field.Type == reflect.TypeFor[[]string]():
			visit(name, func(text string) { value.Set(reflect.ValueOf([]string{text})) })
		}
	}
}

func TestSecretsAreKnownByTheirValues(t *testing.T) {
	t.Parallel()
	cfg := config.Config{}
	cfg.EventsURL, cfg.RedisURL = "postgres://ticketing:pa%40ss@db/ticketing", "redis://db:6379/0?master_name=m&password=sentinels"
	cfg.StripeAPIKey, cfg.RecordKeys = "sk_live_1", []string{"1:record"}
	require.ElementsMatch(t, []string{"pa@ss", "pa%40ss", "sentinels", "sk_live_1", "1:record", "record"}, cfg.Secrets())
}
