package test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"ticketing/internal/mail/mailtest"
	"ticketing/internal/testenv"
)

// shopper is a browser without JavaScript: it follows links, sends forms with all that is in them, and keeps cookies.
type shopper struct {
	t       testing.TB
	base    string
	cookies map[string]string
	address string // of the page
	status  int
	page    string
}

func newShopper(t testing.TB, s *system) *shopper {
	return &shopper{t: t, base: s.url, cookies: map[string]string{}}
}

// open opens a page.
func (b *shopper) open(address string) {
	b.t.Helper()
	b.load(http.MethodGet, address, nil)
}

// load sends a request, and follows redirects as browsers do.
func (b *shopper) load(method, address string, form url.Values) {
	b.t.Helper()
	for range 5 {
		request, err := http.NewRequestWithContext(b.t.Context(), method, b.base+address, strings.NewReader(form.Encode()))
		require.NoError(b.t, err)
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", b.base)
		}
		for name, value := range b.cookies {
			request.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(b.t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(b.t, err)
		require.NoError(b.t, response.Body.Close())
		for _, c := range response.Cookies() {
			b.cookies[c.Name] = c.Value
		}
		b.address, b.status, b.page = address, response.StatusCode, string(body)
		if response.StatusCode < 300 || response.StatusCode >= 400 {
			return
		}
		address = response.Header.Get("Location")
		if response.StatusCode != http.StatusTemporaryRedirect {
			method, form = http.MethodGet, nil
		}
	}
	b.t.Fatalf("redirected again and again, last to %s", address)
}

// submit sends the form whose address ends so, with what is in it and what is typed.
func (b *shopper) submit(action string, typed ...string) {
	b.t.Helper()
	root, err := html.Parse(strings.NewReader(b.page))
	require.NoError(b.t, err)
	for form := range root.Descendants() {
		address := attribute(form, "action")
		if form.Data != "form" || !strings.HasSuffix(address, action) {
			continue
		}
		values := fieldsIn(form)
		for i := 0; i < len(typed); i += 2 {
			values.Set(typed[i], typed[i+1])
		}
		b.load(strings.ToUpper(attribute(form, "method")), address, values)
		return
	}
	b.t.Fatalf("no form leads to %s:\n%s", action, b.page)
}

// fieldsIn returns the fields of a form that a browser sends without being touched.
func fieldsIn(form *html.Node) url.Values {
	values := url.Values{}
	for field := range form.Descendants() {
		name := attribute(field, "name")
		switch kind := attribute(field, "type"); {
		case name == "" || field.Data == "button":
		case (kind == "radio" || kind == "checkbox") && !hasAttribute(field, "checked"):
		case field.Data == "select":
			values.Set(name, "0")
		default:
			values.Set(name, attribute(field, "value"))
		}
	}
	return values
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(node *html.Node, name string) bool {
	for _, a := range node.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// sees requires the page to have a text.
func (b *shopper) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		require.Contains(b.t, b.page, text, b.address)
	}
}

// waitsFor opens a page until it has a text: the read side may be a moment behind.
func (b *shopper) waitsFor(address, text string) {
	b.t.Helper()
	testenv.Eventually(b.t, testenv.Patience, func() (bool, string) {
		b.open(address)
		return strings.Contains(b.page, text), b.page
	})
}

// Someone new buys two tickets without an account and without JavaScript, opens them from the mail in another browser, and finds them after
// signing in with the address.
func TestAGuestBuysTicketsInTheShop(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	env := newEnvironment(t)
	env["SMTP_URL"], env["MAIL_FROM"] = "smtp://"+post.Address, "Ticketing <tickets@example.com>"
	s := startSystemIn(t, env)
	id := onSale(t, s.admin(), 10, vars{"name": "First night", "venue": "Town hall", "paymentAttempts": 3})

	b := newShopper(t, s)
	b.waitsFor("/", "First night")
	b.waitsFor("/events/"+id, `name="quantity.1"`)
	require.Contains(t, b.address, "/events/first-night-", "the address has the name")
	b.sees("Town hall", "€20.00", "€45.50", "10 left")
	b.submit("/reserve")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	b.sees("Choose how many tickets you want.")
	b.submit("/reserve", "seats.1", "A-1\r\nA-99")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	b.sees("One of these seats was just taken.", "A-1\nA-99")
	b.submit("/reserve", "seats.1", "", "quantity.0", "2")
	require.Contains(t, b.address, "/orders/rsv_")
	b.sees("Your seats are reserved", "€40.00", "Pay €40.00")
	order := b.address

	b.submit("/pay", "name", "Ann", "email", "nonsense")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	b.sees("This is not a mail address.", `value="nonsense"`)
	b.submit("/pay", "email", "ann@example.com", "card", "pm_card_chargeDeclined")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	b.sees("Your card was declined.", `value="ann@example.com"`)
	b.submit("/pay", "card", "pm_card_authenticationRequired")
	b.sees("Please confirm the payment")
	b.submit("/confirm")
	b.sees("Here are your tickets", "ann@example.com")
	require.Equal(t, 2, strings.Count(b.page, `<svg class="qr"`))
	b.submit("/rename", "holder", "Zoë Müller")
	b.sees("Zoë Müller", "Change the name")
	b.submit("/rename", "holder", " ")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	b.open(order + "/tickets.pdf")
	require.True(t, strings.HasPrefix(b.page, "%PDF-"))
	b.open(order + "/calendar.ics")
	b.sees("SUMMARY:First night")
	b.load(http.MethodPost, order+"/cancel", nil)
	b.sees("That did not work")

	elsewhere := newShopper(t, s)
	elsewhere.open(order)
	require.Equal(t, http.StatusForbidden, elsewhere.status)
	link := orderLinkIn(t, post, "ann@example.com")
	elsewhere.open(strings.TrimPrefix(link, s.url))
	elsewhere.sees("Here are your tickets")
	require.Equal(t, order, elsewhere.address, "the key does not stay in the address")
	require.NotContains(t, elsewhere.page, "ann@example.com")
	elsewhere.open("/orders/" + strings.Repeat("0", 10) + "?seen=nonsense")
	require.Equal(t, http.StatusForbidden, elsewhere.status)

	elsewhere.open("/sign-in")
	elsewhere.submit("/sign-in", "email", "ann@example.com")
	elsewhere.submit("/sign-in/link")
	require.Equal(t, "/account", elsewhere.address)
	elsewhere.sees("You are signed in as ann@example.com", "First night", order)
	elsewhere.open("/de" + order)
	elsewhere.sees("Hier sind Ihre Tickets")
	elsewhere.open("/account")
	elsewhere.submit("/account/erase", "sure", "yes")
	elsewhere.sees("You are erased")
	b.open("/account")
	require.Equal(t, "/sign-in", b.address, "the guest was erased with the user")
	require.Equal(t, 0, queryCount(t, s.cfg.AuthURL, `SELECT count(*) FROM users u WHERE to_jsonb(u)::text LIKE '%ann@%'`))
}

// orderLinkIn returns the link in the mail with the tickets.
func orderLinkIn(t testing.TB, post *mailtest.PostOffice, email string) (link string) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		for _, d := range post.Got() {
			text := mailtest.Parts(t, d.Data)["text/plain"]
			if _, rest, ok := strings.Cut(text, "Open your tickets: "); ok && d.To == email {
				link, _, _ = strings.Cut(rest, "\n")
				return true, ""
			}
		}
		return false, "no mail with a link"
	})
	return strings.TrimSpace(link)
}

func TestPressingTwiceBuysOnce(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	id := onSale(t, s.admin(), 10, nil)
	b := newShopper(t, s)
	b.waitsFor("/events/"+id, `name="quantity.1"`)
	form := *b
	b.submit("/reserve", "quantity.0", "1")
	order := b.address
	form.submit("/reserve", "quantity.0", "1")
	require.Equal(t, order, form.address, "the same form is the same order")
	b.sees("Your seats are reserved")
	pay := *b
	b.submit("/pay", "name", "Ann", "email", "ann@example.com")
	b.sees("Here are your tickets")
	pay.submit("/pay", "name", "Ann", "email", "ann@example.com")
	pay.sees("Here are your tickets")
	require.Equal(t, 1, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`))
	require.Equal(t, 1, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'PaymentInitiated'`))
}
