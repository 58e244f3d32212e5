// Package mailtest is a mail server for tests.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// PostOffice is a mail server in this process, reached over TCP.
type PostOffice struct {
	Address string
	Roots   *x509.CertPool // to trust its certificate, with TLS
	config  Config
	mu      sync.Mutex
	got     []Delivery
	opened  int
}

// Config configures a PostOffice.
type Config struct {
	TLS      bool             // Offers STARTTLS. Default: without TLS.
	Implicit bool             // Expects TLS from the start. Default: without TLS.
	Password string           // Of the user robot. Default: no sign-in.
	Refuse   *smtp.SMTPError  // For every recipient. Default: every mail is accepted.
	Busy     func(n int) bool // Reports whether the nth mail gets "try again later". Default: none does.
}

// Delivery is a mail that arrived.
type Delivery struct {
	From, To, Data string
	Encrypted      bool
}

// Open starts a server that ends with the test.
func Open(t testing.TB, c Config) *PostOffice {
	t.Helper()
	p := &PostOffice{config: c}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.opened++
		return &session{office: p, conn: c}, nil
	}))
	server.Domain = "localhost"
	server.ErrorLog = quiet{}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.Address = listener.Addr().String()
	if c.TLS {
		var certificate tls.Certificate
		certificate, p.Roots = selfSigned(t)
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	}
	if c.Implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

// Got returns the mails that arrived.
func (p *PostOffice) Got() []Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// Sessions returns how many sessions were opened.
func (p *PostOffice) Sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Only returns the only mail that arrived.
func (p *PostOffice) Only(t testing.TB) Delivery {
	t.Helper()
	got := p.Got()
	require.Len(t, got, 1)
	return got[0]
}

type session struct {
	office *PostOffice
	conn   *smtp.Conn
	mail   Delivery
	signed bool
}

func (s *session) AuthMechanisms() []string {
	if _, encrypted := s.conn.TLSConnectionState(); encrypted && s.office.config.Password != "" {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "robot" || password != s.office.config.Password {
			return smtp.ErrAuthFailed
		}
		s.signed = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.office.config.Password != "" && !s.signed {
		return smtp.ErrAuthRequired
	}
	s.mail.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.office.config.Refuse != nil {
		return s.office.config.Refuse
	}
	s.mail.To = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = string(data)
	_, s.mail.Encrypted = s.conn.TLSConnectionState()
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.got = append(s.office.got, s.mail)
	if s.office.config.Busy != nil && s.office.config.Busy(len(s.office.got)) {
		return &smtp.SMTPError{Code: 451, Message: "try again later"}
	}
	return nil
}

func (s *session) Reset()        { s.mail = Delivery{} }
func (s *session) Logout() error { return nil }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// selfSigned returns a certificate for 127.0.0.1 and a pool that trusts it.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post office"}, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
