package shop

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// The shop is a client of the GraphQL API: it knows nothing else of ours.
func TestTheShopKnowsOnlyTheAPI(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imported := range file.Imports {
			if slices.Contains([]string{`"ticketing/internal/calendar"`, `"ticketing/internal/qrcode"`, `"ticketing/internal/ticketpdf"`}, imported.Path.Value) { // they draw what they are given
				continue
			}
			require.False(t, strings.HasPrefix(imported.Path.Value, `"ticketing`), "%s imports %s", name, imported.Path.Value)
		}
	}
}

func TestEachDocumentFitsTheSchema(t *testing.T) {
	t.Parallel()
	var sources []*ast.Source
	names, err := filepath.Glob("../../graph/schema/*.graphqls")
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	require.NoError(t, err)
	for _, name := range pageNames {
		document, err := files.ReadFile("pages/" + name + "/" + name + ".graphql")
		require.NoError(t, err)
		_, errs := gqlparser.LoadQueryWithRules(schema, string(document), rules.NewDefaultRules())
		require.Empty(t, errs, name)
		require.LessOrEqual(t, len(document), 8<<10, "longer documents are parsed each time")
	}
}

// Each message is in each language, with the same places for arguments, and none is unused.
func TestCatalogsSayTheSame(t *testing.T) {
	t.Parallel()
	languages, err := readLanguages()
	require.NoError(t, err)
	verbs := regexp.MustCompile(`%(\[\d\])?[sd]`)
	keys := slices.Sorted(maps.Keys(languages[0].messages))
	for _, l := range languages[1:] {
		require.Equal(t, keys, slices.Sorted(maps.Keys(l.messages)))
		for _, key := range keys {
			require.Equal(t, verbs.FindAllString(languages[0].messages[key], -1), verbs.FindAllString(l.messages[key], -1), key)
			require.NotEmpty(t, l.messages[key])
		}
	}
	var code strings.Builder
	require.NoError(t, fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			code.Write(text)
		}
		return err
	}))
	for _, key := range keys {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		dynamic := slices.ContainsFunc([]string{"weekday.", "month.", "state.", "card.", "error.", "failure.", "order.", "event.", "account.state."}, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		require.True(t, dynamic || strings.Contains(code.String(), `"`+base) || strings.Contains(code.String(), `"`+key), "%s is used nowhere", key)
	}
}

// fakeAPI responds with data by the name of the operation, and remembers the variables.
type fakeAPI struct {
	data  map[string]string
	asked map[string]map[string]any
	seen  string // the Consistency-Token of the last request
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Query, OperationName string
		Variables            map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		panic(err)
	}
	f.asked[request.OperationName] = request.Variables
	if request.OperationName == "StartGuest" {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "new"})
	}
	if request.OperationName == "Pay" {
		w.Header().Set("Consistency-Token", "token.5")
	}
	f.seen = r.Header.Get("Consistency-Token")
	_, _ = w.Write([]byte(f.data[request.OperationName]))
}

func newShop(t *testing.T, data map[string]string) (*Shop, *fakeAPI) {
	t.Helper()
	return newShopWith(t, data, Config{Gateways: []string{"sandbox"}, Development: true})
}

// newShopWith is newShop with gateways.
func newShopWith(t *testing.T, data map[string]string, c Config) (*Shop, *fakeAPI) {
	t.Helper()
	api := &fakeAPI{data: data, asked: map[string]map[string]any{}}
	c.API, c.Cookie, c.BaseURL = api, "session", "https://tickets.example"
	s, err := New(c)
	require.NoError(t, err)
	return s, api
}

// get opens a page.
func get(s *Shop, address string, header ...string) *httptest.ResponseRecorder {
	return send(s, httptest.NewRequest(http.MethodGet, address, nil), header)
}

// post sends a form of the shop's own page.
func post(s *Shop, address string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://example.com")
	return send(s, r, header)
}

