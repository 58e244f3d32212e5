package auth_test

import (
	"bytes"
	"context"
	"errors"
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

	"ticketing/internal/auth"
	"ticketing/internal/mail"
	"ticketing/internal/testenv"
)

// soon is how long a test waits for what must happen by itself; less than what watchers wait before they look for themselves.
const soon = 25 * time.Second

// world is what a test of signing in has: real servers, a mail folder, and a clock that only the test moves.
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
	secrets []string // tokens and addresses that must turn up nowhere
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
	if w.pool, err = pgxpool.New(t.Context(), testenv.AuthDatabase(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)
	options, err := redis.ParseURL(w.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	w.redis = redis.NewClient(options)
	t.Cleanup(func() { _ = w.redis.Close() })
	t.Cleanup(w.keptSecrets) // after the service has ended
	w.Service = w.another(func(*auth.Dependencies, *auth.Config) {})
	return w
}

// another starts one more process of the service, set up differently.
func (w *world) another(change func(*auth.Dependencies, *auth.Config)) *auth.Service {
	w.t.Helper()
	mailer, err := mail.Open(mail.Config{From: "tickets@example.com", Folder: w.folder})
	if err != nil {
		w.t.Fatal(err)
	}
	d := auth.Dependencies{
		Pool: w.pool, Redis: w.redis, Mailer: mailer, Clock: w.clock.Now,
		Logger: slog.New(slog.NewTextHandler(&lockedWriter{w: w.log}, nil)),
	}
	cfg := w.cfg
	change(&d, &cfg)
	s, err := auth.New(d, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			w.t.Error(err)
		}
	})
	return s
}

// signIn goes the whole way: ask, read the mail, verify.
func (w *world) signIn(email string) auth.Session {
	w.t.Helper()
	session, _, err := w.VerifyMagicLink(w.t.Context(), w.mailedToken(email), "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.secrets = append(w.secrets, session.Token)
	return session
}

var mailedLink = regexp.MustCompile(`https://tickets\.example/auth/verify#token=([A-Za-z0-9_-]{43})\s`)

// mailedToken asks for a link and answers the token in the mail that comes.
func (w *world) mailedToken(email string) string {
	w.t.Helper()
	if token, err := w.RequestMagicLink(w.t.Context(), email); err != nil || token != "" {
		w.t.Fatalf("asking for a link answers %q, %v", token, err)
	}
	var token string
	testenv.Eventually(w.t, soon, func() (bool, string) {
		files, err := filepath.Glob(filepath.Join(w.folder, "*.eml"))
		if err != nil || len(files) == 0 {
			return false, "no mail"
		}
		data, err := os.ReadFile(files[0])
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.Remove(files[0]); err != nil {
			w.t.Fatal(err)
		}
		found := mailedLink.FindStringSubmatch(unquote(string(data)))
		if found == nil {
			w.t.Fatalf("there is no link in the mail:\n%s", data)
		}
		token = found[1]
		return true, ""
	})
	w.secrets = append(w.secrets, token, strings.ToLower(email))
	return token
}

// unquote undoes what quoted-printable does to a link.
func unquote(s string) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(s)
}

// principal answers who a session's token is.
func (w *world) principal(s auth.Session) auth.Principal {
	w.t.Helper()
	p, err := w.Authenticate(w.t.Context(), s.Token)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// over checks that a session has ended.
func (w *world) over(s auth.Session) {
	w.t.Helper()
	if _, err := w.Authenticate(w.t.Context(), s.Token); !errors.Is(err, auth.ErrUnauthenticated) {
		w.t.Errorf("a session that ended answers %v", err)
	}
}

// keptSecrets checks at the end of each test that nothing secret was logged.
func (w *world) keptSecrets() {
	for _, secret := range w.secrets {
		if strings.Contains(w.log.String(), secret) {
			w.t.Errorf("the log tells a secret:\n%s", w.log)
		}
	}
}

// atRest answers all keys and values in Redis.
func (w *world) atRest() []string {
	w.t.Helper()
	ctx := w.t.Context()
	keys, err := w.redis.Keys(ctx, "*").Result()
	if err != nil {
		w.t.Fatal(err)
	}
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
			w.t.Fatalf("%s is a %s, which this test can't read", key, kind)
		}
		all = append(all, values...)
	}
	return all
}

// clock stands still until a test moves it.
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
