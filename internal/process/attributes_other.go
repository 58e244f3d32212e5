//go:build unix && !linux

package process

import "syscall"

// attributes knows no death signal here: a child outlives a parent that is killed, and the next start takes it over.
func attributes(spec Spec) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: spec.Identity.credential()}
}
