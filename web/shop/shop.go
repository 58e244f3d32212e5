// Package shop serves the pages that people buy tickets on. It is a client of the public GraphQL API like any other: each page is a folder
// below pages with one GraphQL document and one template, and the document is executed in this process by the API's own handler, with the
// rights of the browser's session. Authorization, limits and tracing are those of the API; there is no other way in.
//
// Pages work without JavaScript. Islands, small modules in assets, add what a page can't do by itself: counts that change, a countdown. The
// language is in the URL: pages are in English, those below /de in German.
package shop

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
)

// Config is what the shop works with.
type Config struct {
	// API serves /graphql. Required.
	API http.Handler
	// Cookie is the name of the cookie that keeps a session. Required.
	Cookie string
	// BaseURL is AUTH_BASE_URL: forms of its origin are accepted, and payment gateways send customers back to it. Default: only forms of the
	// request's host are accepted.
	BaseURL string
	// Gateways are the payment gateways that are enabled. The sandbox offers test cards. Default: only free tickets can be had.
	Gateways []string
	// StripeKey is the publishable key of Stripe's form for cards. Default: no card is asked for through Stripe.
	StripeKey string
	// PayPalPages is the origin of the pages on which customers approve a payment at PayPal. Default: PayPal's own.
	PayPalPages string
	// Development has an empty shop say how to fill it. Default: false.
	Development bool
	// Logger gets what goes wrong. Default: slog.Default().
	Logger *slog.Logger
}

// Shop serves the pages. It is safe for concurrent use.
type Shop struct {
	cfg       Config
	base      *url.URL
	languages []*language
	assets    map[string]asset
	pages     map[pageKey]*page
	cache     *pageCache
	mux       *http.ServeMux
}

// New returns a shop. It panics without a required field.
func New(cfg Config) (*Shop, error) {
	if cfg.API == nil || cfg.Cookie == "" {
		panic("shop: the config has no API or no Cookie")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.PayPalPages == "" {
		cfg.PayPalPages = "https://www.paypal.com"
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the base URL: %w", err)
	}
	s := &Shop{cfg: cfg, base: base, cache: newPageCache(), mux: http.NewServeMux()}
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if s.languages, err = readLanguages(); err != nil {
		return nil, err
	}
	if s.pages, err = readPages(s.languages, s.assets); err != nil {
		return nil, err
	}
	s.addRoutes()
	return s, nil
}

// addRoutes adds each page in each language.
func (s *Shop) addRoutes() {
	for name, file := range s.assets {
		s.mux.Handle("GET /assets/"+name, file)
	}
	for _, l := range s.languages {
		for pattern, serve := range map[string]func(*visit){
			"GET /{$}":                         s.showEvents,
			"GET /events/{event}":              s.showEvent,
			"POST /events/{event}/reserve":     s.reserveSeats,
			"GET /orders/{order}":              s.showOrder,
			"GET /orders/{order}/calendar.ics": s.showCalendar,
			"GET /orders/{order}/tickets.pdf":  s.showPDF,
			"POST /orders/{order}/rename":      s.renameTicket,
			"POST /orders/{order}/pay":         s.payOrder,
			"POST /orders/{order}/confirm":     s.confirmPayment,
			"POST /orders/{order}/give-up":     s.giveUpPayment,
			"POST /orders/{order}/cancel":      s.cancelOrder,
			"GET /sign-in":                     s.showSignIn,
			"POST /sign-in":                    s.requestLink,
			"POST /sign-in/link":               s.useLink,
			"GET /account":                     s.showAccount,
			"POST /account/sign-out":           s.signOut,
			"POST /account/sessions/{session}": s.endSession,
			"POST /account/erase":              s.eraseAccount,
			"GET /":                            s.showNotFound,
		} {
			s.mux.Handle(l.pattern(pattern), s.handle(l, serve))
		}
	}
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy{}.String())
	// With no-referrer, browsers would send forms with "Origin: null".
	h.Set("Referrer-Policy", "same-origin")
	s.mux.ServeHTTP(w, r)
}

// handle serves a page to one visit. A form of another site is refused, whatever cookies came with it.
func (s *Shop) handle(l *language, serve func(*visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := newVisit(s, l, w, r)
		if r.Method == http.MethodPost {
			if !s.isOwnForm(r) {
				v.fail(http.StatusForbidden, "failure.forged")
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, longestForm)
			if err := r.ParseForm(); err != nil {
				v.fail(http.StatusBadRequest, "failure.form")
				return
			}
		}
		serve(v)
	})
}

// longestForm bounds a form, in bytes: one with two hundred sections has 20 KB.
const longestForm = 64 << 10

// isOwnForm reports whether a page of the shop sent the form. All browsers say so.
func (s *Shop) isOwnForm(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" {
		return false
	}
	return origin.Host == r.Host || origin.Host == s.base.Host && origin.Scheme == s.base.Scheme
}

func (s *Shop) hasGateway(name string) bool { return slices.Contains(s.cfg.Gateways, name) }

func (s *Shop) showNotFound(v *visit) { v.fail(http.StatusNotFound, "failure.notFound") }
