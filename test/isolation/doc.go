// Package isolation proves that no party holds up others: while one does its worst within its rights and limits, the purchases of others, their
// pages, expiry, refunds and mails keep their latency.
//
// The parts of the platform are processes of their own, as in production, and so is the party: what its client costs is nothing that the
// platform could bound, so it has the lowest priority. Each party has a file of its own; measure_test.go measures, platform_test.go and
// child_test.go start the processes. make test-isolation runs it, with nothing beside it.
package isolation