func send(s *Shop, r *http.Request, header []string) *httptest.ResponseRecorder {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	concertID = "evt_01h455vb4pex5vsknk084sn02q"
	concert   = `{"id":"` + concertID + `","version":3,"inventoryVersion":7,"name":"Café Übermut <live>","description":"One\ntwo","venue":"Town hall",
		"startsAt":"2099-12-31T19:00:00Z","timeZone":"Europe/Berlin","salesOpenAt":null,"salesCloseAt":null,"maxTicketsPerReservation":4,"status":"SALES_OPEN",
		"sections":[{"name":"Floor","price":{"amount":"45.50","currencyCode":"EUR"},"capacity":9,"available":2},
			{"name":"Box","price":{"amount":"120.00","currencyCode":"EUR"},"capacity":9,"available":0}]}`
	concertPath = "/events/cafe-uebermut-live-" + concertID
	orderID     = "rsv_01h455vb4pex5vsknk084sn02q"
	inSession   = "session=abc"
)

// holding is an order in a state.
func holding(status string) string {
	return `{"data":{"reservation":{"id":"` + orderID + `","version":2,"status":"` + status + `","createdAt":"2026-01-01T00:00:00Z","expiresAt":"2099-01-01T00:00:00Z","completedAt":null,
		"event":` + concert + `,"seats":[{"section":"Floor","label":"A-1","price":{"amount":"45.50","currencyCode":"EUR"}}],
		"tickets":[{"id":"tkt_1","section":"Floor","label":"A-1","status":"VALID","code":"ABC123"},{"id":"tkt_2","section":"Floor","label":"A-2","status":"VOID","code":""}],
		"total":{"amount":"45.50","currencyCode":"EUR"},"payments":[]},"me":{"id":"usr_1","email":null,"isGuest":true,"contact":null}}}`
}

func TestTheListShowsWhatIsOn(t *testing.T) {
	t.Parallel()
	s, api := newShop(t, map[string]string{"Events": `{"data":{"events":{"nodes":[` + concert + `],"pageInfo":{"hasNextPage":true,"endCursor":"c+1"}}}}`})
	w := get(s, "/?q=night&from=2026-12-01")
	require.Equal(t, http.StatusOK, w.Code)
	for _, part := range []string{`<html lang="en">`, "December 2099", "Café Übermut &lt;live&gt;", "20:00 CET", "Town hall", "€45.50", "and up", `href="` + concertPath + `"`, "after=c%2B1"} {
		require.Contains(t, w.Body.String(), part)
	}
	require.Equal(t, map[string]any{"startsAfter": "2026-12-01T00:00:00Z", "search": "night"}, api.asked["Events"]["filter"])
	german := get(s, "/de/").Body.String()
	for _, part := range []string{`<html lang="de">`, "Dezember 2099", "45,50\u00a0€", `href="/de` + concertPath + `"`, `hreflang="en" lang="en">English`} {
		require.Contains(t, german, part)
	}
}

func TestAnEmptyShopSaysHowToFillIt(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{"Events": `{"data":{"events":{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}`})
	require.Contains(t, get(s, "/").Body.String(), "<code>make demo</code>")
	require.NotContains(t, get(s, "/?q=x").Body.String(), "make demo")
}

func TestPublicPagesAreCached(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{"Event": `{"data":{"event":` + concert + `}}`})
	w := get(s, concertPath, "Cookie", inSession, "Accept-Encoding", "gzip")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Header().Get("Cache-Control"), "s-maxage=1")
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
	again := get(s, concertPath, "If-None-Match", w.Header().Get("ETag"), "Accept-Encoding", "gzip")
	require.Equal(t, http.StatusNotModified, again.Code)
	require.Empty(t, again.Body)

	moved := get(s, "/events/"+concertID)
	require.Equal(t, http.StatusMovedPermanently, moved.Code)
	require.Equal(t, concertPath, moved.Header().Get("Location"))
}

