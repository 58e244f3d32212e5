package mail

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
	"ticketing/internal/network/networktest"
)

func TestAMailIsSentAsTextAndHTML(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{})
	mailer := open(t, "smtp://"+post.Address)
	message, err := MagicLink("ann@example.com", "https://tickets.example/auth/verify#token=a-b_c", 15*time.Minute)
	require.NoError(t, err)
	require.NoError(t, mailer.Send(t.Context(), message))

	got := post.Only(t)
	require.Equal(t, "tickets@example.com", got.From)
	require.Equal(t, "ann@example.com", got.To)
	for kind, content := range mailtest.Parts(t, got.Data) {
		require.Contains(t, content, "https://tickets.example/auth/verify#token=a-b_c", kind)
		require.Contains(t, content, "15 minutes", kind)
	}
}

func TestAPasswordIsSentWithTLS(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			post := mailtest.Open(t, mailtest.Config{TLS: true, Implicit: scheme == "smtps", Password: "s3cret"})
			mailer := open(t, scheme+"://robot:s3cret@"+post.Address)
			mailer.(*smtpMailer).tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: post.Roots}
			require.NoError(t, mailer.Send(t.Context(), Message{To: "ann@example.com", Subject: "Hi", Text: "Hi", HTML: "Hi"}))
			require.True(t, post.Only(t).Encrypted, "the server offers TLS")
		})
	}
}

func TestTheCertificateIsChecked(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			post := mailtest.Open(t, mailtest.Config{TLS: true, Implicit: scheme == "smtps"})
			err := open(t, scheme+"://"+post.Address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
			require.Error(t, err)
		})
	}
}

func TestARefusalDoesNotQuoteTheRecipient(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{Refuse: &smtp.SMTPError{Code: 550, Message: "no such user ann@example.com"}})
	err := open(t, "smtp://"+post.Address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
	require.Error(t, err)
	require.True(t, Final(err))
	require.NotContains(t, err.Error(), "ann")
	require.Contains(t, err.Error(), "550")
}

func TestAMalformedRecipientIsNotQuoted(t *testing.T) {
	err := open(t, "smtp://127.0.0.1:1").Send(t.Context(), Message{To: "ann@example.com\r\nBcc: bob@example.com"})
	require.ErrorIs(t, err, errRecipient)
	require.NotContains(t, err.Error(), "ann")
}

func TestSendingEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts connections and sends nothing
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	mailer, done := open(t, "smtp://"+silent.Addr().String()), make(chan error, 1)
	go func() { done <- mailer.Send(ctx, Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}) }()
	select {
	case err := <-done:
		require.Error(t, err)
	case <-time.After(sendTimeout / 3):
		require.FailNow(t, "sending outlived its context")
	}
}

func TestSessionsAreKept(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{})
	mailer := open(t, "smtp://"+post.Address).(*smtpMailer)
	send := func() {
		require.NoError(t, mailer.Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}))
	}
	for range 10 {
		send()
	}
	require.Equal(t, 1, post.Sessions())
	require.Len(t, mailer.kept, 1)

	require.NoError(t, mailer.kept[0].conn.Close()) // the server has ended it
	send()
	require.Equal(t, 2, post.Sessions())
	require.Len(t, post.Got(), 11, "each mail arrives once")

	var all sync.WaitGroup
	for range 3 * mostKept {
		all.Go(send)
	}
	all.Wait()
	require.LessOrEqual(t, len(mailer.kept), mostKept)
	for range mostMails {
		send()
	}
	require.Len(t, post.Got(), 11+3*mostKept+mostMails)
}

func TestSilentSessionsAreReplaced(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	proxy := networktest.NewProxy(t, post.Address)
	mailer := open(t, "smtp://"+proxy.Address()).(*smtpMailer)
	for range mostKept {
		opened, err := mailer.openSession(t.Context())
		require.NoError(t, err)
		require.True(t, mailer.keepSession(opened))
	}
	require.Equal(t, mostKept, proxy.Silence())
	began := time.Now()
	require.NoError(t, mailer.Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}))
	require.Less(t, time.Since(began), 15*time.Second, "as docs/operations.md says")
	require.Len(t, post.Got(), 1)
	require.Len(t, mailer.kept, 1, "the others that were kept are gone, too")
}

// A session in which the server refused a mail is not used again.
func TestARefusalEndsItsSession(t *testing.T) {
	post := mailtest.Open(t, mailtest.Config{Refuse: &smtp.SMTPError{Code: 550, Message: "no"}})
	mailer := open(t, "smtp://"+post.Address).(*smtpMailer)
	for range 3 {
		require.Error(t, mailer.Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"}))
	}
	require.Empty(t, mailer.kept)
	require.Equal(t, 3, post.Sessions())
}

func open(t *testing.T, url string) Mailer {
	t.Helper()
	mailer, err := Open(Config{SMTPURL: url, From: "Tickets <tickets@example.com>"})
	require.NoError(t, err)
	return mailer
}
