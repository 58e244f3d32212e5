package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/telemetry"
)

// Config configures a Mailer.
type Config struct {
	// SMTPURL is smtp://[user:password@]host[:587] (STARTTLS if the server offers it, and always before a password is sent to another
	// machine) or smtps://[user:password@]host[:465]. Default: mails are written into Folder.
	SMTPURL string
	From    string      // MAIL_FROM: an address, with or without a name. Required.
	Folder  string      // Of the mails; it is created if missing. Required without SMTPURL.
	TLS     *tls.Config // Default: the system's certificate authorities.
}

// Open returns the mailer that cfg describes. It checks the configuration but connects to nothing.
func Open(cfg Config) (Mailer, error) {
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("parse the sender of mails: %w", err)
	}
	if cfg.SMTPURL == "" {
		folder, err := newFolder(cfg.Folder, from)
		if err != nil {
			return nil, err
		}
		return traceMails(folder), nil
	}
	server, err := parseServer(cfg.SMTPURL)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of the mail server: %w", err)
	}
	return traceMails(&smtpMailer{server: server, from: from, tls: cfg.TLS}), nil
}

func traceMails(m Mailer) Mailer {
	if !telemetry.Exports() {
		return m
	}
	return tracedMailer{m}
}

// tracedMailer has a span for each mail of a sampled request, which says nothing of the mail.
type tracedMailer struct{ Mailer }

// Send implements Mailer.
func (t tracedMailer) Send(ctx context.Context, m Message) error {
	ctx, span := telemetry.StartSpan(ctx, "send mail", trace.WithSpanKind(trace.SpanKindClient))
	err := t.Mailer.Send(ctx, m)
	telemetry.EndSpan(span, err)
	return err
}

// server is a parsed SMTP URL.
type server struct {
	host     string
	port     int
	implicit bool // TLS from the first byte, instead of STARTTLS
	user     string
	password string
}

// parseServer parses an SMTP URL. Its errors never quote the URL, since it contains a password.
func parseServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, errors.New("it is not a URL")
	}
	s := server{host: u.Hostname(), user: u.User.Username()}
	s.password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		s.port = 587
	case "smtps":
		s.port, s.implicit = 465, true
	default:
		return server{}, errors.New("it begins with neither smtp:// nor smtps://")
	}
	if s.host == "" {
		return server{}, errors.New("it has no host")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return server{}, errors.New("it has a path or parameters")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return server{}, errors.New("its port is out of range")
		}
	}
	return s, nil
}