// A page that can't be made just now is served as it was, and one visitor's trouble is not another's.
func TestPublicPagesOutliveAnOutage(t *testing.T) {
	t.Parallel()
	s, api := newShop(t, map[string]string{"Event": `{"data":{"event":` + concert + `}}`})
	require.Equal(t, http.StatusOK, get(s, concertPath).Code)
	kept, _ := s.cache.pages.Get("en " + concertPath + "?")
	age := func(by time.Duration) {
		old := *kept
		old.made = time.Now().Add(-by)
		s.cache.pages.Add("en "+concertPath+"?", &old)
	}
	api.data["Event"] = `{"data":{"event":null},"errors":[{"message":"…","extensions":{"code":"UNAVAILABLE","retryAfterSeconds":3}}]}`
	age(2 * publicFor)
	require.Equal(t, http.StatusOK, get(s, concertPath).Code)
	age(staleFor)
	w := get(s, concertPath)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "3", w.Header().Get("Retry-After"))

	v := newVisit(s, s.languages[0], httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	begun, finish, waited := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, _ = v.makePublic("key", func(*visit) (*publicPage, error) {
			close(begun)
			<-finish
			return nil, &apiError{Code: "RATE_LIMITED"}
		})
	}()
	<-begun
	go func() {
		_, err := v.makePublic("key", func(*visit) (*publicPage, error) { return newPublicPage(nil), nil })
		waited <- err
	}()
	close(finish)
	require.NoError(t, <-waited)
}

func TestPagesHaveAStrictPolicy(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, nil)
	w := get(s, "/nowhere")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'")
	require.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe")
	require.Equal(t, "same-origin", w.Header().Get("Referrer-Policy"), "else forms have no origin")
}

func TestAVisitorBecomesAGuestAndSendsTheFormAgain(t *testing.T) {
	t.Parallel()
	s, api := newShop(t, map[string]string{
		"StartGuest": `{"data":{"startGuestSession":{"userErrors":[]}}}`,
		"Reserve":    `{"data":{"reserveSeats":{"reservation":{"id":"` + orderID + `"},"userErrors":[]}}}`,
	})
	form := url.Values{"key": {"3.7"}, "section.0": {"Floor"}, "quantity.0": {"2"}, "section.1": {"Box"}, "quantity.1": {"0"}}
	address := "/de/events/" + concertID + "/reserve"
	w := post(s, address, form)
	require.Equal(t, http.StatusTemporaryRedirect, w.Code, "the browser sends the form again")
	require.Equal(t, address+"?again", w.Header().Get("Location"))
	require.Equal(t, "new", w.Result().Cookies()[0].Value)
	require.NotContains(t, api.asked, "Reserve")

	w = post(s, address+"?again", form, "Cookie", inSession)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/de/orders/"+orderID, w.Header().Get("Location"))
	input := api.asked["Reserve"]["input"].(map[string]any)
	require.Equal(t, []any{map[string]any{"section": "Floor", "quantity": 2.0}}, input["items"])
	key := input["idempotencyKey"]
	post(s, address, form, "Cookie", inSession)
	require.Equal(t, key, api.asked["Reserve"]["input"].(map[string]any)["idempotencyKey"], "the same form acts once")
	form.Set("quantity.0", "1")
	post(s, address, form, "Cookie", inSession)
	require.NotEqual(t, key, api.asked["Reserve"]["input"].(map[string]any)["idempotencyKey"], "a changed form acts anew")

	require.Equal(t, http.StatusForbidden, post(s, address+"?again", form).Code, "a browser without cookies is not sent round for ever")
}

func TestWhatCantBeReservedIsExplainedOnTheSamePage(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{
		"Event":   `{"data":{"event":` + concert + `}}`,
		"Reserve": `{"data":{"reserveSeats":{"reservation":null,"userErrors":[{"code":"INSUFFICIENT_INVENTORY","message":"…","field":null}]}}}`,
	})
	w := post(s, "/events/"+concertID+"/reserve", url.Values{"section.0": {"Floor"}, "quantity.0": {"2"}}, "Cookie", inSession)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), "There are not that many tickets left.")
	require.Contains(t, w.Body.String(), `data-left-one="1 left"`, "html/template takes attributes that begin with data-on for handlers of events")
	require.Contains(t, w.Body.String(), "<option selected>2</option>", "what was chosen")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	none := post(s, "/events/"+concertID+"/reserve", url.Values{"section.0": {"Floor"}, "quantity.0": {"0"}}, "Cookie", inSession)
	require.Contains(t, none.Body.String(), "Choose how many tickets you want.")
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s, api := newShop(t, nil)
	for _, origin := range []string{"", "null", "https://evil.example", "http://tickets.example"} {
		w := post(s, "/orders/"+orderID+"/cancel", nil, "Origin", origin, "Cookie", inSession)
		require.Equal(t, http.StatusForbidden, w.Code, origin)
	}
	require.Empty(t, api.asked)
}

