// Package auth knows who is signed in and which roles they have: magic links by mail, opaque sessions in Redis, users and roles in
// the auth database. What a role may do is decided elsewhere.
//
// It promises that a link signs in once, that a session is refused as soon as it ended and a role as soon as it was revoked, and
// that an outage never reads as being signed out. Tokens are stored as hashes only, and neither tokens nor addresses appear in
// errors and logs. Redis can be lost whole: people sign in again.
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

// Config is what an operator decides.
type Config struct {
	BaseURL          string        // AUTH_BASE_URL: what magic links start with
	MagicLinkTTL     time.Duration // how long a magic link lives
	SessionTTL       time.Duration // how far each use moves the end of a session
	SessionIdle      time.Duration // how long a session lives unused; SessionTTL when that is shorter
	SessionMax       time.Duration // how long a session lives in all, used or not
	MaxSessions      int           // sessions a user; the oldest ends when there would be more
	AdminEmails      []string      // who becomes an admin when they sign in
	ExposeMagicLinks bool          // RequestMagicLink answers the token: for tests, never in production
}

// Dependencies is what a Service works with; all of it stays its caller's to close.
type Dependencies struct {
	Pool   *pgxpool.Pool
	Redis  *redis.Client
	Mailer mail.Mailer
	Clock  func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
}

// Service is safe for concurrent use. Close ends its goroutines.
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

// patience is how long one try of asking Redis may take: a Redis that hangs must read as unavailable soon.
const patience = time.Second

// New answers a service and starts its goroutines: the mail queue and the watcher of ended sessions. Its errors are mistakes in
// cfg; it waits for neither Redis nor the database.
func New(d Dependencies, cfg Config) (*Service, error) {
	admins, err := checkConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure sign-in: %w", err)
	}
	s := &Service{cfg: cfg, admins: admins, pool: d.Pool, redis: internalredis.Combine(d.Redis.WithTimeout(patience)), now: d.Clock, log: d.Logger}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.mails = mail.NewQueue(mail.QueueConfig{Mailer: d.Mailer, Logger: s.log})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.watching.Go(func() { s.followChanges(ctx) })
	return s, nil
}

// Close refuses new mails, sends those that wait until ctx ends, and stops. Watches no longer fire.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	s.watching.Wait()
	if err := s.mails.Close(ctx); err != nil {
		return fmt.Errorf("send the last mails: %w", err)
	}
	return nil
}

// checkConfig refuses what would only fail later, and answers the admins by normalised address.
func checkConfig(cfg Config) (map[string]bool, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the base URL %q is not an http(s) URL", cfg.BaseURL)
	}
	if min(cfg.MagicLinkTTL, cfg.SessionTTL, cfg.SessionIdle, cfg.SessionMax) < time.Second || cfg.MaxSessions < 1 {
		return nil, fmt.Errorf("lifetimes are at least a second and sessions at least one: links %s, sessions %s, idle %s, in all %s, at most %d",
			cfg.MagicLinkTTL, cfg.SessionTTL, cfg.SessionIdle, cfg.SessionMax, cfg.MaxSessions)
	}
	admins := make(map[string]bool, len(cfg.AdminEmails))
	for i, text := range cfg.AdminEmails {
		email, err := NormalizeEmail(text)
		if err != nil {
			return nil, fmt.Errorf("address %d of the admins: %w", i+1, err)
		}
		admins[email] = true
	}
	return admins, nil
}
