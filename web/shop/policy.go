package shop

import "strings"

// policy is what a page may load and where its forms may lead, besides its own server.
type policy struct {
	scripts, frames, connections, forms []string // origins
}

// stripePolicy lets a page have Stripe's form for cards, and what a bank shows before it pays: the origins that
// https://docs.stripe.com/security/guide#content-security-policy asks for.
func stripePolicy() policy {
	const library = "https://js.stripe.com"
	const parts = "https://*.js.stripe.com"
	return policy{
		scripts: []string{library, parts}, frames: []string{library, parts, "https://hooks.stripe.com"}, connections: []string{"https://api.stripe.com"},
	}
}

// String returns the policy as browsers read it.
func (p policy) String() string {
	frames := "'none'"
	if len(p.frames) > 0 {
		frames = strings.Join(p.frames, " ")
	}
	own := func(others []string) string { return strings.Join(append([]string{"'self'"}, others...), " ") }
	return "default-src 'none'; script-src " + own(p.scripts) + "; style-src 'self'; img-src 'self'; connect-src " + own(p.connections) +
		"; frame-src " + frames + "; base-uri 'none'; form-action " + own(p.forms) + "; frame-ancestors 'none'"
}

// paymentPolicy returns the policy of a page on which an order is paid: its form may lead to PayPal, whose page sends the customer back.
func (s *Shop) paymentPolicy() policy {
	var p policy
	if s.takesCards() {
		p = stripePolicy()
	}
	if s.hasGateway("paypal") {
		p.forms = append(p.forms, s.cfg.PayPalPages)
	}
	return p
}

// takesCards reports whether Stripe's form asks for cards.
func (s *Shop) takesCards() bool { return s.cfg.StripeKey != "" && s.hasGateway("stripe") }
