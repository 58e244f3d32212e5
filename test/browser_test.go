package test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Users sign in through the mailed link and work with GraphiQL in a real browser, which fails if a page does what it must not. Screenshots of
// all pages are kept with `go test -artifacts`.
func TestAdminsWorkWithGraphiQLInABrowser(t *testing.T) {
	t.Parallel()
	chromium := findChromium(t)
	env := newEnvironment(t)
	env["AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING"] = "false" // the link is read from the mail
	s := startSystemIn(t, env)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "graphiql.mjs", chromium, s.url, filepath.Join(s.cfg.DataDir, "mail"), t.ArtifactDir(),
		adminEmail, "carol@example.com")
	cmd.Dir = "browser"
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // ends its browser, too
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)

	require.Equal(t, 1, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'EventCreated'`), "GraphiQL acted")
	require.Equal(t, 2, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"each press of the button was one action")
}

// findChromium returns Chromium's path.
func findChromium(t *testing.T) string {
	t.Helper()
	_, missing := os.Stat("browser/node_modules")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && missing == nil {
			return path
		}
	}
	require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI")
	t.Skip("run `make test`, or install Chromium and run `npm ci` in test/browser, to test the pages in a browser")
	return ""
}

// People buy in the shop with a real browser: on a phone, by keyboard alone, and without JavaScript. Screenshots are kept with
// `go test -artifacts`; docs/shop.png is one of them.
func TestPeopleBuyInTheShopInABrowser(t *testing.T) {
	t.Parallel()
	chromium := findChromium(t)
	s := startSystem(t)
	events, err := json.Marshal(makeShopWindow(t, s))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "shop.mjs", chromium, s.url, t.ArtifactDir(), s.admin().token, string(events))
	cmd.Dir = "browser"
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // ends its browser, too
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
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
		if floor > 1 {
			requireAccepted(t, organizer.addInventory(id, "Balcony", "45.50", vars{"rows": []vars{{"row": "A", "seats": 12}, {"row": "B", "seats": 14}}}))
		}
		requireAccepted(t, organizer.eventAction("publishEvent", id))
		return id
	}
	open := func(id string) string {
		requireAccepted(t, organizer.eventAction("openSales", id))
		return id
	}
	ids := map[string]string{
		"onSale":    open(create("First night", "2040-12-07T19:00:00Z", "20.00", 180, nil)),
		"free":      open(create("Rehearsal in public", "2040-12-05T10:00:00Z", "0", 1, nil)),
		"soldOut":   open(create("The small quartet", "2040-12-19T19:30:00Z", "32.00", 1, nil)),
		"notYet":    create("New Year’s concert with a long name that needs two lines on a phone", "2041-01-01T17:00:00Z", "60.00", 400, vars{"salesOpenAt": "2040-11-01T09:00:00Z"}),
		"cancelled": open(create("Open air", "2041-06-21T18:00:00Z", "25.00", 900, nil)),
	}
	requireAccepted(t, organizer.reserveSeats(ids["soldOut"], bestSeats("Floor", 1)))
	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": ids["cancelled"]}))
	awaitSections(t, organizer, ids["soldOut"], map[string][3]int{"Floor": {0, 1, 0}})
	awaitEventStatus(t, organizer, ids["cancelled"], "CANCELLED")
	awaitSections(t, organizer, ids["onSale"], map[string][3]int{"Balcony": {26, 0, 0}})
	awaitEventStatus(t, organizer, ids["onSale"], "SALES_OPEN")
	awaitEventStatus(t, organizer, ids["free"], "SALES_OPEN")
	return ids
}