func TestAnOrderHasAPageInEachState(t *testing.T) {
	t.Parallel()
	for status, says := range map[string]string{
		"SEATS_RESERVED": "Your seats are reserved", "PAYMENT_PENDING": "We are asking your bank", "COMPLETED": "Here are your tickets",
		"EXPIRED": "Your seats were released", "CANCELLED": "You gave the seats back", "COMPENSATED": "The payment was declined", "REFUNDED": "Your money is on its way back",
	} {
		s, _ := newShop(t, map[string]string{"Order": holding(status)})
		for _, address := range []string{"/orders/", "/de/orders/"} {
			w := get(s, address+orderID, "Cookie", inSession)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			require.Equal(t, address == "/orders/", strings.Contains(w.Body.String(), says), status)
		}
	}
	s, _ := newShop(t, map[string]string{"Order": `{"data":{"reservation":null},"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`})
	require.Equal(t, http.StatusForbidden, get(s, "/orders/"+orderID).Code)
}

// Who bought tickets, and who only looks, learns that the event does not take place, and why.
func TestACancelledEventSaysWhy(t *testing.T) {
	t.Parallel()
	cancelled := strings.NewReplacer(`"SALES_OPEN"`, `"CANCELLED","cancellationReason":"The hall <burnt> down."`)
	s, _ := newShop(t, map[string]string{
		"Event": cancelled.Replace(`{"data":{"event":` + concert + `}}`), "Order": cancelled.Replace(holding("REFUNDED")),
	})
	page, order := get(s, concertPath).Body.String(), get(s, "/orders/"+orderID, "Cookie", inSession).Body.String()
	require.Contains(t, page, "The organizer writes: “The hall &lt;burnt&gt; down.”")
	require.Contains(t, order, "The event was cancelled: it will not take place.")
	require.Contains(t, order, "The organizer writes: “The hall &lt;burnt&gt; down.”")
	refunded, _ := newShop(t, map[string]string{"Order": holding("REFUNDED")})
	require.NotContains(t, get(refunded, "/orders/"+orderID, "Cookie", inSession).Body.String(), "was cancelled")
}

func TestAPaidOrderHasCodesAndACalendar(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{"Order": holding("COMPLETED")})
	body := get(s, "/orders/"+orderID, "Cookie", inSession).Body.String()
	require.Equal(t, 1, strings.Count(body, `<svg class="qr" role="img" aria-label="QR code of ticket 1"`), "none for a void ticket")
	require.Contains(t, body, "No longer valid")

	w := get(s, "/orders/"+orderID+"/calendar.ics", "Cookie", inSession)
	require.Equal(t, "text/calendar; charset=utf-8", w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), "DTSTART:20991231T190000Z\r\nSUMMARY:Café Übermut <live>\r\nLOCATION:Town hall\r\nURL:https://tickets.example/orders/")
	held, _ := newShop(t, map[string]string{"Order": holding("SEATS_RESERVED")})
	require.Equal(t, http.StatusNotFound, get(held, "/orders/"+orderID+"/calendar.ics", "Cookie", inSession).Code)
}

