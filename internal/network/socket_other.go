//go:build !linux

package network

import "syscall"

// setUserTimeout does nothing: other systems have keepalives only.
func setUserTimeout(string, string, syscall.RawConn) error { return nil }
