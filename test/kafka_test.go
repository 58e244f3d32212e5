package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/testenv"
)

// newKafkaPlatform returns a platform on Apache Kafka.
func newKafkaPlatform(t *testing.T, k *testenv.Kafka) *platform {
	t.Helper()
	env := newEnvironmentOn(t, testenv.Databases(t), testenv.Redis(t), strings.Join(k.Addrs(), ","))
	if k.CAFile != "" {
		env["REDPANDA_TLS"], env["REDPANDA_CA_FILE"] = "true", k.CAFile
		env["REDPANDA_SASL_MECHANISM"], env["REDPANDA_SASL_USERNAME"], env["REDPANDA_SASL_PASSWORD"] = "SCRAM-SHA-256", testenv.KafkaUser, testenv.KafkaPassword
	}
	return newPlatformIn(t, env)
}

// A node of Apache Kafka, reached by TLS and SCRAM, is killed and comes back while customers buy. The relay makes the topics.
func TestASaleOverApacheKafka(t *testing.T) {
	t.Parallel()
	kafka := testenv.KafkaCluster(t, testenv.KafkaConfig{Secured: true})
	p := newKafkaPlatform(t, kafka)
	p.startPart("relay")
	p.startAPI()
	p.startPart("projector")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.startShoppers(id, 3)
	shoppers.awaitMore(t, 30)
	p.awaitAppliedAll("reservations")

	kafka.Kill(0)
	shoppers.awaitMore(t, 30)
	kafka.Start(0)
	shoppers.awaitMore(t, 30)
	shoppers.finish()
	p.requireVerified()
}

// What the embedded broker does as well, and what the platform relies on.
func TestApacheKafkaRefusesStrangersAndMakesNoTopicByItself(t *testing.T) {
	t.Parallel()
	secured := testenv.KafkaCluster(t, testenv.KafkaConfig{Secured: true})
	p := newKafkaPlatform(t, secured)
	p.env["REDPANDA_SASL_PASSWORD"] = "another password"
	stranger := p.startPart("relay")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return strings.Contains(stranger.readLog(), "SASL_AUTHENTICATION_FAILED"), stranger.readLog()
	})
	open := testenv.KafkaCluster(t, testenv.KafkaConfig{})
	client, err := kgo.NewClient(kgo.SeedBrokers(open.Addrs()...), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(1))
	require.NoError(t, err)
	defer client.Close()
	err = client.ProduceSync(t.Context(), &kgo.Record{Topic: "unknown", Value: []byte("x")}).FirstErr()
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
	topics, err := kadm.NewClient(client).ListTopics(t.Context())
	require.NoError(t, err)
	require.NotContains(t, topics.Names(), "unknown")
}

// Of three nodes one after the other is killed while customers buy, and what is bought is shown all the time.
func TestASaleOverThreeNodesOfApacheKafka(t *testing.T) {
	t.Parallel()
	kafka := testenv.KafkaCluster(t, testenv.KafkaConfig{Nodes: 3})
	p := newKafkaPlatform(t, kafka)
	p.startPart("relay")
	p.startPart("relay")
	p.startAPI()
	p.startPart("projector")
	p.startPart("projector")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.startShoppers(id, 3)
	for node := range 3 {
		shoppers.awaitMore(t, 30)
		kafka.Kill(node)
		shoppers.awaitMore(t, 30)
		p.awaitAppliedAll("reservations") // two nodes have all records
		kafka.Start(node)
	}
	shoppers.awaitMore(t, 30)
	shoppers.finish()
	p.requireVerified()
}
