package parts

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"ticketing/internal/httpserver"
	"ticketing/internal/mail"
)

// mailConfig is for mails by SMTP, or without it (outside production) for a folder of DATA_DIR.
func (e Env) mailConfig() (mail.Config, error) {
	certificates, err := e.Config.SMTPTLSConfig()
	return mail.Config{
		SMTPURL: e.Config.SMTPURL, From: e.Config.MailFrom, Folder: filepath.Join(e.Config.DataDir, "mail"), TLS: certificates,
	}, err
}

func (e Env) mailer() (mail.Mailer, error) {
	cfg, err := e.mailConfig()
	if err != nil {
		return nil, err
	}
	mailer, err := mail.Open(cfg)
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return mailer, nil
}

// Health signs in to the mail server in a goroutine of its own, since servers may have clients wait for seconds before they greet them, and seldom,
// since each sign-in is counted there.
const (
	mailEvery   = time.Minute
	mailAgain   = 15 * time.Second // after a failure
	mailTimeout = 10 * time.Second // of one sign-in
)

// mailProbe shows what the last sign-in to the mail server found; nothing is wrong until then.
type mailProbe struct {
	signIn func(context.Context) error

	mu      sync.Mutex
	running bool
	next    time.Time
	err     error
}

// mailCheck looks at the mail server, if there is one. Without it nothing else stops: mails are sent again.
func (e Env) mailCheck(part string) ([]httpserver.Check, error) {
	cfg, err := e.mailConfig()
	if err != nil || cfg.SMTPURL == "" {
		return nil, err
	}
	p := &mailProbe{signIn: func(ctx context.Context) error { return mail.Probe(ctx, cfg) }}
	return []httpserver.Check{{Name: part + ": mail server", Probe: newProbe(p.check)}}, nil
}

func (p *mailProbe) check(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running && !time.Now().Before(p.next) {
		p.running = true
		go p.try(context.WithoutCancel(ctx))
	}
	return p.err
}

func (p *mailProbe) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	err, wait := p.signIn(ctx), mailEvery
	if err != nil {
		wait = mailAgain
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running, p.next, p.err = false, time.Now().Add(wait), err
}
