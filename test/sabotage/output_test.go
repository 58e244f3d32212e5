package sabotage

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// firstTrace has where the first assertion failed.
var firstTrace = regexp.MustCompile(`Error Trace:\s+(\S+)`)

// whyUnnoticed returns why the output of a run does not show that its test notices something; "" when it does. Time that is over shows
// nothing: any change may make a test hang.
func whyUnnoticed(output []byte, name string) string {
	trace := firstTrace.FindSubmatch(output)
	switch {
	case bytes.Contains(output, []byte("panic: test timed out")):
		return "its time was over"
	case !regexp.MustCompile(`(?m)^(--- FAIL: ` + name + ` \(|panic: )`).Match(output):
		return "it did not run to a failure; was it built?"
	case trace != nil && bytes.Contains(trace[1], []byte("/internal/testenv/")):
		return "a server that it needs did not start"
	}
	return ""
}

// hasPassed reports whether a test has run and passed. One that was skipped, or that a pattern does not match, has not.
func hasPassed(output []byte, name string) bool {
	return regexp.MustCompile(`(?m)^--- PASS: ` + name + ` \(`).Match(output)
}

// saidBy returns what a failing test says is wrong: its messages, or the first lines of its panic.
func saidBy(output []byte) string {
	const most = 600
	for _, start := range []string{"Error:", "panic: ", "--- FAIL: "} {
		if i := bytes.Index(output, []byte(start)); i >= 0 {
			return string(output[i:min(len(output), i+most)])
		}
	}
	return string(output[:min(len(output), most)])
}

func TestOnlyAFailureOfTheTestItselfIsNoticing(t *testing.T) {
	t.Parallel()
	const failed = "--- FAIL: TestOne (0.01s)\n    one_test.go:7: \n        \tError Trace:\t"
	for output, notices := range map[string]bool{
		failed + "/src/test/one_test.go:7\n":                                   true,
		"--- FAIL: TestOne (0.01s)\n    one_test.go:7: seats are sold twice\n": true,
		"panic: a state that can't be\n\ngoroutine 7 [running]:\n":             true,
		"--- FAIL: TestOne (600.00s)\npanic: test timed out after 10m0s\n":     false,
		failed + "/src/internal/testenv/databases.go:109\n":                    false,
		"--- FAIL: TestOneMore (0.01s)\n":                                      false,
		"FAIL\tticketing/test [build failed]\n":                                false,
		"testing: warning: no tests to run\nPASS\n":                            false,
	} {
		require.Equal(t, notices, whyUnnoticed([]byte(output), "TestOne") == "", output)
	}
	require.True(t, hasPassed([]byte("=== RUN   TestOne\n--- PASS: TestOne (0.00s)\n"), "TestOne"))
	require.False(t, hasPassed([]byte("=== RUN   TestOne\n--- SKIP: TestOne (0.00s)\nPASS\n"), "TestOne"))
}
