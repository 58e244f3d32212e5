package stripetest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// intent is a PaymentIntent.
type intent struct {
	id, secret string
	amount     int64
	currency   string
	metadata   map[string]string
	status     string
	reason     string // of its cancellation
	lastError  object
	chargeID   string
	card       cardRule
}

// tensCurrencies have three decimal places, of which the last must be 0.
var tensCurrencies = []string{"bhd", "jod", "kwd", "omr", "tnd"}

const requiresMethod = "requires_payment_method"

// smallestUnits is Stripe's smallest charge in most currencies.
const smallestUnits = 50

func (s *Server) createIntent(form url.Values) response {
	amount, err := strconv.ParseInt(form.Get("amount"), 10, 64)
	currency := form.Get("currency")
	switch {
	case err != nil:
		return refuseInvalid("parameter_invalid_integer", "amount", "Invalid integer")
	case currency != strings.ToLower(currency) || len(currency) != 3:
		return refuseInvalid("", "currency", "Invalid currency")
	case amount < smallestUnits:
		return refuseInvalid("amount_too_small", "amount", "Amount must be at least 50")
	case amount%100 != 0 && (currency == "isk" || currency == "ugx"), amount%10 != 0 && slices.Contains(tensCurrencies, currency):
		return refuseInvalid("invalid_charge_amount_no_decimal_compatible", "amount", "Invalid amount")
	}
	i := &intent{
		id: newID("pi"), amount: amount, currency: currency, metadata: metadataOf(form), status: requiresMethod,
	}
	i.secret = i.id + "_secret_" + newID("x")
	s.intents[i.id] = i
	s.order = append(s.order, i.id)
	s.emitEvent("payment_intent.created", i.toObject())
	return succeed(i.toObject())
}

func (s *Server) withIntent(id string, f func(*intent) response) response {
	if i := s.intents[id]; i != nil {
		return f(i)
	}
	return refuseUnknown("intent", "No such payment_intent: '"+id+"'")
}

func (s *Server) showIntent(i *intent) response {
	shown := i.toObject()
	if i.chargeID != "" {
		shown["latest_charge"] = s.chargeObject(i)
	}
	return succeed(shown)
}

func (s *Server) confirmIntent(i *intent, form url.Values) response {
	method, token := form.Get("payment_method"), form.Get("payment_method_data[card][token]")
	if i.status != requiresMethod {
		return i.unexpectedState("confirm")
	}
	switch {
	case method != "":
		rule, ok := ruleOf(method, "pm_card_")
		if !ok {
			return refuseInvalid("resource_missing", "payment_method", "No such PaymentMethod: '"+method+"'")
		}
		i.card = rule
	case token != "" && form.Get("payment_method_data[type]") == "card":
		rule, ok := ruleOf(token, "tok_")
		if !ok {
			return refuseInvalid("resource_missing", "payment_method_data[card][token]", "No such token: '"+token+"'")
		}
		i.card = rule
	default:
		return refuseInvalid("parameter_missing", "payment_method", "You cannot confirm without a payment method")
	}
	switch {
	case i.card.action:
		i.status = "requires_action"
		s.emitEvent("payment_intent.requires_action", i.toObject())
	case i.card.processing:
		i.status = "processing"
		s.emitEvent("payment_intent.processing", i.toObject())
	case i.card.decline != "":
		return s.declineIntent(i)
	default:
		s.succeedIntent(i)
	}
	return succeed(i.toObject())
}

func (s *Server) succeedIntent(i *intent) {
	i.status, i.lastError, i.chargeID = "succeeded", nil, newID("ch")
	s.emitEvent("payment_intent.succeeded", i.toObject())
}

// declineIntent is the bank declining: the PaymentIntent waits for another payment method.
func (s *Server) declineIntent(i *intent) response {
	code, declineCode := "card_declined", i.card.decline
	if codes := []string{"expired_card", "incorrect_cvc", "processing_error"}; slices.Contains(codes, i.card.decline) {
		code = i.card.decline
	}
	message := "Your card was declined. (" + declineCode + ", which the customer must not read)"
	i.status, i.lastError = requiresMethod, object{"type": "card_error", "code": code, "decline_code": declineCode, "message": message}
	s.emitEvent("payment_intent.payment_failed", i.toObject())
	told := maps.Clone(i.lastError)
	told["payment_intent"] = i.toObject()
	return response{Status: http.StatusPaymentRequired, Body: object{"error": told}}
}

func (s *Server) cancelIntent(i *intent, form url.Values) response {
	switch i.status {
	case "succeeded", "canceled", "processing":
		return i.unexpectedState("cancel")
	}
	i.status, i.reason = "canceled", form.Get("cancellation_reason")
	i.lastError = nil // Stripe may drop it with any change
	s.emitEvent("payment_intent.canceled", i.toObject())
	return succeed(i.toObject())
}

func (i *intent) unexpectedState(what string) response {
	r := refuseInvalid("payment_intent_unexpected_state", "", "You cannot "+what+" this PaymentIntent because it has a status of "+i.status)
	r.Body.(object)["error"].(object)["payment_intent"] = i.toObject() //nolint:forcetypeassert // made above
	return r
}

func (i *intent) toObject() object {
	o := object{
		"id": i.id, "object": "payment_intent", "amount": i.amount, "currency": i.currency, "client_secret": i.secret, "status": i.status,
		"metadata": maps.Clone(i.metadata), "payment_method_types": []string{"card"}, "livemode": false, "created": time.Now().Unix(),
	}
	if i.reason != "" {
		o["cancellation_reason"] = i.reason
	}
	if i.lastError != nil {
		o["last_payment_error"] = maps.Clone(i.lastError)
	}
	if i.status == "succeeded" {
		o["amount_received"], o["latest_charge"] = i.amount, i.chargeID
	}
	if i.status == "requires_action" {
		o["next_action"] = object{"type": "use_stripe_sdk"}
	}
	return o
}

func metadataOf(form url.Values) map[string]string {
	metadata := map[string]string{}
	for name := range form {
		if key, ok := strings.CutPrefix(name, "metadata["); ok {
			metadata[strings.TrimSuffix(key, "]")] = form.Get(name)
		}
	}
	return metadata
}
