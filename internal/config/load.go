package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Need is a variable that some programs require.
type Need string

// The variables that programs may require. In production a program without needs requires all, since no server is started privately.
const (
	NeedEvents     Need = "DATABASE_URL"
	NeedRead       Need = "PROJECTION_DATABASE_URL"
	NeedAuth       Need = "AUTH_DATABASE_URL"
	NeedRedis      Need = "REDIS_URL"
	NeedBroker     Need = "REDPANDA_BROKERS"
	NeedMail       Need = "SMTP_URL" // in production only: elsewhere mails are written into a folder
	NeedLinks      Need = "AUTH_BASE_URL"
	NeedRecordKeys Need = "RECORD_KEYS"         // in production only
	NeedTicketKeys Need = "TICKET_SIGNING_KEYS" // in production only: elsewhere a key is made
)

func allNeeds() []Need {
	return []Need{NeedEvents, NeedRead, NeedAuth, NeedRedis, NeedBroker, NeedMail, NeedLinks, NeedRecordKeys, NeedTicketKeys}
}

// Environ returns the process's environment for Load.
func Environ() map[string]string { return env.ToMap(os.Environ()) }

// Load reads and checks the environment. An empty variable counts as unset. The error has a line for each mistake, with the variable's
// name and what is expected. It never contains a secret.
func Load(environ map[string]string, needs ...Need) (Config, error) {
	set := make(map[string]string, len(environ))
	for name, value := range environ {
		if value = strings.TrimSpace(value); value != "" {
			set[name] = value
		}
	}
	problems := ReadSecrets(set)
	var cfg Config
	problems = append(problems, parseEnviron(&cfg, set)...)
	fillDefaults(&cfg)
	if len(needs) == 0 && !cfg.Development() {
		needs = allNeeds()
	}
	problems = append(problems, validateConfig(cfg, needs)...)
	if err := errors.Join(problems...); err != nil {
		return Config{}, fmt.Errorf("configuration:\n%w", err)
	}
	return cfg, nil
}

// secretNames are the variables that hold secrets. Each can be read from a file instead, which is named by the variable with _FILE at
// its end: other processes and crash reports see an environment more easily than a file.
func secretNames() []string {
	return []string{
		string(NeedEvents), string(NeedRead), "PROJECTION_POOLER_URL", string(NeedAuth), string(NeedRedis), string(NeedMail), "REDPANDA_SASL_PASSWORD",
		"REDIS_CACHE_URL", string(NeedRecordKeys), string(NeedTicketKeys), "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "PAYPAL_CLIENT_SECRET",
		"OTEL_EXPORTER_OTLP_HEADERS",
	}
}

// ReadSecrets sets the secrets that are in files, by the names of variables, and returns what is wrong with these.
func ReadSecrets(set map[string]string) (problems []error) {
	for _, name := range secretNames() {
		file := set[name+"_FILE"]
		if file == "" {
			continue
		}
		if set[name] != "" {
			problems = append(problems, fmt.Errorf("%s_FILE: %s is set, too; use one of them", name, name))
			continue
		}
		text, err := os.ReadFile(file)
		if set[name] = strings.TrimSpace(string(text)); err == nil && set[name] == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s_FILE: read %s: %w", name, file, err))
		}
	}
	return problems
}

// parseEnviron fills cfg and returns the values that could not be parsed. These keep their defaults, so that they are reported only once.
func parseEnviron(cfg *Config, set map[string]string) []error {
	var problems []error
	for {
		*cfg = Config{}
		err := env.ParseWithOptions(cfg, env.Options{Environment: set})
		if err == nil {
			return problems
		}
		bad, ok := errors.AsType[env.ParseError](err)
		if !ok {
			return append(problems, err)
		}
		name, kind := variableOf(bad.Name)
		if name == "" {
			return append(problems, err)
		}
		problems = append(problems, fmt.Errorf("%s: %s expected", name, kind))
		delete(set, name)
	}
}

// variableOf returns the variable of a field, and a description of its values.
func variableOf(field string) (name, kind string) {
	f, ok := reflect.TypeFor[Config]().FieldByName(field)
	if !ok {
		return "", ""
	}
	switch f.Type.String() {
	case "int":
		kind = "a whole number"
	case "bool":
		kind = "true or false"
	case "time.Duration":
		kind = "a duration such as 30s, 5m or 168h"
	default:
		kind = f.Type.String()
	}
	return f.Tag.Get("env"), kind
}

// fillDefaults sets the defaults that depend on other values.
func fillDefaults(c *Config) {
	c.Environment = strings.ToLower(c.Environment)
	c.LogLevel, c.LogFormat = strings.ToLower(c.LogLevel), strings.ToLower(c.LogFormat)
	if c.LogFormat == "" {
		c.LogFormat = LogJSON
		if c.Development() {
			c.LogFormat = LogText
		}
	}
	if c.Host == "" {
		c.Host = "0.0.0.0"
		if c.Development() {
			c.Host = "127.0.0.1"
		}
	}
	if c.MetricsHost == "" {
		c.MetricsHost = c.Host
	}
	if c.AuthBaseURL == "" && c.Development() {
		c.AuthBaseURL = "http://" + hostPort("127.0.0.1", c.Port)
	}
	c.AuthBaseURL = strings.TrimRight(c.AuthBaseURL, "/")
	for _, list := range []*[]string{
		&c.TrustedProxies, &c.AllowPlaintext, &c.AllowedOrigins, &c.AllowedHeaders, &c.ClientNames, &c.Brokers, &c.AdminEmails, &c.PaymentGateways,
		&c.ReturnOrigins, &c.TicketSigningKeys, &c.StripeWebhookSecrets,
	} {
		*list = trimList(*list)
	}
	if len(c.PaymentGateways) == 0 && c.Development() {
		c.PaymentGateways = []string{GatewaySandbox}
	}
}

// trimList removes spaces, empty entries and repetitions from a list.
func trimList(list []string) []string {
	var kept []string
	for _, entry := range list {
		if entry = strings.TrimSpace(entry); entry != "" && !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return kept
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// String describes the configuration without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("environment=%s http=%s metrics=%s events=%s read=%s auth=%s redis=%s brokers=%s gateways=%s",
		c.Environment, c.Addr(), c.MetricsAddr(), redactURL(c.EventsURL), redactURL(c.ReadURL), redactURL(c.AuthURL),
		redactURL(c.RedisURL), strings.Join(c.Brokers, ","), strings.Join(c.PaymentGateways, ","))
}

// GoString keeps secrets out of %#v.
func (c Config) GoString() string { return "config.Config{" + c.String() + "}" }

func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "[unreadable]"
	}
	u.RawQuery = ""
	return u.Redacted()
}
