// Package test proves the whole system through its public API: over real PostgreSQL, real Redis, and a broker in another process. A system runs
// all parts in the test's process, with a clock that can be moved; a platform runs each part as a process, which can be killed and frozen.
package test