func TestAGuestGivesAContactWithThePayment(t *testing.T) {
	t.Parallel()
	s, api := newShop(t, map[string]string{
		"Order":      holding("SEATS_RESERVED"),
		"SetContact": `{"data":{"setContact":{"userErrors":[{"code":"INVALID","message":"…","field":["email"]}]}}}`,
		"Pay":        `{"data":{"processPayment":{"payment":{"id":"pay_1","status":"COMPLETED","gateway":"sandbox"},"reservation":{"version":5},"userErrors":[]}}}`,
	})
	form := url.Values{"name": {"Ann"}, "email": {"ann"}, "card": {"pm_card_visa"}, "key": {"k"}}
	w := post(s, "/orders/"+orderID+"/pay", form, "Cookie", inSession)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), `value="ann" maxlength="254" required aria-invalid="true"`)
	require.NotContains(t, api.asked, "Pay")

	api.data["SetContact"] = `{"data":{"setContact":{"userErrors":[]}}}`
	w = post(s, "/orders/"+orderID+"/pay", form, "Cookie", inSession)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "/orders/"+orderID+"?seen=token.5", w.Header().Get("Location"))
	get(s, w.Header().Get("Location"), "Cookie", inSession)
	require.Equal(t, "token.5", api.seen, "the page shows what was changed")
	require.Equal(t, map[string]any{"card": map[string]any{"token": "pm_card_visa"}}, api.asked["Pay"]["input"].(map[string]any)["method"])
}

func TestADeclinedCardIsExplainedAndAnotherCanBeTried(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{
		"Order": holding("SEATS_RESERVED"),
		"Pay": `{"data":{"processPayment":{"payment":{"id":"pay_1","status":"FAILED","gateway":"sandbox","failureReason":"Your card has insufficient funds."},
			"reservation":{"version":5},"userErrors":[{"code":"PAYMENT_DECLINED","message":"x","field":null}]}}}`,
	})
	w := post(s, "/orders/"+orderID+"/pay", url.Values{"card": {"pm_card_chargeDeclined"}}, "Cookie", inSession)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), "Your card has insufficient funds.")
	require.Contains(t, w.Body.String(), `value="pm_card_chargeDeclined" required checked`)
	german := post(s, "/de/orders/"+orderID+"/pay", url.Values{"card": {"pm_card_chargeDeclined"}}, "Cookie", inSession)
	require.Contains(t, german.Body.String(), "Ihre Bank hat die Zahlung abgelehnt.")
}

// withStripe has cards asked for by Stripe, or by PayPal on its pages.
func withStripe() Config {
	return Config{Gateways: []string{"stripe", "paypal"}, StripeKey: "pk_test_1", PayPalPages: "https://www.sandbox.paypal.com"}
}

func TestOnlyPagesOfPaymentsMayLoadWhatGatewaysNeed(t *testing.T) {
	t.Parallel()
	policyOf := func(c Config, status, address string) string {
		s, _ := newShopWith(t, map[string]string{"Order": holding(status), "Event": `{"data":{"event":` + concert + `}}`}, c)
		return get(s, address, "Cookie", inSession).Header().Get("Content-Security-Policy")
	}
	order := "/orders/" + orderID
	paying := policyOf(withStripe(), "SEATS_RESERVED", order)
	for _, part := range []string{
		"script-src 'self' https://js.stripe.com https://*.js.stripe.com;", "connect-src 'self' https://api.stripe.com;",
		"frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com;", "form-action 'self' https://www.sandbox.paypal.com;",
	} {
		require.Contains(t, paying, part)
	}
	own := policy{}.String()
	require.Contains(t, own, "frame-src 'none'")
	require.Equal(t, own, policyOf(withStripe(), "COMPLETED", order))
	require.Equal(t, own, policyOf(withStripe(), "SEATS_RESERVED", concertPath))
	require.Equal(t, own, policyOf(Config{Gateways: []string{"sandbox"}}, "SEATS_RESERVED", order))
	require.Equal(t, own, policyOf(Config{Gateways: []string{"stripe"}}, "SEATS_RESERVED", order), "without a publishable key there is no form")
}

func TestStripesFormGetsWhatItNeeds(t *testing.T) {
	t.Parallel()
	s, _ := newShopWith(t, map[string]string{"Order": holding("SEATS_RESERVED")}, withStripe())
	body := get(s, "/orders/"+orderID, "Cookie", inSession).Body.String()
	require.Contains(t, body, `data-stripe="pk_test_1" data-amount="4550" data-currency="EUR"`)
	require.Contains(t, body, "/assets/card-")
	require.Contains(t, body, "Paying by card needs JavaScript")
	require.NotContains(t, body, "pm_card_visa")
}

