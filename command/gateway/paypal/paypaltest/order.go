package paypaltest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type amount struct {
	CurrencyCode string `json:"currency_code"`
	Value        string `json:"value"`
}

// order is an order as the server keeps it.
type order struct {
	id, status, intent, customID, invoiceID, description string

	amount     amount
	byRedirect bool
	returnURL  string // where the customer goes after the page
	cancelURL  string
	declines   bool // the customer's card is declined
	capture    string
	held       bool // the capture is pending
}

// wholeCurrencies are the currencies without decimals at PayPal.
var wholeCurrencies = []string{"HUF", "JPY", "TWD"}

func (s *Server) createOrder(r *http.Request, key string) response {
	if id, ok := s.keys[key]; ok {
		return succeed(s.orderObject(s.orders[id]))
	}
	var asked struct {
		Intent        string `json:"intent"`
		PurchaseUnits []struct {
			CustomID  string `json:"custom_id"`
			InvoiceID string `json:"invoice_id"`
			Amount    amount `json:"amount"`
		} `json:"purchase_units"`
		PaymentSource *struct {
			PayPal struct {
				ExperienceContext struct {
					ReturnURL string `json:"return_url"`
					CancelURL string `json:"cancel_url"`
				} `json:"experience_context"`
			} `json:"paypal"`
		} `json:"payment_source"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Intent != "CAPTURE" || len(asked.PurchaseUnits) != 1 {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST")
	}
	unit := asked.PurchaseUnits[0]
	_, decimals, _ := strings.Cut(unit.Amount.Value, ".")
	switch {
	case unit.Amount.CurrencyCode == "KWD":
		return refuseContent("CURRENCY_NOT_SUPPORTED")
	case slices.Contains(wholeCurrencies, unit.Amount.CurrencyCode) != (decimals == ""):
		return refuseContent("DECIMALS_NOT_SUPPORTED")
	}
	o := &order{
		id: rand.Text()[:17], status: "CREATED", intent: asked.Intent, customID: unit.CustomID, invoiceID: unit.InvoiceID,
		amount: unit.Amount, byRedirect: asked.PaymentSource != nil,
	}
	if o.byRedirect {
		o.status = "PAYER_ACTION_REQUIRED"
		pages := asked.PaymentSource.PayPal.ExperienceContext
		o.returnURL, o.cancelURL = pages.ReturnURL, pages.CancelURL
	}
	s.orders[o.id], s.keys[key] = o, o.id
	return create(s.orderObject(o))
}

// routeOrder handles the requests about one order: rest is its id and, for a capture, "capture".
func (s *Server) routeOrder(r *http.Request, key string, rest []string) response {
	o := s.orders[rest[0]]
	switch {
	case o == nil:
		return refuse(http.StatusNotFound, "INVALID_RESOURCE_ID")
	case r.Method == http.MethodGet && len(rest) == 1:
		return succeed(s.orderObject(o))
	case r.Method == http.MethodPatch && len(rest) == 1:
		return s.patchOrder(r, o)
	case r.Method == http.MethodPost && len(rest) == 2 && rest[1] == "capture":
		return s.captureOrder(o, key)
	}
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

func (s *Server) patchOrder(r *http.Request, o *order) response {
	var changes []struct{ Op, Path, Value string }
	if json.NewDecoder(r.Body).Decode(&changes) != nil {
		return refuse(http.StatusBadRequest, "INVALID_PATCH_OPERATION")
	}
	if o.capture != "" {
		return refuseContent("ORDER_ALREADY_COMPLETED")
	}
	for _, c := range changes {
		switch {
		case c.Op == "replace" && c.Path == "/intent":
			o.intent = c.Value
		case c.Op == "add" && c.Path == "/purchase_units/@reference_id=='default'/description":
			o.description = c.Value
		default:
			return refuseContent("NOT_PATCHABLE")
		}
	}
	return response{Status: http.StatusNoContent}
}

func (s *Server) captureOrder(o *order, key string) response {
	if _, ok := s.keys[key]; ok {
		return succeed(s.orderObject(o))
	}
	switch {
	case o.intent != "CAPTURE":
		return refuseContent("ACTION_DOES_NOT_MATCH_INTENT")
	case o.capture != "":
		return refuseContent("ORDER_ALREADY_CAPTURED")
	case o.status != "APPROVED":
		return refuseContent("ORDER_NOT_APPROVED")
	case o.declines:
		return refuseContent("INSTRUMENT_DECLINED")
	}
	o.status, o.capture, s.keys[key] = "COMPLETED", rand.Text()[:17], o.id
	s.emitCapture(o)
	return create(s.orderObject(o))
}

// orderObject returns an order as PayPal writes it.
func (s *Server) orderObject(o *order) object {
	payments := object{}
	if o.capture != "" {
		payments["captures"] = []any{s.captureObject(o)}
		payments["refunds"] = s.refundsOf(o)
	}
	unit := object{
		"reference_id": "default", "custom_id": o.customID, "invoice_id": o.invoiceID, "description": o.description, "amount": o.amount,
		"payments": payments,
	}
	links := []map[string]string{{"rel": "self", "href": s.URL + "/v2/checkout/orders/" + o.id}}
	if o.status == "PAYER_ACTION_REQUIRED" {
		links = append(links, map[string]string{"rel": "payer-action", "href": s.URL + approvalPage + "?token=" + o.id})
	}
	return object{"id": o.id, "status": o.status, "intent": o.intent, "purchase_units": []any{unit}, "links": links}
}

// Approve is the customer approving an order, by its id or on its page. With declines, their card is declined later.
func (s *Server) Approve(t testing.TB, orderOrPage string, declines bool) {
	t.Helper()
	s.Lock()
	defer s.Unlock()
	o := s.orders[orderOrPage[strings.LastIndex(orderOrPage, "=")+1:]]
	require.True(t, o != nil && s.approveOrder(o, declines), "order %s can't be approved", orderOrPage)
}

// ApproveOnce is the customer approving an order, unless it is approved already.
func (s *Server) ApproveOnce(orderID string, declines bool) {
	s.Lock()
	defer s.Unlock()
	s.approveOrder(s.orders[orderID], declines)
}

func (s *Server) approveOrder(o *order, declines bool) bool {
	if o.status != "PAYER_ACTION_REQUIRED" {
		return false
	}
	o.status, o.declines = "APPROVED", declines
	s.emitEvent("CHECKOUT.ORDER.APPROVED", o.id, s.orderObject(o))
	return true
}

// Review makes PayPal hold the capture of an order for a review, or end the review.
func (s *Server) Review(orderID string, held bool) {
	s.Lock()
	defer s.Unlock()
	o := s.orders[orderID]
	o.held = held
	if o.capture != "" {
		s.emitCapture(o)
	}
}

// ChangeCard is the customer choosing another card for a declined order.
func (s *Server) ChangeCard(orderID string) {
	s.Lock()
	defer s.Unlock()
	s.orders[orderID].declines = false
}
