package mail

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"ticketing/internal/loopback"
)

// sendTimeout bounds sending one mail, with its connection.
const sendTimeout = 30 * time.Second

// smtpMailer opens a connection for each mail: mails are rare, and servers drop idle connections.
type smtpMailer struct {
	server server
	from   *mail.Address
	tls    *tls.Config // Default: the system's certificates.
}

// Send returns when the server has accepted the mail, when ctx ends, or after half a minute.
func (s *smtpMailer) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	msg, err := composeMessage(s.from, m)
	if err != nil {
		return err
	}
	conn, err := s.dialServer(ctx)
	if err != nil {
		return err
	}
	// go-mail neither closes a connection whose greeting failed nor stops for a context once it is connected.
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	client, err := gomail.NewClient(s.server.host, s.clientOptions(conn)...)
	if err != nil {
		return fmt.Errorf("create the mail client: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("open a session with the mail server: %w", err)
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil {
		return fmt.Errorf("send a mail: %w", withoutRecipient(err))
	}
	_ = session.Quit() // the server has accepted the mail
	return nil
}

// dialServer connects, with TLS for smtps://.
func (s *smtpMailer) dialServer(ctx context.Context) (conn net.Conn, err error) {
	address := net.JoinHostPort(s.server.host, strconv.Itoa(s.server.port))
	if s.server.implicit {
		conn, err = (&tls.Dialer{Config: s.tlsConfig()}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the mail server: %w", err)
	}
	return conn, nil
}

// clientOptions returns go-mail's options for one mail over conn. A password is sent to another machine only with TLS.
func (s *smtpMailer) clientOptions(conn net.Conn) []gomail.Option {
	policy := gomail.TLSOpportunistic
	if s.server.user != "" && !loopback.Is(s.server.host) {
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(s.server.port),
		gomail.WithTimeout(sendTimeout),
		gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
	}
	if s.server.implicit {
		options = append(options, gomail.WithSSL())
	}
	if s.server.user != "" {
		options = append(options, gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

func (s *smtpMailer) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.tls != nil {
		config = s.tls.Clone()
	}
	config.ServerName = s.server.host
	return config
}
