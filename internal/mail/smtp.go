package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"ticketing/internal/loopback"
	"ticketing/internal/network"
)

// A mail server that falls silent holds up neither a mail nor those behind it for longer than sendTimeout.
const (
	sendTimeout  = 12 * time.Second // bounds sending one mail, with its connection
	checkTimeout = 2 * time.Second  // of a kept session, before a mail is sent through it
)

// smtpMailer keeps sessions for the next mails: opening one takes several round trips and, with TLS and a password, most of the time that a
// mail takes.
type smtpMailer struct {
	server server
	from   *mail.Address
	tls    *tls.Config // Default: the system's certificates.

	mu   sync.Mutex
	kept []*session // the one that was used last is at the end
}

// The sessions that are kept.
const (
	mostKept = queueWorkers
	// keepFor is how long an unused session is kept: less than servers wait.
	keepFor = 15 * time.Second
	// mostMails is how many mails go through one session: servers refuse more at some number.
	mostMails = 100
)

// Send returns when the server has accepted the mail, when ctx ends, or after sendTimeout.
func (s *smtpMailer) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	msg, err := composeMessage(s.from, m)
	if err != nil {
		return err
	}
	if kept := s.takeSession(); kept != nil {
		_ = kept.conn.SetDeadline(time.Now().Add(checkTimeout)) // go-mail sets another one after its check
		err := s.sendWith(ctx, kept, msg)
		if failed, ok := errors.AsType[*gomail.SendError](err); !ok || failed.Reason != gomail.ErrConnCheck || ctx.Err() != nil {
			return sendFailed(err)
		}
		s.dropSessions() // this one is gone, as the others may be, and the server has seen nothing of the mail
	}
	fresh, err := s.openSession(ctx)
	if err != nil {
		return err
	}
	return sendFailed(s.sendWith(ctx, fresh, msg))
}

func sendFailed(err error) error {
	if err != nil {
		return fmt.Errorf("send a mail: %w", withoutRecipient(err))
	}
	return nil
}

// sendWith sends a mail, and keeps the session if that worked.
func (s *smtpMailer) sendWith(ctx context.Context, open *session, msg *gomail.Msg) error {
	// go-mail does not stop for a context once it is connected.
	stop := context.AfterFunc(ctx, func() { _ = open.conn.Close() })
	err := open.client.SendWithSMTPClient(open.smtp, msg)
	if open.mails++; err != nil || !stop() || open.mails >= mostMails || !s.keepSession(open) {
		open.close()
	}
	return err
}

// dialServer connects, with TLS for smtps://.
func (s *smtpMailer) dialServer(ctx context.Context) (conn net.Conn, err error) {
	conn, err = network.Dial(ctx, "tcp", net.JoinHostPort(s.server.host, strconv.Itoa(s.server.port)))
	if err == nil && s.server.implicit {
		secure := tls.Client(conn, s.tlsConfig())
		if err = secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
		}
		conn = secure
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the mail server: %w", err)
	}
	return conn, nil
}

// clientOptions returns go-mail's options for mails over conn. A password is sent to another machine only with TLS.
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
