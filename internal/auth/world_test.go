package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/mail"
	"ticketing/internal/testenv"
)

// soon is how long a test waits for what happens by itself: less than checkEvery, so that announcements are tested.
const soon = 25 * time.Second

// world is a service with real servers, a mail folder, and a clock that only the test moves.
type world struct {
	*auth.Service

	t       testing.TB
	server  *testenv.RedisProc
	pool    *pgxpool.Pool
	redis   *redis.Client
	folder  string
	clock   *clock
	log     *bytes.Buffer
	cfg     auth.Config
	secrets []string // tokens and addresses that must not be logged
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, server: testenv.RedisServer(t), folder: filepath.Join(t.TempDir(), "mail"), log: &bytes.Buffer{}}
	w.clock = &clock{now: time.Now().UTC().Truncate(time.Millisecond)}
	w.cfg = auth.Config{
		BaseURL: "https://tickets.example", MagicLinkTTL: 15 * time.Minute, SessionTTL: 168 * time.Hour, SessionIdle: 72 * time.Hour, SessionMax: 720 * time.Hour, MaxSessions: 5,
		AdminEmails: []string{"Boss@Example.com"},
	}
	var err error
	w.pool = testenv.OpenPool(t, testenv.AuthDatabase(t))
	options, err := redis.ParseURL(w.server.URL())
	require.NoError(t, err)
	w.redis = redis.NewClient(options)
	t.Cleanup(func() { _ = w.redis.Close() })
	t.Cleanup(w.requireSecretsKept) // after the service has ended
	w.Service = w.newService(func(*auth.Config) {})
	return w
}

// newService starts one more service on the same servers, with a changed Config.
func (w *world) newService(change func(*auth.Config)) *auth.Service {
	w.t.Helper()
	mailer, err := mail.Open(mail.Config{From: "tickets@example.com", Folder: w.folder})
	require.NoError(w.t, err)
	cfg := w.cfg
	cfg.Pool, cfg.Redis, cfg.Mailer, cfg.Clock = w.pool, w.redis, mailer, w.clock.Now
	cfg.Logger = slog.New(slog.NewTextHandler(&lockedWriter{w: w.log}, nil))
	change(&cfg)
	s, err := auth.New(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		require.NoError(w.t, s.Close(ctx))
	})
	return s
}

// signIn requests a link, reads the mail and verifies the link.
func (w *world) signIn(email string) auth.Session {
	w.t.Helper()
	session, _, err := w.VerifyMagicLink(w.t.Context(), w.mailedToken(email), "")
	require.NoError(w.t, err)
	w.secrets = append(w.secrets, session.Token)
	return session
}

var mailedLink = regexp.MustCompile(`https://tickets\.example/auth/verify#token=([A-Za-z0-9_-]{43})\s`)

// mailedToken requests a link and returns the token in the mail.
func (w *world) mailedToken(email string) string {
	w.t.Helper()
	token, err := w.RequestMagicLink(w.t.Context(), email, "")
	require.NoError(w.t, err)
	require.Empty(w.t, token)
	testenv.Eventually(w.t, soon, func() (bool, string) {
		files, err := filepath.Glob(filepath.Join(w.folder, "*.eml"))
		if err != nil || len(files) == 0 {
			return false, "no mail"
		}
		data, err := os.ReadFile(files[0])
		require.NoError(w.t, err)
		require.NoError(w.t, os.Remove(files[0]))
		found := mailedLink.FindStringSubmatch(unquote(string(data)))
		require.NotNil(w.t, found, "no link in the mail:\n%s", data)
		token = found[1]
		return true, ""
	})
	w.secrets = append(w.secrets, token, strings.ToLower(email))
	return token
}

// unquote undoes the quoted-printable encoding of a link.
func unquote(s string) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(s)
}

// principal authenticates a session's token.
func (w *world) principal(s auth.Session) auth.Principal {
	w.t.Helper()
	p, err := w.Authenticate(w.t.Context(), s.Token)
	require.NoError(w.t, err)
	return p
}

// requireEnded requires that a session has ended.
func (w *world) requireEnded(s auth.Session) {
	w.t.Helper()
	_, err := w.Authenticate(w.t.Context(), s.Token)
	require.ErrorIs(w.t, err, auth.ErrUnauthenticated)
}

// requireSecretsKept requires that no secret was logged.
func (w *world) requireSecretsKept() {
	for _, secret := range w.secrets {
		require.NotContains(w.t, w.log.String(), secret)
	}
}

// redisContents returns all keys and values in Redis.
func (w *world) redisContents() []string {
	w.t.Helper()
	ctx := w.t.Context()
	keys, err := w.redis.Keys(ctx, "*").Result()
	require.NoError(w.t, err)
	all := slices.Clone(keys)
	for _, key := range keys {
		var values []string
		switch kind := w.redis.Type(ctx, key).Val(); kind {
		case "string":
			values = []string{w.redis.Get(ctx, key).Val()}
		case "hash":
			for field, value := range w.redis.HGetAll(ctx, key).Val() {
				values = append(values, field, value)
			}
		case "zset":
			values = w.redis.ZRange(ctx, key, 0, -1).Val()
		default:
			require.Failf(w.t, "this test can't read the key", "%s is a %s", key, kind)
		}
		all = append(all, values...)
	}
	return all
}

// clock is a clock that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var logLock sync.Mutex

type lockedWriter struct{ w *bytes.Buffer }

func (l *lockedWriter) Write(p []byte) (int, error) {
	logLock.Lock()
	defer logLock.Unlock()
	return l.w.Write(p)
}
