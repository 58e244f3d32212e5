package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"ticketing/internal/loopback"
)

// The values of PAYMENT_GATEWAYS.
const (
	GatewaySandbox = "sandbox"
	GatewayStripe  = "stripe"
	GatewayPayPal  = "paypal"
)

// checkReturnOrigins checks RETURN_ORIGINS.
func checkReturnOrigins(cfg Config, report func(name, format string, args ...any)) {
	for _, origin := range cfg.ReturnOrigins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.User != nil || origin != u.Scheme+"://"+u.Host ||
			u.Scheme != "https" && (u.Scheme != "http" || !loopback.Is(u.Hostname())) {
			report("RETURN_ORIGINS", "%q is not an origin of the form https://host or https://host:port", origin)
		}
	}
}

// checkGateways checks PAYMENT_GATEWAYS and the secrets of the enabled ones. Without any, only free tickets can be bought.
func checkGateways(cfg Config, report func(name, format string, args ...any)) {
	for _, name := range cfg.PaymentGateways {
		switch {
		case name == GatewaySandbox && !cfg.Development():
			report("PAYMENT_GATEWAYS", "%s moves no money and is refused in production; leave it out", name)
		case name == GatewaySandbox:
		case name == GatewayStripe:
			checkStripe(cfg, report)
		case name == GatewayPayPal:
			checkPayPal(cfg, report)
		default:
			report("PAYMENT_GATEWAYS", "%q is unknown; use any of %s, %s, %s", name, GatewayStripe, GatewayPayPal, GatewaySandbox)
		}
	}
}

// checkStripe requires a live key in production, where a test key would give tickets away, and refuses one elsewhere.
func checkStripe(cfg Config, report func(name, format string, args ...any)) {
	requireSecret(report, "STRIPE_API_KEY", cfg.StripeAPIKey)
	requireSecret(report, "STRIPE_WEBHOOK_SECRET", strings.Join(cfg.StripeWebhookSecrets, ","))
	live := strings.HasPrefix(cfg.StripeAPIKey, "sk_live_") || strings.HasPrefix(cfg.StripeAPIKey, "rk_live_")
	switch {
	case !cfg.Development() && !live:
		report("STRIPE_API_KEY", "production needs a live key (sk_live_… or rk_live_…)")
	case cfg.Development() && live:
		report("STRIPE_API_KEY", "a live key takes real money and is refused outside production; use a test key (sk_test_…)")
	}
	if slices.ContainsFunc(cfg.StripeWebhookSecrets, func(secret string) bool { return !strings.HasPrefix(secret, "whsec_") || len(secret) < shortestSecret }) {
		report("STRIPE_WEBHOOK_SECRET", "each signing secret of the webhook endpoint begins with whsec_, and has at least %d characters", shortestSecret)
	}
	prefix := map[bool]string{true: "pk_live_", false: "pk_test_"}[live]
	if cfg.StripePublicKey != "" && !strings.HasPrefix(cfg.StripePublicKey, prefix) {
		report("STRIPE_PUBLISHABLE_KEY", "it must begin with %s: it is published, and of the same mode as STRIPE_API_KEY", prefix)
	}
	if !cfg.Development() && !strings.HasPrefix(cfg.StripeAPIBase, "https://") {
		report("STRIPE_API_BASE", "the API key must not travel in the clear; use https://")
	}
}

// checkPayPal tells PayPal's sandbox from the live service by the host, since their secrets look alike.
func checkPayPal(cfg Config, report func(name, format string, args ...any)) {
	requireSecret(report, "PAYPAL_CLIENT_ID", cfg.PayPalClientID)
	requireSecret(report, "PAYPAL_CLIENT_SECRET", cfg.PayPalClientSecret)
	if !cfg.Development() {
		requireSecret(report, "PAYPAL_WEBHOOK_ID", cfg.PayPalWebhookID)
	}
	live := strings.HasPrefix(cfg.PayPalAPIBase, "https://api-m.paypal.com")
	switch {
	case !cfg.Development() && !strings.HasPrefix(cfg.PayPalAPIBase, "https://"):
		report("PAYPAL_API_BASE", "the secret must not travel in the clear; use https://")
	case !cfg.Development() && strings.Contains(cfg.PayPalAPIBase, "sandbox.paypal.com"):
		report("PAYPAL_API_BASE", "PayPal's sandbox moves no money and is refused in production")
	case cfg.Development() && live:
		report("PAYPAL_API_BASE", "this takes real money and is refused outside production; use https://api-m.sandbox.paypal.com")
	}
}

const shortestSecret = 16 // characters: real ones are longer

func requireSecret(report func(name, format string, args ...any), name, value string) {
	if len(value) < shortestSecret {
		report(name, "%s", fmt.Sprintf("needed by PAYMENT_GATEWAYS, as its dashboard shows it (at least %d characters, not %d)", shortestSecret, len(value)))
	}
}
