package main

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
	"ticketing/internal/testenv"
)

// soundEnvironment returns an environment of real servers, and of gateways that take one key.
func soundEnvironment(t *testing.T) map[string]string {
	t.Helper()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer sk_test_0123456789abcdef" && secret != "0123456789abcdef" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(gateway.Close)
	db := testenv.Databases(t)
	return map[string]string{
		"ENVIRONMENT": "development", "DATABASE_URL": db.Events, "PROJECTION_DATABASE_URL": db.Read, "AUTH_DATABASE_URL": db.Auth,
		"REDIS_URL": testenv.Redis(t), "REDPANDA_BROKERS": testenv.Broker(t, 3)[0], "SMTP_URL": "smtp://" + mailtest.Open(t, mailtest.Config{}).Address,
		"ADMIN_EMAILS": "admin@example.com", "PAYMENT_GATEWAYS": "stripe,paypal",
		"STRIPE_API_KEY": "sk_test_0123456789abcdef", "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef", "STRIPE_API_BASE": gateway.URL,
		"PAYPAL_CLIENT_ID": "0123456789abcdef", "PAYPAL_CLIENT_SECRET": "0123456789abcdef", "PAYPAL_API_BASE": gateway.URL,
	}
}

// unprivileged returns the URL of a user who may connect to the database, and no more.
func unprivileged(t *testing.T, address string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `CREATE ROLE doctors_patient LOGIN PASSWORD 'doctors_patient'`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		again, err := pgx.Connect(ctx, address)
		require.NoError(t, err)
		_, err = again.Exec(ctx, `DROP ROLE doctors_patient`)
		require.NoError(t, err)
		require.NoError(t, again.Close(ctx))
	})
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.User = url.UserPassword("doctors_patient", "doctors_patient")
	return u.String()
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	examine := func(environ map[string]string) (status int, output string) {
		var out strings.Builder
		status = runDoctor(t.Context(), nil, environ, &out)
		return status, out.String()
	}
	environ := soundEnvironment(t)
	status, output := examine(environ)
	require.Zero(t, status, output)
	for _, line := range []string{
		`ok +DATABASE_URL +PostgreSQL`, `ok +PROJECTION_DATABASE_URL +is at migration \d+, the newest`, `ok +AUTH_DATABASE_URL +\d+ of \d+ connections`,
		`ok +REDIS_URL +Redis \d`, `ok +REDPANDA_BROKERS +topic ticketing-events has 3 partitions`, `ok +SMTP_URL`, `ok +STRIPE_API_KEY`,
		`ok +PAYPAL_CLIENT_SECRET`,
	} {
		require.Regexp(t, `(?m)^`+line, output)
	}
	for name, c := range map[string]struct{ variable, value, want string }{
		"no migrations":  {"DATABASE_URL", testenv.EmptyDatabase(t), `DATABASE_URL +has no tables: run migrate up`},
		"no rights":      {"AUTH_DATABASE_URL", unprivileged(t, environ["AUTH_DATABASE_URL"]), `AUTH_DATABASE_URL +.*(may not read or write .*users|permission denied)`},
		"no database":    {"PROJECTION_DATABASE_URL", "postgres://reader:secret@127.0.0.1:1/read", `PROJECTION_DATABASE_URL +can't be reached`},
		"no pooler":      {"PROJECTION_POOLER_URL", "postgres://reader:secret@127.0.0.1:1/read", `PROJECTION_POOLER_URL +can't be reached`},
		"no Redis":       {"REDIS_URL", "redis://127.0.0.1:1/0", `REDIS_URL +can't be used`},
		"no broker":      {"REDPANDA_BROKERS", "127.0.0.1:1", `REDPANDA_BROKERS +can't be reached`},
		"no mail server": {"SMTP_URL", "smtp://127.0.0.1:1", `SMTP_URL +.*check the URL's host`},
		"another key":    {"STRIPE_API_KEY", "sk_test_fedcba9876543210", `STRIPE_API_KEY +the gateway refuses it`},
		"another secret": {"PAYPAL_CLIENT_SECRET", "fedcba9876543210", `PAYPAL_CLIENT_SECRET +the gateway refuses it`},
		"configuration":  {"PORT", "eighty", `PORT: a whole number expected`},
	} {
		sick := maps.Clone(environ)
		sick[c.variable] = c.value
		status, output := examine(sick)
		require.Equal(t, statusWrong, status, "%s: %s", name, output)
		require.Regexp(t, c.want, output, name)
		require.NotContains(t, output, "fedcba9876543210", "secrets are not printed")
	}
}
