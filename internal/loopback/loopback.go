// Package loopback recognizes hosts that only this machine can reach.
package loopback

import "net"

// Is reports whether host, a name or an IP address without a port, is localhost or a loopback address.
func Is(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
