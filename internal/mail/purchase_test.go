package mail

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
)

func TestMailsAboutAPurchaseSayWhatItIsAboutInBothParts(t *testing.T) {
	p := Purchase{
		ReservationID: "rsv_01", Event: "Bonnie & Clyde <live>\r\nBcc: all@example.com", Venue: "Town hall",
		StartsAt: time.Date(2027, 5, 1, 20, 30, 0, 0, time.FixedZone("CEST", 7200)),
		Tickets:  []Ticket{{Section: "Stalls", Seat: "A-12", Price: "30.00 EUR"}, {Section: "Floor", Price: "25.50 EUR"}}, Total: "55.50 EUR",
	}
	occasion := []string{"Bonnie & Clyde <live>", "Town hall", "Saturday, 1 May 2027, 18:30 UTC", "rsv_01"}
	confirmed, err := ReservationConfirmed("ann@example.com", p)
	require.NoError(t, err)
	refunded, err := Refunded("ann@example.com", p, "12.00 EUR", "the event was cancelled")
	require.NoError(t, err)
	cancelled, err := EventCancelled("ann@example.com", p, true)
	require.NoError(t, err)
	unpaid, err := EventCancelled("ann@example.com", p, false)
	require.NoError(t, err)
	for subject, test := range map[string]struct {
		message Message
		says    []string
	}{
		"Your tickets: Bonnie & Clyde <live> Bcc: all@example.com": {confirmed, []string{"Stalls, seat A-12", "30.00 EUR", "Floor", "25.50 EUR", "55.50 EUR"}},
		"Your refund: Bonnie & Clyde <live> Bcc: all@example.com":  {refunded, []string{"12.00 EUR", "because the event was cancelled"}},
		"Cancelled: Bonnie & Clyde <live> Bcc: all@example.com":    {cancelled, []string{"what you paid is given back by itself"}},
		"Cancelled: Bonnie & Clyde <live> Bcc: all@example.com ":   {unpaid, []string{"your reservation has ended"}},
	} {
		post := mailtest.Open(t, mailtest.Options{})
		test.message.ID = "mail.rsv_01"
		require.NoError(t, open(t, "smtp://"+post.Address).Send(t.Context(), test.message))
		got := post.Only(t)
		if s := mailtest.Header(t, got.Data, "Subject"); s != strings.TrimSpace(subject) {
			t.Errorf("the subject is %q", s)
		}
		if id := mailtest.Header(t, got.Data, "Message-ID"); id != "<mail.rsv_01@example.com>" {
			t.Errorf("the Message-ID is %q", id)
		}
		for kind, content := range mailtest.Parts(t, got.Data) {
			for _, says := range append(test.says, occasion...) {
				if kind == "text/html" {
					says = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(says)
				}
				if plain := strings.NewReplacer("<strong>", "", "</strong>", "").Replace(content); !strings.Contains(plain, says) {
					t.Errorf("%s: the part %s lacks %q:\n%s", subject, kind, says, content)
				}
			}
		}
	}
}

func TestOnlyARefusalForGoodIsFinal(t *testing.T) {
	post := mailtest.Open(t, mailtest.Options{Busy: func(n int) bool { return n == 1 }})
	mailer := open(t, "smtp://"+post.Address)
	for to, final := range map[string]bool{"ann@example.com": false, "nobody": true} {
		if err := mailer.Send(t.Context(), Message{To: to, Text: "Hi", HTML: "Hi"}); err == nil || Final(err) != final {
			t.Errorf("%s: %v is final: %t", to, err, Final(err))
		}
	}
	if err := open(t, "smtp://127.0.0.1:1").Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}); err == nil || Final(err) {
		t.Errorf("a server that is away is final: %v", err)
	}
}
