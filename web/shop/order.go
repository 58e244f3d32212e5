package shop

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"
)

// orderView is what the page of an order shows, from its hold to its tickets.
type orderView struct {
	Order   order
	Me      *user
	State   string // see stateOf
	Now     time.Time
	Key     string // what the idempotency keys of the forms are made of
	Problem string
	Wrong   map[string]string // problems by the name of a field
	Typed   map[string]string // what was typed, by the name of a field
	Sandbox bool
	PayPal  bool
	Cards   []string

	StripeKey  string // of Stripe's form for cards; "": there is none
	Secret     string // with which Stripe's library asks what the bank wants to know; "": it is not known
	AsksAtOnce bool   // the library asks without another press of a button
	TurnedBack bool   // at PayPal, without paying
}

// testCards are the sandbox's cards that show what can happen. The messages are in the catalogs.
var testCards = []string{
	"pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_sandbox_timeout",
}

// stateOf returns what the page of an order is about: "held", "confirm" (the bank asks the customer), "processing", "paid", "expired",
// "cancelled", "eventCancelled", "declined" (for the last time), or "refunded".
func stateOf(o order, now time.Time) string {
	switch o.Status {
	case "SEATS_RESERVED":
		if !o.ExpiresAt.After(now) {
			return "expired"
		}
		return "held"
	case "PAYMENT_PENDING":
		if o.Waiting() != nil {
			return "confirm"
		}
		return "processing"
	case "COMPLETED":
		return "paid"
	case "EXPIRED":
		return "expired"
	case "COMPENSATED":
		return "declined"
	case "REFUNDED":
		return "refunded"
	}
	if o.Event != nil && o.Event.Status == "CANCELLED" {
		return "eventCancelled"
	}
	return "cancelled"
}

// showOrder serves the page of an order: GET /orders/{id}. "seen" is the token of the change that the page must show.
func (s *Shop) showOrder(v *visit) {
	if key := v.r.URL.Query().Get("key"); key != "" {
		v.keepLink(key)
		return
	}
	v.seen = v.r.URL.Query().Get("seen")
	v.showOrderWith(http.StatusOK, orderView{TurnedBack: v.r.URL.Query().Has(turnedBack)})
}

// turnedBack marks the address to which PayPal sends customers who turned back there.
const turnedBack = "turned-back"

// linkCookie is the name of the cookie that keeps the link of an order, which its mails have.
func linkCookie(orderID string) string { return "order_" + orderID }

// keepLink takes the link of an order out of the address bar, where it would be passed on by accident.
func (v *visit) keepLink(link string) {
	const month = 30 * 24 * 60 * 60
	orderID := v.r.PathValue("order")
	if len(link) <= longestLink {
		http.SetCookie(v.w, &http.Cookie{
			Name: linkCookie(orderID), Value: link, Path: "/", MaxAge: month, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
		})
	}
	v.redirect("/orders/" + orderID)
}

// longestLink bounds what is kept of an address, in bytes.
const longestLink = 100

// linkHeader returns the header with the link of the visit's order, if the browser has one.
func (v *visit) linkHeader() http.Header {
	c, err := v.r.Cookie(linkCookie(v.r.PathValue("order")))
	if err != nil {
		return nil
	}
	return http.Header{"Order-Link": {c.Value}}
}

// readOrder returns the order of the visit's address, and who looks at it.
func (v *visit) readOrder() (order, *user, error) {
	var data struct {
		Reservation *order
		Me          *user
	}
	variables := vars{"id": v.r.PathValue("order")}
	err := v.executeAs(v.linkHeader(), "order", "Order", variables, &data)
	if v.seen != "" && (hasCode(err, "READ_BEHIND") || hasCode(err, "BAD_USER_INPUT")) { // an older state is better than none
		v.seen = ""
		err = v.executeAs(v.linkHeader(), "order", "Order", variables, &data)
	}
	if err != nil {
		return order{}, nil, err
	}
	return *data.Reservation, data.Me, nil
}

