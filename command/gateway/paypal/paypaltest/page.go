package paypaltest

import (
	"fmt"
	"net/http"
	"net/url"
)

const approvalPage = "/checkoutnow"

// showApproval is the page on which the customer approves an order, and what their choice there leads to.
func (s *Server) showApproval(c call) response {
	o := s.orders[c.Form.Get("token")]
	if o == nil {
		return refuse(http.StatusNotFound, "INVALID_RESOURCE_ID")
	}
	choice := c.Form.Get("choice")
	if c.Method != http.MethodPost {
		return showPage(fmt.Sprintf(`<!doctype html><html lang="en"><title>PayPal's double</title><link rel="icon" href="data:,"><h1>Pay %s %s</h1><form method="post">
			<button name="choice" value="approve">Approve</button> <button name="choice" value="decline">Approve with a card that is declined</button>
			<button name="choice" value="cancel">Cancel</button></form>`, o.amount.Value, o.amount.CurrencyCode))
	}
	next := o.cancelURL
	if choice != "cancel" {
		s.approveOrder(o, choice == "decline")
		next = o.returnURL
	}
	address, err := url.Parse(next)
	if err != nil {
		return refuse(http.StatusInternalServerError, "INVALID_URL")
	}
	query := address.Query()
	query.Set("token", o.id) // as PayPal does
	address.RawQuery = query.Encode()
	return response{Status: http.StatusSeeOther, Header: http.Header{"Location": {address.String()}}}
}

func showPage(text string) response {
	return response{Status: http.StatusOK, Body: text, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
}
