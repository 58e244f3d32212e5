// Package sabotage tests the tests: it breaks an invariant on purpose and requires that a named test fails. The sources stay as they are; what is
// broken is an overlay of one build (go test -overlay). docs/reliability.md lists what is broken and what notices.
package sabotage