// The secret of a payment is on the page that follows the form, and nowhere else. The bank is asked at once, but not again and again.
func TestABankThatAsksIsAskedThroughStripesLibrary(t *testing.T) {
	t.Parallel()
	waiting := `{"payment":{"id":"pay_1","status":"REQUIRES_ACTION","gateway":"stripe","nextAction":{"clientSecret":"pi_1_secret_2"}},"userErrors":[]}`
	order := strings.Replace(holding("PAYMENT_PENDING"), `"payments":[]`, `"payments":[{"id":"pay_1","status":"REQUIRES_ACTION","gateway":"stripe"}]`, 1)
	s, api := newShopWith(t, map[string]string{
		"Order": order, "Pay": `{"data":{"processPayment":` + waiting + `}}`, "Confirm": `{"data":{"confirmPayment":` + waiting + `}}`,
		"GiveUp": `{"data":{"cancelPayment":{"payment":{"id":"pay_1","status":"FAILED"},"userErrors":[]}}}`,
	}, withStripe())
	address := "/orders/" + orderID
	w := post(s, address+"/pay", url.Values{"card": {"pm_1"}}, "Cookie", inSession)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `data-secret="pi_1_secret_2"`)
	require.Contains(t, w.Body.String(), " data-asks>")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.NotContains(t, get(s, address, "Cookie", inSession).Body.String(), "secret")
	again := post(s, address+"/confirm", url.Values{"payment": {"pay_1"}, "asked": {"yes"}}, "Cookie", inSession)
	require.Contains(t, again.Body.String(), `data-secret="pi_1_secret_2"`)
	require.NotContains(t, again.Body.String(), "data-asks")
	require.Equal(t, http.StatusSeeOther, post(s, address+"/give-up", url.Values{"payment": {"pay_1"}}, "Cookie", inSession).Code)
	require.Equal(t, "pay_1", api.asked["GiveUp"]["input"].(map[string]any)["paymentId"])
}

func TestPayPalSendsCustomersBackToTheOrder(t *testing.T) {
	t.Parallel()
	s, api := newShopWith(t, map[string]string{
		"Order": holding("SEATS_RESERVED"),
		"Pay":   `{"data":{"processPayment":{"payment":{"id":"pay_1","status":"REQUIRES_ACTION","gateway":"paypal","nextAction":{"redirectUrl":"https://www.paypal.com/x"}},"userErrors":[]}}}`,
	}, withStripe())
	w := post(s, "/de/orders/"+orderID+"/pay", url.Values{"method": {"paypal"}}, "Cookie", inSession)
	require.Equal(t, "https://www.paypal.com/x", w.Header().Get("Location"))
	page := "https://tickets.example/de/orders/" + orderID
	require.Equal(t, map[string]any{"paypal": map[string]any{"returnUrl": page, "cancelUrl": page + "?turned-back"}}, api.asked["Pay"]["input"].(map[string]any)["method"])
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	for name, slug := range map[string]string{
		"Café – die Nacht!": "cafe-die-nacht", "Übergröße": "uebergroesse", "東京": "", "  A  b ": "a-b", strings.Repeat("ab ", 40): strings.TrimSuffix(strings.Repeat("ab-", 20), "-"),
	} {
		require.Equal(t, slug, slugOf(name))
	}
}

// What a phone loads until seats are held: two pages with all that they refer to.
func TestPagesStayWithinTheirBudget(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t, map[string]string{"Event": `{"data":{"event":` + concert + `}}`, "Events": `{"data":{"events":{"nodes":[` + concert + `],"pageInfo":{}}}}`})
	sum := 0
	for _, file := range s.assets {
		sum += len(file.zipped)
	}
	for _, address := range []string{"/", concertPath} {
		sum += get(s, address, "Accept-Encoding", "gzip").Body.Len()
	}
	require.Less(t, sum, 100<<10)
	t.Logf("%d bytes", sum)
}
