// Package auth signs users in and knows their roles: magic links by mail, opaque sessions in Redis, users and roles in the auth
// database. What a role may do is decided elsewhere.
//
// It promises that a link signs in once, that a session is refused as soon as it has ended and a role as soon as it is revoked, and
// that an outage never looks like being signed out. Tokens are stored only as hashes, and neither tokens nor addresses appear in
// errors and logs. If Redis loses everything, users have to sign in again.
package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"ticketing/internal/mail"
	internalredis "ticketing/internal/redis"
)

// Config is what a Service works with. Its caller closes the pool and the client.
type Config struct {
	Pool   *pgxpool.Pool    // Of the auth database. Required.
	Redis  *redis.Client    // Required.
	Mailer mail.Mailer      // Required.
	Clock  func() time.Time // Default: Redis's time.
	Logger *slog.Logger     // Default: slog.Default().

	BaseURL          string        // What magic links start with. Required.
	MagicLinkTTL     time.Duration // How long a magic link is valid. Required.
	SessionTTL       time.Duration // By how much a use extends a session. Required.
	SessionIdle      time.Duration // How long an unused session lasts; SessionTTL counts if it is shorter. Required.
	SessionMax       time.Duration // How long a session lasts in all. Required.
	MaxSessions      int           // Of a user; one more ends the oldest. Required.
	AdminEmails      []string      // Users with these addresses become admins when they sign in. Default: none.
	ExposeMagicLinks bool          // RequestMagicLink returns the token: for tests, never in production. Default: false.
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = (&redisClock{client: c.Redis}).now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Service signs users in and knows their sessions and roles. It is safe for concurrent use. Close ends its goroutines.
type Service struct {
	cfg      Config
	admins   map[string]bool // by normalised address
	pool     *pgxpool.Pool
	redis    *internalredis.Combining
	mails    *mail.Queue
	now      func() time.Time
	log      *slog.Logger
	watches  watches
	stop     context.CancelFunc
	watching sync.WaitGroup
}

// New returns a service and starts its goroutines: the mail queue and the watcher of ended sessions. It returns an error if cfg is
// invalid; it waits for neither Redis nor the database.
func New(cfg Config) (*Service, error) {
	admins, err := checkConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure sign-in: %w", err)
	}
	cfg = cfg.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{
		cfg: cfg, admins: admins, pool: cfg.Pool, redis: internalredis.Combine(cfg.Redis),
		mails: mail.NewQueue(mail.QueueConfig{Mailer: cfg.Mailer, Logger: cfg.Logger}), now: cfg.Clock, log: cfg.Logger, stop: stop,
	}
	s.watching.Go(func() { s.followChanges(ctx) })
	return s, nil
}

// Close stops the service: it refuses new mails and sends the queued ones until ctx ends. Watches no longer fire.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	s.watching.Wait()
	if err := s.mails.Close(ctx); err != nil {
		return fmt.Errorf("send the last mails: %w", err)
	}
	return nil
}

// checkConfig checks the settings and returns the admins' addresses, normalised.
func checkConfig(cfg Config) (map[string]bool, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the base URL %q is not an http(s) URL", cfg.BaseURL)
	}
	if min(cfg.MagicLinkTTL, cfg.SessionTTL, cfg.SessionIdle, cfg.SessionMax) < time.Second || cfg.MaxSessions < 1 {
		return nil, fmt.Errorf("lifetimes must be at least a second and sessions at least one: links %s, sessions %s, idle %s, in all %s, at most %d",
			cfg.MagicLinkTTL, cfg.SessionTTL, cfg.SessionIdle, cfg.SessionMax, cfg.MaxSessions)
	}
	admins := make(map[string]bool, len(cfg.AdminEmails))
	for i, text := range cfg.AdminEmails {
		email, err := NormalizeEmail(text)
		if err != nil {
			return nil, fmt.Errorf("parse admin address %d: %w", i+1, err)
		}
		admins[email] = true
	}
	return admins, nil
}
