package kafka_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ticketing/internal/kafka"
	"ticketing/internal/testenv"
)

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

// newCertificate returns a certificate of 127.0.0.1 and the pool that trusts it.
func newCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	return server.TLS.Certificates[0], authorities
}

// roundTrip writes a record and returns the first error.
func roundTrip(t *testing.T, c kafka.Config) error {
	t.Helper()
	c.ClientID, c.Logger = "test", slog.New(slog.DiscardHandler)
	client, err := kgo.NewClient(append(kafka.Options(c), kgo.DefaultProduceTopic("t"), kgo.RecordRetries(1))...)
	require.NoError(t, err)
	defer client.Close()
	return client.ProduceSync(t.Context(), &kgo.Record{Value: []byte("x")}).FirstErr()
}

func TestClientsNameThemselvesOverTLS(t *testing.T) {
	t.Parallel()
	certificate, authorities := newCertificate(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}),
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "pw"), kfake.Superuser("SCRAM-SHA-256", "ann", "pw"), kfake.Superuser("SCRAM-SHA-512", "ann", "pw"))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	trusting := &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		named := kafka.Config{Brokers: broker.ListenAddrs(), TLS: trusting, SASL: kafka.SASL{Mechanism: mechanism, Username: "ann", Password: "pw"}}
		require.NoError(t, roundTrip(t, named), mechanism)
		named.SASL.Password = "wrong"
		require.Error(t, roundTrip(t, named), mechanism)
	}
	require.Error(t, roundTrip(t, kafka.Config{
		Brokers: broker.ListenAddrs(), TLS: &tls.Config{MinVersion: tls.VersionTLS12}, SASL: kafka.SASL{Mechanism: kafka.Plain, Username: "ann", Password: "pw"},
	}), "its certificate is not trusted")
}

func TestABrokerMayDemandACertificate(t *testing.T) {
	t.Parallel()
	certificate, authorities := newCertificate(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert,
	}))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	c := kafka.Config{Brokers: broker.ListenAddrs(), TLS: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}
	require.Error(t, roundTrip(t, c))
	c.TLS.Certificates = []tls.Certificate{certificate}
	require.NoError(t, roundTrip(t, c))
}

// The imitation of Kafka knows no tokens: the test responds to what the client sends as Kafka does.
func TestATokenIsReadForEachConnection(t *testing.T) {
	t.Parallel()
	certificate, authorities := newCertificate(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	var valid atomic.Value
	valid.Store("first")
	broker.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		response := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
		response.SupportedMechanisms = []string{"OAUTHBEARER"}
		return response, nil, true
	})
	broker.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		if want := "n,,\x01auth=Bearer " + valid.Load().(string) + "\x01\x01"; string(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes) != want {
			response.ErrorCode = kerr.SaslAuthenticationFailed.Code
		}
		return response, nil, true
	})
	file := filepath.Join(t.TempDir(), "token")
	named := kafka.Config{
		Brokers: broker.ListenAddrs(), TLS: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12},
		SASL: kafka.SASL{Mechanism: kafka.OAuthBearer, TokenFile: file},
	}
	require.Error(t, roundTrip(t, named), "there is no token")
	require.NoError(t, os.WriteFile(file, []byte("first\n"), 0o600))
	require.NoError(t, roundTrip(t, named))
	valid.Store("second")
	require.Error(t, roundTrip(t, named), "the token has expired")
	require.NoError(t, os.WriteFile(file, []byte("second\n"), 0o600))
	require.NoError(t, roundTrip(t, named))
}

// A broker that goes and comes back is two lines, however often the client tries.
func TestAFaultsBeginningAndEndAreLogged(t *testing.T) {
	t.Parallel()
	server := testenv.BrokerServer(t, 1)
	var log syncBuffer
	client, err := kgo.NewClient(kafka.Options(kafka.Config{
		Brokers: server.Addrs(), ClientID: "test", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Ping(t.Context()))
	server.Kill()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		_ = client.Ping(t.Context())
		return log.count("reaching the broker fails") == 1, "not logged"
	})
	server.Start()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		_ = client.Ping(t.Context())
		return log.count("reaching the broker works again") == 1, "not logged"
	})
	require.Equal(t, 1, log.count("reaching the broker fails"))
}
