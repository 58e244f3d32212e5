package ratelimit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP returns the address that a request came from. It trusts X-Forwarded-For only as far as trusted proxies wrote it: read from the
// right, the first address that is not a trusted proxy's is the client's. The zero Addr means unknown.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client := parseAddr(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && containsAddr(trusted, client); i-- {
		hop := parseAddr(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break // a trusted proxy passed it on unchecked
		}
		client = hop
	}
	return client
}

// FromProxy reports whether a request comes from a trusted proxy.
func FromProxy(r *http.Request, trusted []netip.Prefix) bool {
	return containsAddr(trusted, parseAddr(r.RemoteAddr))
}

// parseAddr parses an address with or without a port.
func parseAddr(text string) netip.Addr {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}

func containsAddr(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// customerBits is the IPv6 prefix that one customer gets: counting single addresses would not limit anything. siteBits and siteBits4 are the
// longest prefixes that a site gets, or that are rented out together.
const (
	customerBits = 64
	siteBits     = 48
	siteBits4    = 24
)

// IPKey returns the key under which an address is counted: an IPv4 address itself, the /64 of an IPv6 one, and one key for all unknown
// addresses.
func IPKey(a netip.Addr) string {
	if a = a.Unmap(); !a.Is6() {
		return a.String()
	}
	return prefixOf(a, customerBits)
}

// SenderKey returns the key under which one is counted who could have thousands of IPKeys for little: an IPv4 address itself, and the /48 of an
// IPv6 one, which is rented out as a whole.
func SenderKey(a netip.Addr) string {
	if a.Unmap().Is6() {
		return NetworkKey(a)
	}
	return IPKey(a)
}

// NetworkKey returns the key under which the network of an address is counted: the /24 of an IPv4 address, the /48 of an IPv6 one.
func NetworkKey(a netip.Addr) string {
	if a = a.Unmap(); !a.Is6() {
		return prefixOf(a, siteBits4)
	}
	return prefixOf(a, siteBits)
}

func prefixOf(a netip.Addr, bits int) string {
	prefix, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return a.String()
	}
	return prefix.String()
}

// ParseProxies parses the addresses and CIDR prefixes of trusted proxies.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range list {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("parse the trusted proxy %q: %w", text, err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("parse a prefix: %w", err)
		}
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("parse an address: %w", err)
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}
