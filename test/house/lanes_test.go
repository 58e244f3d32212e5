package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEmbeddedBroker lists the suites with a broker that `make test-kafka` leaves out; docs/reliability.md says why.
var onEmbeddedBroker = []string{"./test/silence", "./test/isolation"}

// needsBroker finds a test that starts a broker.
var needsBroker = regexp.MustCompile(`\btestenv\.(Broker|BrokerServer|KafkaCluster)\(`)

// Each suite that has a broker runs on Apache Kafka, too.
func TestTheKafkaLaneHasEachSuiteWithABroker(t *testing.T) {
	t.Parallel()
	var suites []string
	for _, name := range pathsWith(t, ".go") {
		source, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		if suite := "./" + path.Dir(name); needsBroker.Match(source) && !slices.Contains(suites, suite) {
			suites = append(suites, suite)
		}
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	lane := regexp.MustCompile(`(?m)^KAFKA_PACKAGES = (.*)$`).FindSubmatch(makefile)
	require.NotNil(t, lane)
	require.ElementsMatch(t, suites, append(strings.Fields(string(lane[1])), onEmbeddedBroker...))
}
