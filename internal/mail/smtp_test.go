package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketing/internal/mail/mailtest"
)

func TestMailGoesOverSMTPAsTextAndHTML(t *testing.T) {
	post := mailtest.Open(t, mailtest.Options{})
	mailer := open(t, "smtp://"+post.Address)
	message, err := MagicLink("ann@example.com", "https://tickets.example/auth/verify#token=a-b_c", 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := mailer.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	got := post.Only(t)
	if got.From != "tickets@example.com" || got.To != "ann@example.com" {
		t.Errorf("the envelope says %q to %q", got.From, got.To)
	}
	for kind, content := range mailtest.Parts(t, got.Data) {
		if !strings.Contains(content, "https://tickets.example/auth/verify#token=a-b_c") {
			t.Errorf("the part %s lacks the link:\n%s", kind, content)
		}
		if !strings.Contains(content, "15 minutes") {
			t.Errorf("the part %s does not say how long the link lives", kind)
		}
	}
}

func TestPasswordIsSentUnderTLS(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			post := mailtest.Open(t, mailtest.Options{TLS: true, Implicit: scheme == "smtps", Password: "s3cret"})
			mailer := open(t, scheme+"://robot:s3cret@"+post.Address)
			mailer.(*smtpMailer).tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: post.Roots}
			if err := mailer.Send(t.Context(), Message{To: "ann@example.com", Subject: "Hi", Text: "Hi", HTML: "Hi"}); err != nil {
				t.Fatal(err)
			}
			if !post.Only(t).Encrypted {
				t.Error("the mail went in the clear although the server offers TLS")
			}
		})
	}
}

func TestCertificateIsChecked(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			post := mailtest.Open(t, mailtest.Options{TLS: true, Implicit: scheme == "smtps"})
			err := open(t, scheme+"://"+post.Address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
			if err == nil {
				t.Fatal("a server with an unknown certificate got a mail")
			}
		})
	}
}

func TestRefusalNamesNobody(t *testing.T) {
	post := mailtest.Open(t, mailtest.Options{Refuse: &smtp.SMTPError{Code: 550, Message: "no such user ann@example.com"}})
	err := open(t, "smtp://"+post.Address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
	if err == nil || worthRetrying(err) {
		t.Fatalf("a final refusal reads as %v", err)
	}
	if strings.Contains(err.Error(), "ann") || !strings.Contains(err.Error(), "550") {
		t.Errorf("the error says %q", err)
	}
}

func TestMalformedRecipientIsNotQuoted(t *testing.T) {
	err := open(t, "smtp://127.0.0.1:1").Send(t.Context(), Message{To: "ann@example.com\r\nBcc: bob@example.com"})
	if !errors.Is(err, errRecipient) || strings.Contains(err.Error(), "ann") {
		t.Errorf("the error says %q", err)
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- open(t, "smtp://"+silent.Addr().String()).Send(ctx, Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a mail to nobody was sent")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("sending outlived its context")
	}
}

func open(t *testing.T, url string) Mailer {
	t.Helper()
	mailer, err := Open(Config{SMTPURL: url, From: "Tickets <tickets@example.com>"})
	if err != nil {
		t.Fatal(err)
	}
	return mailer
}
