package config_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
)

var namesVariable = regexp.MustCompile(`^[A-Z][A-Z0-9_]+\b`)

// FuzzLoad checks that any value of any variable is used or refused by a variable's name, and that no error has a secret.
func FuzzLoad(f *testing.F) {
	const secret = "x7Secret0"
	complete := production(map[string]string{
		"PAYMENT_GATEWAYS": "stripe, paypal", "STRIPE_API_KEY": "sk_live_" + strings.Repeat("a", 30), "STRIPE_WEBHOOK_SECRET": "whsec_" + strings.Repeat("b", 30),
		"PAYPAL_CLIENT_ID": "id", "PAYPAL_CLIENT_SECRET": strings.Repeat("c", 30), "PAYPAL_WEBHOOK_ID": "1", "ALLOWED_ORIGINS": "https://a.example",
		"TRUSTED_PROXIES": "10.0.0.0/8", "RESERVATION_HOLD": "5m", "PORT": "8080", "REDPANDA_SASL_MECHANISM": "PLAIN", "REDPANDA_SASL_USERNAME": "u",
		"REDPANDA_SASL_PASSWORD": strings.Repeat("d", 30), "REDIS_CACHE_URL": "rediss://cache:6379", "RETURN_ORIGINS": "https://b.example",
		"ALLOW_PLAINTEXT": "REDIS_URL", "ADMIN_EMAILS": "a@b.example", "SHUTDOWN_DELAY": "1s", "MAIL_FROM": "A <a@b.example>",
	})
	names := slices.Sorted(maps.Keys(complete))
	secrets := []string{
		"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL", "REDIS_URL", "REDIS_CACHE_URL", "SMTP_URL", "RECORD_KEYS", "TICKET_SIGNING_KEYS",
		"STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "PAYPAL_CLIENT_SECRET", "REDPANDA_SASL_PASSWORD",
	}
	for i, name := range names {
		f.Add(uint8(i), complete[name], "")
	}
	f.Add(uint8(0), "-1", "%zz")
	f.Add(uint8(0), "1:AAAA", "@[::1%25]:1:x//")
	f.Fuzz(func(t *testing.T, which uint8, value, rest string) {
		name := names[int(which)%len(names)]
		environ := maps.Clone(complete)
		environ[name] = value
		if cfg, err := config.Load(environ); err == nil {
			require.NotZero(t, cfg)
		} else {
			for line := range strings.Lines(strings.TrimPrefix(err.Error(), "configuration:\n")) { // another one, where two don't fit each other
				require.Regexp(t, namesVariable, line)
			}
		}
		name = secrets[int(which)%len(secrets)]
		for _, hidden := range []string{secret + rest, "1:" + secret + rest, "postgres://u:" + secret + rest, "rediss://u:" + secret + rest + "@h", "smtp://" + secret + rest} {
			environ = maps.Clone(complete)
			environ[name] = hidden
			if _, err := config.Load(environ); err != nil {
				require.NotContains(t, err.Error(), secret, name)
			}
		}
	})
}
