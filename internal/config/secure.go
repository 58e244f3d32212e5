package config

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"ticketing/internal/loopback"
)

// certificates are the files that a TLS client needs. The zero value is the system's certificate authorities, and no certificate of its own.
type certificates struct {
	name          string // of the variables, without _CA_FILE and so on
	ca, cert, key string
}

// BrokerTLSConfig returns how the brokers are reached, nil for plaintext.
func (c Config) BrokerTLSConfig() (*tls.Config, error) {
	if !c.BrokerTLS {
		return nil, nil //nolint:nilnil // as documented
	}
	return c.brokerCertificates().read()
}

// RedisTLSConfig returns how Redis is reached if REDIS_URL begins with rediss://.
func (c Config) RedisTLSConfig() (*tls.Config, error) { return c.redisCertificates().read() }

// SMTPTLSConfig returns how the mail server is reached.
func (c Config) SMTPTLSConfig() (*tls.Config, error) { return c.smtpCertificates().read() }

func (c Config) brokerCertificates() certificates {
	return certificates{"REDPANDA", c.BrokerCAFile, c.BrokerCertFile, c.BrokerKeyFile}
}

func (c Config) redisCertificates() certificates {
	return certificates{"REDIS", c.RedisCAFile, c.RedisCertFile, c.RedisKeyFile}
}

func (c Config) smtpCertificates() certificates { return certificates{name: "SMTP", ca: c.SMTPCAFile} }

// read returns the configuration of a TLS client that trusts and shows the certificates.
func (f certificates) read() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("%s_CA_FILE: %w", f.name, err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s_CA_FILE: %s has no certificate in PEM", f.name, f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, fmt.Errorf("%s_CERT_FILE: a certificate and its key (%s_KEY_FILE) are needed together", f.name, f.name)
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("%s_CERT_FILE: %w", f.name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (v *validator) checkCertificates() {
	for _, files := range []certificates{v.cfg.brokerCertificates(), v.cfg.redisCertificates(), v.cfg.smtpCertificates()} {
		if _, err := files.read(); err != nil {
			v.problems = append(v.problems, err)
		}
	}
	if files := v.cfg.brokerCertificates(); !v.cfg.BrokerTLS && files != (certificates{name: files.name}) {
		v.report("REDPANDA_TLS", "certificates are of no use without it; set it to true")
	}
}

// saslToken is the mechanism that takes a token instead of a user and password.
const saslToken = "OAUTHBEARER"

// saslMechanisms are those of package kafka.
func saslMechanisms() []string { return []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", saslToken} }

func (v *validator) checkSASL() {
	const name = "REDPANDA_SASL_MECHANISM"
	c, sasl := v.cfg, v.cfg.SASL
	if sasl.Mechanism == "" {
		if sasl.Username+sasl.Password+sasl.TokenFile != "" {
			v.report(name, "needed with a user or token; use one of %s", strings.Join(saslMechanisms(), ", "))
		}
		return
	}
	if !slices.Contains(saslMechanisms(), sasl.Mechanism) {
		v.report(name, "%q is unknown; use one of %s", sasl.Mechanism, strings.Join(saslMechanisms(), ", "))
	}
	switch isToken := sasl.Mechanism == saslToken; {
	case isToken && (sasl.TokenFile == "" || sasl.Username+sasl.Password != ""):
		v.report(name, "%s needs REDPANDA_SASL_TOKEN_FILE, and no user or password", saslToken)
	case !isToken && (sasl.Username == "" || sasl.Password == "" || sasl.TokenFile != ""):
		v.report(name, "needs REDPANDA_SASL_USERNAME and REDPANDA_SASL_PASSWORD; only %s takes a token", saslToken)
	case isToken && !c.BrokerTLS && slices.ContainsFunc(c.Brokers, isRemote):
		v.report("REDPANDA_TLS", "a token is for TLS only; set it to true")
	}
}

// plaintext is an address that production reaches by TLS, unless ALLOW_PLAINTEXT names it.
type plaintext struct {
	name   string
	clear  bool // it is configured, and without TLS
	remedy string
}

// addresses returns what the configuration reaches. Machines other than this one count as clear if nothing says TLS.
func (c Config) addresses() []plaintext {
	return []plaintext{
		{string(NeedEvents), clearDatabase(c.EventsURL), "add sslmode=verify-full"},
		{string(NeedRead), clearDatabase(c.ReadURL), "add sslmode=verify-full"},
		{"PROJECTION_POOLER_URL", clearDatabase(c.ReadPoolerURL), "add sslmode=verify-full"},
		{string(NeedAuth), clearDatabase(c.AuthURL), "add sslmode=verify-full"},
		{string(NeedRedis), clearURL(c.RedisURL, "redis"), "use rediss://"},
		{"REDIS_CACHE_URL", clearURL(c.RedisCacheURL, "redis"), "use rediss://"},
		{string(NeedBroker), !c.BrokerTLS && slices.ContainsFunc(c.Brokers, isRemote), "set REDPANDA_TLS=true"},
		{string(NeedMail), clearURL(c.SMTPURL, "smtp") && !hasPassword(c.SMTPURL), "use smtps://"}, // a password is sent after STARTTLS only
		{"OTEL_EXPORTER_OTLP_ENDPOINT", clearURL(c.OTLPEndpoint, "http"), "use https://"},
	}
}

func (v *validator) checkPlaintext() {
	var names []string
	for _, a := range v.cfg.addresses() {
		names = append(names, a.name)
		if a.clear && !v.cfg.Development() && !slices.Contains(v.cfg.AllowPlaintext, a.name) {
			v.report(a.name, "data and passwords must not travel in the clear; %s, or name it in ALLOW_PLAINTEXT", a.remedy)
		}
	}
	for _, name := range v.cfg.AllowPlaintext {
		if !slices.Contains(names, name) {
			v.report("ALLOW_PLAINTEXT", "%q is unknown; use any of %s", name, strings.Join(names, ", "))
		}
	}
}

// CheckDatabaseURL returns an error if production would reach a database in the clear that allowPlaintext, the value of ALLOW_PLAINTEXT, does not
// name. It is for programs that need nothing else of a Config; variable has the address, a URL.
func CheckDatabaseURL(variable, address, environment, allowPlaintext string) error {
	if environment != Production || !clearDatabase(address) || slices.Contains(strings.Split(allowPlaintext, ","), variable) {
		return nil
	}
	return fmt.Errorf("%s: data and passwords must not travel in the clear; add sslmode=verify-full, or name it in ALLOW_PLAINTEXT", variable)
}

// clearDatabase reports whether a connection to PostgreSQL may be in the clear: without sslmode, pgx tries TLS and does without.
func clearDatabase(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	hosts := cmp.Or(u.Query().Get("host"), u.Host)
	if hosts == "" || strings.HasPrefix(hosts, "/") { // none, or a Unix socket
		return false
	}
	secure := []string{"require", "verify-ca", "verify-full"}
	return !slices.Contains(secure, u.Query().Get("sslmode")) && slices.ContainsFunc(strings.Split(hosts, ","), isRemote)
}

// clearURL reports whether a URL has the scheme that means plaintext, and leads to another machine.
func clearURL(text, scheme string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == scheme && isRemote(u.Host)
}

func hasPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

// isRemote reports whether an address, with or without a port, is another machine's.
func isRemote(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	return !loopback.Is(host)
}
