// Package silence takes away, without a word, what parts rely on, and requires that everything is right again by itself within seconds, that
// nothing untrue is said meanwhile, and that logs and health say what is wrong. Its tests run all parts in one process. They promise
// seconds, so nothing else may run meanwhile: they are skipped unless the environment has SILENCE, which `make test-silence` sets.
package silence
