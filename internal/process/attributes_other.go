//go:build unix && !linux

package process

import "syscall"

// newAttributes sets no death signal, which only Linux has: a child outlives a killed parent, and the next start ends it.
func newAttributes(spec Spec) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: spec.Identity.credential()}
}
