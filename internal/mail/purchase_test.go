package mail

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
)

func TestMailsAboutAPurchaseHaveTheSameContentInBothParts(t *testing.T) {
	p := Purchase{
		ReservationID: "rsv_01", Event: "Bonnie & Clyde <live>\r\nBcc: all@example.com", Venue: "Town hall",
		StartsAt: time.Date(2027, 5, 1, 20, 30, 0, 0, time.FixedZone("CEST", 7200)),
		Tickets:  []Ticket{{Section: "Stalls", Seat: "A-12", Price: "30.00 EUR"}, {Section: "Floor", Price: "25.50 EUR"}}, Total: "55.50 EUR",
	}
	common := []string{"Bonnie & Clyde <live>", "Town hall", "Saturday, 1 May 2027, 20:30 CEST", "rsv_01"}
	confirmed, err := ReservationConfirmed("ann@example.com", p)
	require.NoError(t, err)
	refunded, err := Refunded("ann@example.com", p, "12.00 EUR", "the event was cancelled")
	require.NoError(t, err)
	sentBack, err := RefundSentBack("org@example.com", p, "12.00 EUR", "rfd_01")
	require.NoError(t, err)
	failed, err := RefundDelayed("ann@example.com", p, Delay{Kind: RefundFailed, Amount: "12.00 EUR", RefundID: "rfd_01", Why: "closed & gone"})
	require.NoError(t, err)
	waits, err := RefundDelayed("org@example.com", p, Delay{Kind: RefundWaits, Amount: "12.00 EUR", RefundID: "rfd_01", ToOrganizer: true})
	require.NoError(t, err)
	returned, err := RefundDelayed("ann@example.com", p, Delay{Kind: RefundReturned, Amount: "12.00 EUR", RefundID: "rfd_01"})
	require.NoError(t, err)
	cancelled, err := EventCancelled("ann@example.com", p, true, "rain & wind")
	require.NoError(t, err)
	unpaid, err := EventCancelled("ann@example.com", p, false, "")
	require.NoError(t, err)
	postponed, err := EventMoved("ann@example.com", p, Move{WasStarting: p.StartsAt.AddDate(0, -1, 0), WasVenue: "Old hall", Reason: "The singer is ill.", Paid: true})
	require.NoError(t, err)
	brought, err := EventMoved("ann@example.com", p, Move{WasStarting: p.StartsAt.AddDate(0, 1, 0)})
	require.NoError(t, err)
	elsewhere, err := EventMoved("ann@example.com", p, Move{WasVenue: "Old hall"})
	require.NoError(t, err)
	disputed, err := Disputed("org@example.com", p, Dispute{Status: DisputeOpen, Amount: "12.00 EUR", Reason: "not <as> described", ToOrganizer: true, Page: "https://gateway.example.com/?a=1&b=2"})
	require.NoError(t, err)
	decided, err := Disputed("ann@example.com", p, Dispute{Status: DisputeLost, Amount: "12.00 EUR"})
	require.NoError(t, err)
	for subject, test := range map[string]struct {
		message Message
		says    []string
	}{
		"Your tickets: Bonnie & Clyde <live> Bcc: all@example.com":          {confirmed, []string{"Stalls, seat A-12", "30.00 EUR", "Floor", "25.50 EUR", "55.50 EUR"}},
		"Your refund: Bonnie & Clyde <live> Bcc: all@example.com":           {refunded, []string{"12.00 EUR", "because the event was cancelled"}},
		"A refund came back: Bonnie & Clyde <live> Bcc: all@example.com":    {sentBack, []string{"the customer's bank", "12.00 EUR", "rfd_01", "retryRefund"}},
		"A refund failed: Bonnie & Clyde <live> Bcc: all@example.com":       {failed, []string{"12.00 EUR", "the payment service refused it (“closed & gone”)", "rfd_01", "The money is still yours."}},
		"A refund waits: Bonnie & Clyde <live> Bcc: all@example.com":        {waits, []string{"a customer's refund", "12.00 EUR", "rfd_01", "add to it"}},
		"Your refund came back: Bonnie & Clyde <live> Bcc: all@example.com": {returned, []string{"12.00 EUR", "your bank did not accept the money", "closed"}},
		"A payment is disputed: Bonnie & Clyde <live> Bcc: all@example.com": {disputed, []string{"12.00 EUR", "(“not <as> described”)", "https://gateway.example.com/?a=1&b=2", "evidence"}},
		"A dispute was decided: Bonnie & Clyde <live> Bcc: all@example.com": {decided, []string{"you have 12.00 EUR back", "Your tickets are not valid any more."}},
		"Cancelled: Bonnie & Clyde <live> Bcc: all@example.com":             {cancelled, []string{"your payment is refunded automatically", "The organizer writes: “rain & wind”"}},
		"Postponed: Bonnie & Clyde <live> Bcc: all@example.com":             {postponed, []string{"Before it was:", "Old hall", "Thursday, 1 April 2027, 20:30 CEST", "The singer is ill.", "gives your money back"}},
		"New date: Bonnie & Clyde <live> Bcc: all@example.com":              {brought, []string{"Tuesday, 1 June 2027, 20:30 CEST", "what is not paid costs nothing"}},
		"New place: Bonnie & Clyde <live> Bcc: all@example.com":             {elsewhere, []string{"Old hall"}},
		"Cancelled: Bonnie & Clyde <live> Bcc: all@example.com ":            {unpaid, []string{"your reservation has ended"}},
	} {
		post := mailtest.Open(t, mailtest.Config{})
		test.message.ID = "mail.rsv_01"
		require.NoError(t, open(t, "smtp://"+post.Address).Send(t.Context(), test.message))
		got := post.Only(t)
		require.Equal(t, strings.TrimSpace(subject), mailtest.Header(t, got.Data, "Subject"))
		require.Equal(t, "<mail.rsv_01@example.com>", mailtest.Header(t, got.Data, "Message-ID"))
		for kind, content := range mailtest.Parts(t, got.Data) {
			for _, says := range append(test.says, common...) {
				if kind == "text/html" {
					says = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(says)
				}
				require.Contains(t, strings.NewReplacer("<strong>", "", "</strong>", "").Replace(content), says, "%s, %s", subject, kind)
			}
		}
	}
}

