package process

import "syscall"

func newAttributes(spec Spec) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: spec.DeathSignal}
	if attr.Pdeathsig == 0 {
		attr.Pdeathsig = syscall.SIGKILL
	}
	attr.Credential = spec.Identity.credential()
	return attr
}
