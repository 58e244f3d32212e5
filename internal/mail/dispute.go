package mail

// DisputeStatus is what became of a dispute.
type DisputeStatus string

// The states.
const (
	DisputeOpen DisputeStatus = "open"
	DisputeWon  DisputeStatus = "won"
	DisputeLost DisputeStatus = "lost"
)

// Dispute is money that a customer's bank holds, or has decided about.
type Dispute struct {
	Status       DisputeStatus
	Amount       string
	Reason       string // as the gateway says it; may be empty
	TicketsValid bool
	ToOrganizer  bool   // instead of the customer
	Page         string // of the gateway, where the organizer replies; may be empty
}

// Says returns what happened and what to do, in paragraphs.
func (d Dispute) Says() []string {
	if d.ToOrganizer {
		return d.tellOrganizer()
	}
	return d.tellCustomer()
}

func (d Dispute) tellOrganizer() []string {
	switch d.Status {
	case DisputeWon:
		return []string{"you won a dispute: the customer's bank has given " + d.Amount + " back to you.", d.sayTickets("The tickets")}
	case DisputeLost:
		return []string{"a dispute was lost: the customer's bank has given " + d.Amount + " to the customer. That is no revenue, and cannot be refunded on top.", d.sayTickets("The tickets")}
	case DisputeOpen:
	}
	reason := ""
	if d.Reason != "" {
		reason = " (“" + d.Reason + "”)"
	}
	return []string{
		"a customer disputes a payment at their bank" + reason + ", which holds " + d.Amount + " until it has decided.",
		"Send your evidence to the payment gateway before the date that it names: without any, the dispute is lost. Until the bank has decided, " +
			"nothing of the payment can be refunded. " + d.sayTickets("The tickets"),
	}
}

func (d Dispute) tellCustomer() []string {
	switch d.Status {
	case DisputeWon:
		return []string{"your bank has decided about the payment that you disputed: the organizer keeps " + d.Amount + ".", d.sayTickets("Your tickets")}
	case DisputeLost:
		return []string{"your bank has decided about the payment that you disputed: you have " + d.Amount + " back.", d.sayTickets("Your tickets")}
	case DisputeOpen:
	}
	return []string{
		"your bank tells us that you dispute your payment, and holds " + d.Amount + " until it has decided. That may take weeks.",
		"If you do not know of this, or it is a mistake, tell your bank. Until it has decided, nothing of the payment can be refunded. " + d.sayTickets("Your tickets"),
	}
}

func (d Dispute) sayTickets(whose string) string {
	if d.TicketsValid {
		return whose + " stay valid."
	}
	return whose + " are not valid any more."
}

// Disputed returns the mail to a customer or an organizer about a dispute that was opened or closed.
func Disputed(to string, p Purchase, d Dispute) (Message, error) {
	subject := map[DisputeStatus]string{
		DisputeOpen: "A payment is disputed: ", DisputeWon: "A dispute was decided: ", DisputeLost: "A dispute was decided: ",
	}[d.Status]
	return purchaseMail(to, subject+p.Event, "disputed", struct {
		Purchase
		Dispute
	}{p, d})
}