func TestOnlyAPermanentRefusalIsFinal(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{Busy: func(n int) bool { return n == 1 }})
	mailer := open(t, "smtp://"+post.Address)
	for to, final := range map[string]bool{"ann@example.com": false, "malformed": true} {
		err := mailer.Send(t.Context(), Message{To: to, Text: "Hi", HTML: "Hi"})
		require.Error(t, err, to)
		require.Equal(t, final, Final(err), "%s: %v", to, err)
	}
	err := open(t, "smtp://127.0.0.1:1").Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
	require.Error(t, err)
	require.False(t, Final(err), "the server is down")
}

func TestTheMailWithTicketsHasThemAsAFileAndShowsTheirCodes(t *testing.T) {
	p := Purchase{
		ReservationID: "rsv_01", Event: "First night", Venue: "Town hall", StartsAt: time.Date(2027, 5, 1, 20, 30, 0, 0, time.UTC),
		Link: "https://shop.example.com/orders/rsv_01?key=secret",
	}
	for i := range 10 {
		p.Tickets = append(p.Tickets, Ticket{Section: "Stalls", Price: "30.00 EUR", ID: fmt.Sprintf("tkt_%02d", i), Code: strings.Repeat("6BF+YM1Z9/", 14)})
	}
	confirmed, err := ReservationConfirmed("ann@example.com", p)
	require.NoError(t, err)
	post := mailtest.Open(t, mailtest.Config{})
	require.NoError(t, open(t, "smtp://"+post.Address).Send(t.Context(), confirmed))
	data := post.Only(t).Data
	files := mailtest.Files(t, data)
	require.Len(t, files, mostShownCodes+2)
	require.Contains(t, string(files["tickets.ics"]), "DTSTART:20270501T203000Z\r\nSUMMARY:First night\r\nLOCATION:Town hall\r\nURL:https://shop.example.com/orders/rsv_01\r\n",
		"without the key that opens the order")
	require.True(t, bytes.HasPrefix(files["tickets.pdf"], []byte("%PDF-")))
	require.True(t, bytes.HasPrefix(files["ticket-8.png"], []byte("\x89PNG")))
	html := mailtest.Parts(t, data)["text/html"]
	require.Equal(t, mostShownCodes, strings.Count(html, "<img"))
	require.Contains(t, html, `src="cid:tkt_07@tickets"`)
	_, picture, _ := strings.Cut(data, `filename="ticket-8.png"`)
	require.Contains(t, picture[:100], "Content-Id: <tkt_07@tickets>")
	require.Contains(t, mailtest.Parts(t, data)["text/plain"], "in the attached file")
}
