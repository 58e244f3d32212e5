package shop

import (
	"net/http"
	"strings"
)

// payOrder pays what is held: POST /orders/{id}/pay.
func (s *Shop) payOrder(v *visit) {
	typed := map[string]string{}
	for _, name := range []string{"name", "email", "card"} {
		typed[name] = strings.TrimSpace(v.r.PostForm.Get(name))
	}
	if v.r.PostForm.Has("email") && !v.keepContact(typed) {
		return
	}
	var data struct{ ProcessPayment outcome }
	input := vars{"reservationId": v.r.PathValue("order"), "idempotencyKey": formKey("pay", v.r.PathValue("order"), v.r.PostForm.Encode())}
	if method := v.method(typed["card"]); method != nil {
		input["method"] = method
	}
	if err := v.execute("order", "Pay", vars{"input": input}, &data); err != nil {
		v.failWith(err)
		return
	}
	v.showOutcome(data.ProcessPayment, typed)
}

// method returns how the form wants to pay, nil for an order that costs nothing.
func (v *visit) method(card string) vars {
	if v.r.PostForm.Get("method") == "paypal" {
		back := v.base.JoinPath(v.lang.url("/orders/" + v.r.PathValue("order"))).String()
		return vars{"paypal": vars{"returnUrl": back, "cancelUrl": back + "?" + turnedBack}}
	}
	if card == "" {
		return nil
	}
	return vars{"card": vars{"token": card}}
}

// keepContact keeps a guest's name and address. If they are wrong it shows the order with what is wrong, and reports false.
func (v *visit) keepContact(typed map[string]string) bool {
	var data struct {
		SetContact struct{ UserErrors []userError }
	}
	err := v.execute("order", "SetContact", vars{"input": vars{"name": typed["name"], "email": typed["email"]}}, &data)
	if err != nil {
		v.failWith(err)
		return false
	}
	wrong := map[string]string{}
	for _, problem := range data.SetContact.UserErrors {
		if len(problem.Field) > 0 {
			wrong[problem.Field[0]] = v.lang.text("order.wrong." + problem.Field[0])
		}
	}
	if len(wrong) > 0 {
		v.showOrderWith(http.StatusUnprocessableEntity, orderView{Problem: v.lang.text("order.wrong"), Wrong: wrong, Typed: typed})
	}
	return len(wrong) == 0
}

// outcome is what a payment leads to.
type outcome struct {
	Payment    *payment
	UserErrors []userError
}

// showOutcome leads to the order, to the gateway's page, or shows why it was not paid. Where the bank asks the customer first, the page has the
// secret with which Stripe's library lets it ask: it is in no other response.
func (v *visit) showOutcome(paid outcome, typed map[string]string) {
	if len(paid.UserErrors) > 0 {
		problem := v.explain(paid.UserErrors[0])
		if paid.Payment != nil && paid.Payment.FailureReason != "" && v.lang.Code == "en" {
			problem = paid.Payment.FailureReason
		}
		v.showOrderWith(http.StatusUnprocessableEntity, orderView{Problem: problem, Typed: typed})
		return
	}
	next := paid.Payment
	switch {
	case next == nil || next.NextAction == nil:
		v.redirectToOrder()
	case next.Gateway == "paypal" && next.NextAction.RedirectURL != "":
		http.Redirect(v.w, v.r, next.NextAction.RedirectURL, http.StatusSeeOther)
	case next.Gateway == "stripe" && v.takesCards():
		v.showOrderWith(http.StatusOK, orderView{Secret: next.NextAction.ClientSecret, AsksAtOnce: !v.r.PostForm.Has("asked")})
	default:
		v.redirectToOrder()
	}
}

// giveUpPayment gives up a payment that waits for its customer, so that the order can be paid in another way: POST /orders/{id}/give-up.
func (s *Shop) giveUpPayment(v *visit) {
	var data struct{ CancelPayment outcome }
	paymentID := v.r.PostForm.Get("payment")
	input := vars{"paymentId": paymentID, "idempotencyKey": formKey("give-up", paymentID)}
	if err := v.execute("order", "GiveUp", vars{"input": input}, &data); err != nil {
		v.failWith(err)
		return
	}
	v.showOutcome(data.CancelPayment, nil)
}

// confirmPayment goes on after the customer did what the bank or PayPal asked: POST /orders/{id}/confirm.
func (s *Shop) confirmPayment(v *visit) {
	var data struct{ ConfirmPayment outcome }
	paymentID := v.r.PostForm.Get("payment")
	err := v.execute("order", "Confirm", vars{"input": vars{
		"paymentId": paymentID, "idempotencyKey": formKey("confirm", paymentID, v.r.PostForm.Encode()),
	}}, &data)
	if err != nil {
		v.failWith(err)
		return
	}
	v.showOutcome(data.ConfirmPayment, nil)
}
