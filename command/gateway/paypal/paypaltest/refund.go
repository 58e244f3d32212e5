package paypaltest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"ticketing/internal/money"
)

type refund struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Amount   amount `json:"amount"`
	CustomID string `json:"custom_id"`

	capture string
	made    int
}

func (s *Server) createRefund(r *http.Request, key, captureID string) response {
	if id, ok := s.keys[key]; ok {
		return succeed(s.refunds[id])
	}
	var asked struct {
		Amount   amount `json:"amount"`
		CustomID string `json:"custom_id"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		return refuse(http.StatusBadRequest, "INVALID_REQUEST")
	}
	charged := s.orderOfCapture(captureID)
	if charged == nil {
		return refuse(http.StatusNotFound, "INVALID_RESOURCE_ID")
	}
	left := minorUnits(charged.amount)
	for _, given := range s.refundsOf(charged) {
		left -= minorUnits(given.Amount)
	}
	switch {
	case left == 0:
		return refuseContent("CAPTURE_FULLY_REFUNDED")
	case minorUnits(asked.Amount) > left:
		return refuseContent("REFUND_AMOUNT_EXCEEDED")
	}
	given := s.makeRefund(charged, asked.Amount, asked.CustomID)
	s.keys[key] = given.ID
	return create(given)
}

func (s *Server) makeRefund(o *order, a amount, customID string) *refund {
	given := &refund{ID: rand.Text()[:17], Status: "COMPLETED", Amount: a, CustomID: customID, capture: o.capture, made: len(s.refunds)}
	s.refunds[given.ID] = given
	s.emitEvent("PAYMENT.CAPTURE.REFUNDED", o.id, object{
		"id": given.ID, "status": given.Status, "amount": given.Amount, "custom_id": given.CustomID, "links": []map[string]string{
			{"rel": "self", "href": s.URL + "/v2/payments/refunds/" + given.ID}, {"rel": "up", "href": s.URL + "/v2/payments/captures/" + o.capture},
		},
	})
	return given
}

// RefundInDashboard is the merchant giving back a part of an order at PayPal. The refund has the order's custom id.
func (s *Server) RefundInDashboard(orderID, value string) {
	s.Lock()
	defer s.Unlock()
	o := s.orders[orderID]
	s.makeRefund(o, amount{CurrencyCode: o.amount.CurrencyCode, Value: value}, o.customID)
}

// refundsOf returns the refunds of an order, oldest first.
func (s *Server) refundsOf(o *order) []*refund {
	var all []*refund
	for _, r := range s.refunds {
		if r.capture == o.capture {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *refund) int { return a.made - b.made })
	return all
}

func minorUnits(a amount) int64 {
	m, err := money.Parse(a.Value, a.CurrencyCode)
	if err != nil {
		panic(err)
	}
	return m.Minor
}

type dispute struct {
	ID      string `json:"dispute_id"`
	Reason  string `json:"reason"`
	Status  string `json:"status"`
	Stage   string `json:"dispute_life_cycle_stage"`
	Amount  amount `json:"dispute_amount"`
	Outcome object `json:"dispute_outcome,omitempty"`
}

// Dispute is the customer opening a dispute about an order. outcome is "" while it is open.
func (s *Server) Dispute(orderID, stage, outcome string) {
	s.Lock()
	defer s.Unlock()
	o := s.orders[orderID]
	d := dispute{ID: "PP-D-" + rand.Text()[:8], Reason: "UNAUTHORISED", Status: "UNDER_REVIEW", Stage: stage, Amount: o.amount}
	if outcome != "" {
		d.Status, d.Outcome = "RESOLVED", object{"outcome_code": outcome}
		if paid := map[string]string{"RESOLVED_WITH_PAYOUT": d.Amount.Value, "DENIED": "1.00"}[outcome]; paid != "" {
			d.Outcome["amount_refunded"] = amount{CurrencyCode: d.Amount.CurrencyCode, Value: paid}
		}
	}
	s.disputes[o.capture] = append(s.disputes[o.capture], d)
	s.emitDispute("CUSTOMER.DISPUTE.CREATED", o, d)
}

// CloseDispute ends the newest dispute about an order.
func (s *Server) CloseDispute(orderID, outcome string) {
	s.Lock()
	defer s.Unlock()
	o := s.orders[orderID]
	all := s.disputes[o.capture]
	d := &all[len(all)-1]
	d.Status, d.Outcome = "RESOLVED", object{"outcome_code": outcome}
	s.emitDispute("CUSTOMER.DISPUTE.RESOLVED", o, *d)
}

func (s *Server) emitDispute(kind string, o *order, d dispute) {
	s.emitEvent(kind, o.id, object{
		"dispute_id": d.ID, "reason": d.Reason, "status": d.Status, "disputed_transactions": []map[string]string{{"seller_transaction_id": o.capture}},
	})
}

// showDisputes returns the list, which lacks the outcomes, or one dispute.
func (s *Server) showDisputes(r *http.Request) response {
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v1/customer/disputes"), "/")
	if id == "" {
		items := slices.Clone(s.disputes[r.URL.Query().Get("disputed_transaction_id")])
		for i := range items {
			items[i].Outcome = nil
		}
		return succeed(object{"items": items})
	}
	for _, all := range s.disputes {
		for _, d := range all {
			if d.ID == id {
				return succeed(d)
			}
		}
	}
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

// Balances returns what was captured and not given back, by currency, in minor units.
func (s *Server) Balances() map[string]int64 {
	s.Lock()
	defer s.Unlock()
	kept := map[string]int64{}
	for _, o := range s.orders {
		if o.capture == "" {
			continue
		}
		kept[o.amount.CurrencyCode] += minorUnits(o.amount)
		for _, given := range s.refundsOf(o) {
			kept[o.amount.CurrencyCode] -= minorUnits(given.Amount)
		}
	}
	return kept
}
