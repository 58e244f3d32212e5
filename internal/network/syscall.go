package network

import (
	"errors"
	"syscall"
)

// SyscallConn lets clients check whether the other side has closed an idle connection.
func (c *connection) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.New("the connection is no socket")
	}
	return raw.SyscallConn()
}
