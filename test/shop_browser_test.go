package test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/command/gateway/stripe/stripetest"
)

// People buy in the shop with a real browser: on a phone, by keyboard alone, enlarged, and without JavaScript. Screenshots are kept with
// `go test -artifacts`; docs/shop.png is one of them (`make shop-picture`).
func TestPeopleBuyInTheShopInABrowser(t *testing.T) {
	t.Parallel()
	chromium := findChromium(t)
	s := startSystem(t)
	runShopInBrowser(t, s, chromium, "shop.mjs", vars{"events": makeShopWindow(t, s), "control": startControl(t, s, nil)})
	if picture := os.Getenv("SHOP_PICTURE"); picture != "" {
		taken, err := os.ReadFile(filepath.Join(t.ArtifactDir(), "shop-2-event-375.png"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(picture, taken, 0o600))
	}
}

// The same where Stripe asks for cards and PayPal has pages: both are doubles, and so is Stripe's library in the browser.
func TestPeoplePayWithStripeAndPayPalInABrowser(t *testing.T) {
	t.Parallel()
	chromium := findChromium(t)
	stripe, paypal := stripetest.New(t), paypaltest.New(t)
	env := withPayPal(withStripe(newEnvironment(t), stripe), paypal)
	maps.Copy(env, map[string]string{
		"PAYMENT_GATEWAYS": "stripe,paypal", "STRIPE_PUBLISHABLE_KEY": "pk_test_double", "PAYMENT_TIMEOUT": "30s",
	})
	s := startSystemIn(t, env)
	id := onSale(t, s.admin(), 100, vars{"paymentAttempts": 3})
	awaitSections(t, s.admin(), id, map[string][3]int{"Floor": {100, 0, 0}})
	control := startControl(t, s, map[string]func(*http.Request){
		"authenticate": func(r *http.Request) {
			if r.FormValue("ok") == "true" {
				stripe.Authenticate(t, r.FormValue("secret"))
				return
			}
			stripe.FailAuthentication(t, stripetest.TransactionOf(r.FormValue("secret")))
		},
		"paypal-down": func(*http.Request) { paypal.Down() },
		"paypal-up":   func(*http.Request) { paypal.Heal() },
	})
	runShopInBrowser(t, s, chromium, "pay.mjs", vars{"events": vars{"onSale": id}, "control": control, "payPal": paypal.URL})
	require.EqualValues(t, 3*20_00, stripe.Balance())
	require.Equal(t, map[string]int64{"EUR": 2 * 20_00}, paypal.Balances())
}

// runShopInBrowser runs a program that visits the shop.
func runShopInBrowser(t *testing.T, s *system, chromium, program string, given vars) {
	t.Helper()
	text, err := json.Marshal(given)
	require.NoError(t, err)
	runInBrowser(t, program, chromium, s.url, t.ArtifactDir(), s.admin().token, string(text))
}

// startControl lets a program do what no page can: move the clock, and what acts do by name. It returns the address.
func startControl(t *testing.T, s *system, acts map[string]func(*http.Request)) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.clock.Move(by)
	})
	for name, act := range acts {
		mux.HandleFunc("POST /"+name, func(_ http.ResponseWriter, r *http.Request) { act(r) })
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// makeShopWindow makes an event of each kind that the shop shows, and returns their ids.
func makeShopWindow(t *testing.T, s *system) map[string]string {
	t.Helper()
	organizer := s.admin()
	create := func(name, startsAt, price string, floor int, more vars) string {
		input := vars{"name": name, "venue": "Town hall, Great Room", "startsAt": startsAt, "timeZone": "Europe/Berlin", "paymentAttempts": 3,
			"description": "An evening with music that was found in an attic, played on what was found beside it.\n\nDoors open an hour before."}
		maps.Copy(input, more)
		id := requireAccepted(t, organizer.createEvent(input)).Event.ID
		requireAccepted(t, organizer.addInventory(id, "Floor", price, vars{"capacity": floor}))
		requireAccepted(t, organizer.eventAction("publishEvent", id))
		return id
	}
	open := func(id string) string {
		requireAccepted(t, organizer.eventAction("openSales", id))
		awaitEventStatus(t, organizer, id, "SALES_OPEN")
		return id
	}
	ids := map[string]string{
		"onSale":    open(create("First night", "2040-12-07T19:00:00Z", "20.00", 180, nil)),
		"free":      open(create("Rehearsal in public", "2040-12-05T10:00:00Z", "0", 1, nil)),
		"oneTry":    open(create("Late quartets", "2040-12-09T19:00:00Z", "18.00", 4, vars{"paymentAttempts": 1})),
		"rainy":     open(create("Serenade in the garden", "2041-06-01T18:00:00Z", "15.00", 90, nil)),
		"soldOut":   open(create("The small quartet", "2040-12-19T19:30:00Z", "32.00", 1, nil)),
		"notYet":    create("New Year’s concert with a long name that needs two lines on a phone", "2041-01-01T17:00:00Z", "60.00", 400, vars{"salesOpenAt": "2040-11-01T09:00:00Z"}),
		"soon":      create("Carols", "2040-12-23T17:00:00Z", "12.00", 300, vars{"salesOpenAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}),
		"cancelled": open(create("Open air", "2041-06-21T18:00:00Z", "25.00", 900, nil)),
		"laidOut":   open(create("In the round", "2041-02-01T18:00:00Z", "28.00", 10, nil)),
	}
	requireAccepted(t, organizer.addInventory(ids["laidOut"], "Arena", "35.00", vars{"rows": []vars{
		{"row": "A", "seats": 2, "layout": vars{"x": -3, "y": -1}}, {"row": "B", "seats": 5, "layout": vars{"x": 3, "y": 0, "rotation": 45}},
		{"row": "C", "seats": 4, "layout": vars{"x": 0, "y": 2, "rotation": -90}},
	}}))
	requireAccepted(t, organizer.addInventory(ids["onSale"], "Balcony", "45.50", vars{"rows": []vars{{"row": "A", "seats": 12}, {"row": "B", "seats": 14}}}))
	requireAccepted(t, organizer.reserveSeats(ids["soldOut"], bestSeats("Floor", 1)))
	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": ids["cancelled"]}))
	awaitSections(t, organizer, ids["soldOut"], map[string][3]int{"Floor": {0, 1, 0}})
	awaitEventStatus(t, organizer, ids["cancelled"], "CANCELLED")
	awaitSections(t, organizer, ids["onSale"], map[string][3]int{"Balcony": {26, 0, 0}})
	awaitSections(t, organizer, ids["laidOut"], map[string][3]int{"Arena": {11, 0, 0}})
	return ids
}
