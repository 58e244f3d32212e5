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

// customerBits is the IPv6 prefix that one customer gets: counting single addresses would not limit anything.
const customerBits = 64

// IPKey returns the key under which an address is counted: an IPv4 address itself, the /64 of an IPv6 one, and one key for all unknown
// addresses.
func IPKey(a netip.Addr) string {
	if !a.Is6() || a.Is4In6() {
		return a.Unmap().String()
	}
	network, err := a.WithZone("").Prefix(customerBits)
	if err != nil {
		return a.String()
	}
	return network.String()
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
