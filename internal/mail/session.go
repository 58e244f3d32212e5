package mail

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// session is an open session with a mail server.
type session struct {
	conn   net.Conn
	client *gomail.Client
	smtp   *smtp.Client
	mails  int         // sent through it
	expire *time.Timer // closes it when it is not used
}

func (s *smtpMailer) openSession(ctx context.Context) (*session, error) {
	conn, err := s.dialServer(ctx)
	if err != nil {
		return nil, err
	}
	// go-mail neither closes a connection whose greeting failed nor stops for a context once it is connected.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := gomail.NewClient(s.server.host, s.clientOptions(conn)...)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("create the mail client: %w", err)
	}
	opened, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("open a session with the mail server: %w", err)
	}
	return &session{conn: conn, client: client, smtp: opened}, nil
}

// Probe connects to the mail server and signs in, as before a mail is sent.
func Probe(ctx context.Context, cfg Config) error {
	server, err := parseServer(cfg.SMTPURL)
	if err != nil {
		return fmt.Errorf("parse the URL of the mail server: %w", err)
	}
	opened, err := (&smtpMailer{server: server, tls: cfg.TLS}).openSession(ctx)
	if err != nil {
		return err
	}
	opened.close()
	return nil
}

// dropSessions closes the kept sessions, without a word to a server that may be gone.
func (s *smtpMailer) dropSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.kept {
		kept.expire.Stop()
		_ = kept.conn.Close()
	}
	s.kept = nil
}

// close ends a session that no mail is sent through.
func (s *session) close() {
	_ = s.conn.SetDeadline(time.Now().Add(time.Second)) // the server has accepted its mails
	_ = s.smtp.Quit()
	_ = s.conn.Close()
}

// takeSession returns the session that was used last, nil if none is kept.
func (s *smtpMailer) takeSession() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		return nil
	}
	last := s.kept[len(s.kept)-1]
	s.kept = s.kept[:len(s.kept)-1]
	last.expire.Stop()
	return last
}

// keepSession keeps a session for the next mail, and reports whether there was room.
func (s *smtpMailer) keepSession(open *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= mostKept {
		return false
	}
	s.kept = append(s.kept, open)
	open.expire = time.AfterFunc(keepFor, func() {
		if s.forgetSession(open) {
			open.close()
		}
	})
	return true
}

// forgetSession removes a kept session, and reports whether it was there.
func (s *smtpMailer) forgetSession(open *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.kept, open)
	if i >= 0 {
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	return i >= 0
}
