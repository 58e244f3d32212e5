package test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/testenv"
)

// Secrets in files are rotated as docs/operations.md says, with a rolling restart for each change of a file, while customers read and Stripe
// sends webhooks: not one request is refused, and at the end what is old is of no use.
func TestSecretsAreRotatedWithoutARefusal(t *testing.T) {
	t.Parallel()
	const oldSecret, newSecret = "whsec_theOneThatIsRotatedAway", "whsec_theOneThatComesAfterIt"
	env := withStripe(newEnvironment(t), stripetest.New(t))
	log := env["DATABASE_URL"]
	oldUser, newUser := createDatabaseUser(t, log), createDatabaseUser(t, log)
	webhookFile := secretInFile(t, env, "STRIPE_WEBHOOK_SECRET", oldSecret)
	databaseFile := secretInFile(t, env, "DATABASE_URL", oldUser.String())
	p := newPlatformIn(t, env)

	var secret atomic.Value
	secret.Store(oldSecret)
	f := startFleet(p, func(f *fleet, sender int) error {
		if sender%2 == 0 {
			return f.query(sender)
		}
		return f.sendWebhook(secret.Load().(string))
	})
	awaitSent := func() {
		t.Helper()
		enough := f.sent.Load() + 10*senders
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return f.sent.Load() > enough, "nothing is sent" })
	}
	awaitSent()
	require.NoError(t, os.WriteFile(webhookFile, []byte(newSecret+","+oldSecret), 0o600))
	require.NoError(t, os.WriteFile(databaseFile, []byte(newUser.String()), 0o600))
	f.roll()
	awaitSent()
	secret.Store(newSecret) // as Stripe does, once it has a new one
	awaitSent()
	require.NoError(t, os.WriteFile(webhookFile, []byte(newSecret), 0o600))
	f.roll()
	awaitSent()
	f.stop()

	require.ErrorContains(t, f.sendWebhook(oldSecret), "400 Bad Request", "the old secret counts no more")
	require.Zero(t, queryCount(t, log, `SELECT count(*) FROM pg_stat_activity WHERE usename = $1`, oldUser.User.Username()), "the old user can be dropped")
	require.NotZero(t, queryCount(t, log, `SELECT count(*) FROM pg_stat_activity WHERE usename = $1`, newUser.User.Username()))
}

// secretInFile moves a secret of an environment into a file.
func secretInFile(t testing.TB, env map[string]string, name, secret string) (file string) {
	t.Helper()
	delete(env, name)
	file = filepath.Join(t.TempDir(), name)
	env[name+"_FILE"] = file
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	return file
}

// createDatabaseUser creates a user with the rights of a database's owner, and returns their URL.
func createDatabaseUser(t testing.TB, owner string) *url.URL {
	t.Helper()
	u, err := url.Parse(owner)
	require.NoError(t, err)
	name, password := fmt.Sprintf("rotated_%x", time.Now().UnixNano()), rand.Text()
	exec := func(sql string) {
		db, err := pgx.Connect(context.Background(), owner)
		require.NoError(t, err)
		defer db.Close(context.Background())
		_, err = db.Exec(context.Background(), sql)
		require.NoError(t, err)
	}
	exec(fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s' IN ROLE %s`, name, password, pgx.Identifier{u.User.Username()}.Sanitize()))
	t.Cleanup(func() { exec(`DROP ROLE ` + name) })
	u.User = url.UserPassword(name, password)
	return u
}

// sendWebhook sends a webhook about a payment of another platform, signed with a secret.
func (f *fleet) sendWebhook(secret string) error {
	e := stripetest.NewEvent("payment_intent.succeeded", map[string]any{"id": "pi_" + rand.Text(), "object": "payment_intent"})
	return f.send("/webhooks/stripe", string(e.Body), http.Header{"Stripe-Signature": {stripetest.SignWith(secret, e.Body, time.Now())}})
}
