package shop

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// eventView is what the page of an event shows.
type eventView struct {
	Event    event
	Now      time.Time
	Key      string            // what the idempotency key of the form is made of
	Quantity map[string]int    // what was chosen, by section
	Seats    map[string]string // the labels of chosen seats, a line each, by section
	Problem  string
}

// Choices returns the numbers of tickets that can be chosen.
func (e eventView) Choices(s section) []int {
	choices := make([]int, e.Event.Most(s)+1)
	for i := range choices {
		choices[i] = i
	}
	return choices
}

// showEvent serves the page of an event: GET /events/{slug}-{id}.
func (s *Shop) showEvent(v *visit) {
	v.showPublic(func(v *visit) (*publicPage, error) {
		e, err := v.readEvent()
		if err != nil {
			return nil, err
		}
		if v.lang.path(v.r.URL.Path) != e.Path() {
			return &publicPage{made: time.Now(), location: v.lang.url(e.Path())}, nil
		}
		body, err := v.render("event", newEventPage(e, eventView{Event: e}))
		if err != nil {
			return nil, err
		}
		return newPublicPage(body), nil
	})
}

// newEventPage returns the page of an event. Its form has the same key for all until something changes: keys are of one customer each.
func newEventPage(e event, shown eventView) view {
	shown.Key = strconv.Itoa(e.Version) + "." + strconv.Itoa(e.InventoryVersion)
	shown.Now = time.Now()
	return view{
		Title: e.Name, Description: clip(e.Description), Path: e.Path(), Public: true, Islands: []string{"live.js", "countdown.js", "seats.js"}, Data: shown,
	}
}

// clip returns the beginning of a description, for search engines.
func clip(text string) string {
	const longest = 150
	runes := []rune(text)
	if len(runes) <= longest {
		return text
	}
	return string(runes[:longest]) + "…"
}

// readEvent returns the event of the visit's address.
func (v *visit) readEvent() (event, error) {
	var data struct{ Event *event }
	err := v.execute("event", "Event", vars{"id": eventIDIn(v.r.PathValue("event"))}, &data)
	if err == nil && data.Event == nil {
		err = &apiError{Code: "NOT_FOUND"}
	}
	if err != nil {
		return event{}, err
	}
	return *data.Event, nil
}

// reserveSeats holds what a form asks for: POST /events/{id}/reserve. A browser without a session first becomes a guest, and sends the form
// again with its cookie: a second press of the button before that reserves nothing of its own.
func (s *Shop) reserveSeats(v *visit) {
	if v.session == "" {
		v.becomeGuest()
		return
	}
	items, chosen := readItems(v.r)
	if len(items) == 0 {
		v.showReserveProblem(chosen, v.lang.text("event.chooseSome"))
		return
	}
	var data struct {
		ReserveSeats struct {
			Reservation *struct{ ID string }
			UserErrors  []userError
		}
	}
	eventID := eventIDIn(v.r.PathValue("event"))
	err := v.execute("event", "Reserve", vars{"input": vars{
		"eventId": eventID, "items": items, "idempotencyKey": formKey("reserve", eventID, v.r.PostForm.Encode()),
	}}, &data)
	switch result := data.ReserveSeats; {
	case hasCode(err, "UNAUTHENTICATED"): // the session is over
		v.becomeGuest()
	case err != nil:
		v.failWith(err)
	case len(result.UserErrors) > 0:
		v.showReserveProblem(chosen, v.explain(result.UserErrors[0]))
	default:
		v.redirect("/orders/" + result.Reservation.ID)
	}
}

// becomeGuest starts a session without an address, and has the browser send its form again.
func (v *visit) becomeGuest() {
	const again = "again"
	if v.r.URL.Query().Has(again) {
		v.fail(http.StatusForbidden, "failure.cookies")
		return
	}
	var data struct {
		StartGuestSession struct{ UserErrors []userError }
	}
	v.session = ""
	if err := v.execute("event", "StartGuest", nil, &data); err != nil {
		v.failWith(err)
		return
	}
	v.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(v.w, v.r, v.r.URL.Path+"?"+again, http.StatusTemporaryRedirect) //nolint:gosec // the path of a page of the shop
}

// readItems returns what a form asks for, and what of it is shown again if it can't be had.
func readItems(r *http.Request) (items []vars, chosen eventView) {
	chosen = eventView{Quantity: map[string]int{}, Seats: map[string]string{}}
	for i := 0; r.PostForm.Has("section." + strconv.Itoa(i)); i++ {
		name := r.PostForm.Get("section." + strconv.Itoa(i))
		if seats := strings.FieldsFunc(r.PostForm.Get("seats."+strconv.Itoa(i)), isLineEnd); len(seats) > 0 {
			chosen.Seats[name] = strings.Join(seats, "\n")
			items = append(items, vars{"section": name, "seats": seats})
			continue
		}
		quantity, err := strconv.Atoi(r.PostForm.Get("quantity." + strconv.Itoa(i)))
		if err != nil || quantity <= 0 {
			continue
		}
		chosen.Quantity[name] = quantity
		items = append(items, vars{"section": name, "quantity": quantity})
	}
	return items, chosen
}

// isLineEnd splits the labels of seats: browsers end lines in forms with both.
func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// showReserveProblem shows the event's page again, with what was chosen and why it was not reserved.
func (v *visit) showReserveProblem(chosen eventView, problem string) {
	e, err := v.anonymous().readEvent()
	if err != nil {
		v.failWith(err)
		return
	}
	chosen.Event, chosen.Problem = e, problem
	v.show(http.StatusUnprocessableEntity, "event", newEventPage(e, chosen))
}

// formKey returns the idempotency key of a form: the same form sent twice acts once, and one that was changed acts anew.
func formKey(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part + "\n"))
	}
	return "shop-" + base32.StdEncoding.EncodeToString(hash.Sum(nil)[:20])
}

// explain returns what is wrong in the visit's language. The API's own words are English, and stay for what has no others here.
func (v *visit) explain(wrong userError) string {
	if message, ok := v.lang.messages["error."+wrong.Code]; ok {
		return message
	}
	return wrong.Message
}