// readPaidOrder returns the order of the visit's address for a file about it. If there is none that is paid it shows that, and reports false.
func (v *visit) readPaidOrder() (order, bool) {
	o, _, err := v.readOrder()
	switch {
	case err != nil:
		v.failWith(err)
	case o.Event == nil || stateOf(o, time.Now()) != "paid":
		v.showNotFound(v)
	default:
		return o, true
	}
	return order{}, false
}

// showOrderWith shows the order with what was typed and what is wrong with it.
func (v *visit) showOrderWith(status int, shown orderView) {
	o, me, err := v.readOrder()
	if err != nil {
		if hasCode(err, "UNAUTHENTICATED") || hasCode(err, "FORBIDDEN") {
			v.fail(http.StatusForbidden, "failure.order")
			return
		}
		v.failWith(err)
		return
	}
	shown.Order, shown.Me, shown.Now, shown.Key = o, me, time.Now(), rand.Text()
	shown.State = stateOf(shown.Order, shown.Now)
	v.showOrderPage(status, shown)
}

// showOrderPage shows an order in its state. Only pages on which it is paid may load what gateways need.
func (v *visit) showOrderPage(status int, shown orderView) {
	shown.Sandbox, shown.PayPal, shown.Cards = v.hasGateway("sandbox"), v.hasGateway("paypal"), testCards
	fillContact(&shown)
	content := view{
		Title: v.lang.text("order." + shown.State + ".title"), Path: shown.Order.Path(), Islands: []string{"countdown.js", "order.js"},
	}
	switch shown.State {
	case "processing":
		content.Refresh = 5
	case "held", "confirm":
		if shown.Order.Total.IsFree() {
			break
		}
		v.w.Header().Set("Content-Security-Policy", v.paymentPolicy().String())
		if v.takesCards() {
			shown.StripeKey = v.cfg.StripeKey
			content.Islands = append(content.Islands, "card.js")
		}
	}
	content.Data = shown
	v.show(status, "order", content)
}

// fillContact has the fields show what is known of a guest.
func fillContact(o *orderView) {
	if o.Typed == nil {
		o.Typed = map[string]string{"card": testCards[0]}
		if o.Me != nil && o.Me.Contact != nil {
			o.Typed["name"], o.Typed["email"] = o.Me.Contact.Name, o.Me.Contact.Email
		}
	}
}

// Asks reports whether the viewer must say who they are: guests have no address.
func (o orderView) Asks() bool { return o.Me != nil && o.Me.IsGuest }

// Address returns where the tickets are mailed to, "" when that is not known.
func (o orderView) Address() string {
	switch {
	case o.Me == nil:
		return ""
	case o.Me.Email != "":
		return o.Me.Email
	case o.Me.Contact != nil:
		return o.Me.Contact.Email
	}
	return ""
}

// redirectToOrder leads to the page of the visit's order, which shows what was changed.
func (v *visit) redirectToOrder() {
	v.redirect("/orders/" + v.r.PathValue("order") + "?seen=" + url.QueryEscape(v.seen))
}

// cancelOrder gives the seats back: POST /orders/{id}/cancel.
func (s *Shop) cancelOrder(v *visit) {
	var data struct {
		CancelReservation struct {
			UserErrors []userError
		}
	}
	id := v.r.PathValue("order")
	err := v.execute("order", "Cancel", vars{"input": vars{"reservationId": id, "idempotencyKey": formKey("cancel", id)}}, &data)
	switch result := data.CancelReservation; {
	case err != nil:
		v.failWith(err)
	case len(result.UserErrors) > 0:
		v.showOrderWith(http.StatusUnprocessableEntity, orderView{Problem: v.explain(result.UserErrors[0])})
	default:
		v.redirectToOrder()
	}
}

// formField is a field of a guest's contact.
type formField struct {
	Name, Type, Complete, Value, Wrong string
	Most                               int
}

// newFormField returns a field with what was typed and what is wrong with it.
func newFormField(o orderView, name, kind, complete string) formField {
	most := map[string]int{"name": 200, "email": 254}[name]
	return formField{Name: name, Type: kind, Complete: complete, Value: o.Typed[name], Wrong: o.Wrong[name], Most: most}
}
