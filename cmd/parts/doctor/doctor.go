// Package doctor checks an environment as a whole: what the configuration names can be reached, has the right version, settings and rights, and
// fits what the parts need. It changes nothing but a key in Redis that expires by itself.
package doctor

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"ticketing/internal/config"
)

// checkTimeout bounds the check of one server, also when it hangs.
const checkTimeout = 10 * time.Second

// The marks of findings.
const (
	markOK    = "ok"
	markWarn  = "warn"
	markWrong = "wrong"
)

// findings are what one check found, in the order of its lines.
type findings struct {
	about string // a name of the configuration
	lines []string
	wrong bool
}

func (f *findings) add(mark, format string, args ...any) {
	f.wrong = f.wrong || mark == markWrong
	f.lines = append(f.lines, fmt.Sprintf("%-6s %-24s %s", mark, f.about, fmt.Sprintf(format, args...)))
}

// check looks at one thing.
type check struct {
	about string
	run   func(ctx context.Context, f *findings)
}

// Run checks what cfg names, prints a line for each finding, and reports whether something is wrong. What is not configured is not checked.
func Run(ctx context.Context, cfg config.Config, out io.Writer) (wrong bool, err error) {
	checks := listChecks(cfg)
	found := make([]findings, len(checks))
	var group sync.WaitGroup
	for i, c := range checks {
		found[i].about = c.about
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			c.run(ctx, &found[i])
		})
	}
	group.Wait()
	for _, f := range found {
		wrong = wrong || f.wrong
		for _, line := range f.lines {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return wrong, fmt.Errorf("print a finding: %w", err)
			}
		}
	}
	return wrong, nil
}

func listChecks(cfg config.Config) []check {
	checks := databaseChecks(cfg)
	if cfg.RedisURL != "" {
		checks = append(checks, check{string(config.NeedRedis), redisCheck(cfg, cfg.RedisURL, true)})
	}
	if cfg.RedisCacheURL != "" {
		checks = append(checks, check{"REDIS_CACHE_URL", redisCheck(cfg, cfg.RedisCacheURL, false)})
	}
	if len(cfg.Brokers) > 0 {
		checks = append(checks, check{string(config.NeedBroker), func(ctx context.Context, f *findings) { checkBroker(ctx, cfg, f) }})
	}
	if cfg.SMTPURL != "" {
		checks = append(checks, check{string(config.NeedMail), func(ctx context.Context, f *findings) { checkMail(ctx, cfg, f) }})
	}
	if cfg.StripeAPIKey != "" {
		checks = append(checks, check{"STRIPE_API_KEY", func(ctx context.Context, f *findings) { checkStripe(ctx, cfg, f) }})
	}
	if cfg.PayPalClientID != "" {
		checks = append(checks, check{"PAYPAL_CLIENT_SECRET", func(ctx context.Context, f *findings) { checkPayPal(ctx, cfg, f) }})
	}
	return append(checks, settingChecks(cfg)...)
}

// settingChecks warn of what is allowed and seldom meant.
func settingChecks(cfg config.Config) (checks []check) {
	warn := func(about, text string) {
		checks = append(checks, check{about, func(_ context.Context, f *findings) { f.add(markWarn, "%s", text) }})
	}
	if cfg.EventsURL+cfg.ReadURL+cfg.AuthURL+cfg.RedisURL == "" && len(cfg.Brokers) == 0 {
		warn(string(config.NeedEvents), "not set, nor is any other server: nothing was looked at. ticketing starts servers of its own then")
	}
	if !cfg.Development() && len(cfg.TrustedProxies) == 0 {
		warn("TRUSTED_PROXIES", "empty: behind a proxy all customers have its address and share one rate limit; name the proxy's addresses")
	}
	if !cfg.Development() && (cfg.RedisCacheURL == "" || cfg.RedisCacheURL == cfg.RedisURL) {
		warn("REDIS_CACHE_URL", "not set: who floods the cache of outcomes fills the Redis that has the sessions; name another Redis, without persistence")
	}
	if len(cfg.PaymentGateways) == 0 {
		warn("PAYMENT_GATEWAYS", "empty: only free tickets can be had; name stripe or paypal")
	}
	if len(cfg.AdminEmails) == 0 {
		warn("ADMIN_EMAILS", "empty: no new admin can sign in; name an address, at least for the first start")
	}
	return checks
}
