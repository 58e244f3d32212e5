package ratelimit

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientIP(t *testing.T) {
	trusted, err := ParseProxies([]string{"10.0.0.0/8", " 192.0.2.7", "2001:db8:ffff::/48"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"direct":                               {"203.0.113.5:4711", nil, "203.0.113.5"},
		"a stranger's header is not believed":  {"203.0.113.5:4711", []string{"198.51.100.1"}, "203.0.113.5"},
		"behind a proxy":                       {"10.1.2.3:80", []string{"198.51.100.1"}, "198.51.100.1"},
		"a client's own entries are ignored":   {"10.1.2.3:80", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"behind two proxies":                   {"10.1.2.3:80", []string{"198.51.100.1, 192.0.2.7"}, "198.51.100.1"},
		"in two header lines":                  {"10.1.2.3:80", []string{"198.51.100.1", "192.0.2.7"}, "198.51.100.1"},
		"a proxy that passed on garbage":       {"10.1.2.3:80", []string{"1.1.1.1, unknown"}, "10.1.2.3"},
		"a proxy that says nothing":            {"10.1.2.3:80", nil, "10.1.2.3"},
		"only proxies":                         {"10.1.2.3:80", []string{"192.0.2.7"}, "192.0.2.7"},
		"an entry with a port":                 {"10.1.2.3:80", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		"IPv6 in brackets with a port":         {"[2001:db8:ffff::1]:80", []string{"[2001:db8::9]:99"}, "2001:db8::9"},
		"IPv4 inside IPv6 is the same address": {"[::ffff:10.1.2.3]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"zones don't matter":                   {"[fe80::1%eth0]:80", nil, "fe80::1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			r.RemoteAddr = c.remote
			for _, line := range c.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			require.Equal(t, netip.MustParseAddr(c.want), ClientIP(r, trusted))
		})
	}
}

func TestAnUnparsableRemoteAddressIsUnknown(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.RemoteAddr = "@"
	require.False(t, ClientIP(r, nil).IsValid())
}

func TestIPv6IsCountedByItsPrefix(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.5":             "203.0.113.5",
		"::ffff:203.0.113.5":      "203.0.113.5",
		"2001:db8:1:2::1":         "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::9":    "2001:db8:1:2::/64",
		"2001:db8:1:3::1":         "2001:db8:1:3::/64",
		"fe80::1%a-zone-to-evade": "fe80::/64",
	} {
		got := IPKey(netip.MustParseAddr(text))
		require.Equal(t, want, got, text)
	}
	require.NotEmpty(t, IPKey(netip.Addr{}), "unknown addresses share a key")
}

func TestProxiesAreChecked(t *testing.T) {
	for _, text := range []string{"", "proxy.example.com", "10.0.0.0/33", "10.0.0"} {
		_, err := ParseProxies([]string{text})
		require.Error(t, err, text)
	}
}

func FuzzClientIP(f *testing.F) {
	f.Add("10.1.2.3:80", "1.1.1.1, 198.51.100.1")
	f.Add("[::1]:1", "[2001:db8::9]:99")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = remote
		direct := ClientIP(r, trusted)
		r.Header.Set("X-Forwarded-For", forwarded)
		got := ClientIP(r, trusted)
		require.False(t, got != direct && !containsAddr(trusted, direct), "%q made %s of the untrusted peer %s", forwarded, got, direct)
		_ = IPKey(direct)
	})
}

func TestNetworksAreCountedTogether(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.5": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.0/24", "2001:db8:1:2::1": "2001:db8:1::/48", "2001:db8:1:ffff::1": "2001:db8:1::/48",
		"2001:db8:2::1": "2001:db8:2::/48",
	} {
		require.Equal(t, want, NetworkKey(netip.MustParseAddr(text)), text)
	}
	require.NotEmpty(t, NetworkKey(netip.Addr{}))
	require.Equal(t, "198.51.100.7", SenderKey(netip.MustParseAddr("::ffff:198.51.100.7")))
	require.Equal(t, SenderKey(netip.MustParseAddr("2001:db8:1:1::1")), SenderKey(netip.MustParseAddr("2001:db8:1:2::1")))
}
