package ratelimit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP answers the address that a request came from. X-Forwarded-For is believed only as far as trusted proxies wrote it: it
// is read from the right, and the first address that is not a trusted proxy's is the client's. The zero Addr means unknown.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client := peer(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(trusted, client); i-- {
		hop := peer(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break // what a trusted proxy passed on unread
		}
		client = hop
	}
	return client
}

// peer reads an address with or without a port.
func peer(text string) netip.Addr {
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

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// customerBits is the prefix of IPv6 that one customer gets: counting single addresses would limit nobody.
const customerBits = 64

// IPKey answers what to count an address under: an IPv4 address by itself, an IPv6 one by its /64, and all unknown ones together.
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

// ParseProxies reads the addresses and CIDR prefixes of trusted proxies.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range list {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("read the trusted proxy %q: %w", text, err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("read a prefix: %w", err)
		}
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("read an address: %w", err)
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}
