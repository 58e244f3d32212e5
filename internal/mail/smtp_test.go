package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func TestMailGoesOverSMTPAsTextAndHTML(t *testing.T) {
	post := newPostOffice(t, postOptions{})
	mailer := open(t, "smtp://"+post.address)
	message, err := MagicLink("ann@example.com", "https://tickets.example/auth/verify#token=a-b_c", 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := mailer.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	got := post.only(t)
	if got.from != "tickets@example.com" || got.to != "ann@example.com" {
		t.Errorf("the envelope says %q to %q", got.from, got.to)
	}
	for kind, content := range parts(t, got.data) {
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
			post := newPostOffice(t, postOptions{tls: true, implicit: scheme == "smtps", password: "s3cret"})
			mailer := open(t, scheme+"://robot:s3cret@"+post.address)
			mailer.(*smtpMailer).tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: post.roots}
			if err := mailer.Send(t.Context(), Message{To: "ann@example.com", Subject: "Hi", Text: "Hi", HTML: "Hi"}); err != nil {
				t.Fatal(err)
			}
			if !post.only(t).encrypted {
				t.Error("the mail went in the clear although the server offers TLS")
			}
		})
	}
}

func TestCertificateIsChecked(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			post := newPostOffice(t, postOptions{tls: true, implicit: scheme == "smtps"})
			err := open(t, scheme+"://"+post.address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
			if err == nil {
				t.Fatal("a server with an unknown certificate got a mail")
			}
		})
	}
}

func TestRefusalNamesNobody(t *testing.T) {
	post := newPostOffice(t, postOptions{refuse: &smtp.SMTPError{Code: 550, Message: "no such user ann@example.com"}})
	err := open(t, "smtp://"+post.address).Send(t.Context(), Message{To: "ann@example.com", Text: "Hi", HTML: "Hi"})
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

// parts answers the decoded alternatives of a mail by content type.
func parts(t *testing.T, data string) map[string]string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is %q: %v", kind, err)
	}
	found := map[string]string{}
	for reader := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		found[kind] = string(content)
	}
	if len(found) != 2 || found["text/plain"] == "" || found["text/html"] == "" {
		t.Fatalf("the mail's parts are %v", found)
	}
	return found
}

// postOffice is a mail server in this process, reached over TCP.
type postOffice struct {
	address string
	options postOptions
	roots   *x509.CertPool
	mu      sync.Mutex
	got     []delivery
}

type postOptions struct {
	tls, implicit bool
	password      string           // asks for robot's password
	refuse        *smtp.SMTPError  // what every recipient is refused with
	busy          func(n int) bool // whether to answer the nth mail with "try again later"
}

type delivery struct {
	from, to, data string
	encrypted      bool
}

func newPostOffice(t *testing.T, options postOptions) *postOffice {
	t.Helper()
	p := &postOffice{options: options}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &postSession{office: p, conn: c}, nil
	}))
	server.Domain = "localhost"
	server.ErrorLog = quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	if options.tls {
		var certificate tls.Certificate
		certificate, p.roots = selfSigned(t)
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	}
	if options.implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

// only answers the one mail that arrived.
func (p *postOffice) only(t *testing.T) delivery {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) != 1 {
		t.Fatalf("%d mails arrived", len(p.got))
	}
	return p.got[0]
}

type postSession struct {
	office *postOffice
	conn   *smtp.Conn
	mail   delivery
	signed bool
}

func (s *postSession) AuthMechanisms() []string {
	if _, encrypted := s.conn.TLSConnectionState(); encrypted && s.office.options.password != "" {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *postSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "robot" || password != s.office.options.password {
			return smtp.ErrAuthFailed
		}
		s.signed = true
		return nil
	}), nil
}

func (s *postSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.office.options.password != "" && !s.signed {
		return smtp.ErrAuthRequired
	}
	s.mail.from = from
	return nil
}

func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.office.options.refuse != nil {
		return s.office.options.refuse
	}
	s.mail.to = to
	return nil
}

func (s *postSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(data)
	_, s.mail.encrypted = s.conn.TLSConnectionState()
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.got = append(s.office.got, s.mail)
	if s.office.options.busy != nil && s.office.options.busy(len(s.office.got)) {
		return &smtp.SMTPError{Code: 451, Message: "try again later"}
	}
	return nil
}

func (s *postSession) Reset()        { s.mail = delivery{} }
func (s *postSession) Logout() error { return nil }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// selfSigned makes a certificate for 127.0.0.1 and the pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post office"}, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
