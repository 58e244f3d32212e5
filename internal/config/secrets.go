package config

import (
	"net/url"
	"slices"
	"strings"
)

// Secrets returns the secrets of the configuration as they could be found in a text: keys, tokens and passwords. What is public in a URL is no
// part of them.
func (c Config) Secrets() []string {
	secrets := slices.Concat([]string{c.SASL.Password, c.StripeAPIKey, c.PayPalClientSecret, c.OTLPHeaders}, c.StripeWebhookSecrets, c.RecordKeys, c.TicketSigningKeys)
	for _, key := range slices.Concat(c.RecordKeys, c.TicketSigningKeys) { // <id>:<key>
		_, key, _ = strings.Cut(key, ":")
		secrets = append(secrets, key)
	}
	for _, header := range c.TraceHeaders() {
		secrets = append(secrets, header)
	}
	for _, text := range []string{c.EventsURL, c.ReadURL, c.ReadPoolerURL, c.AuthURL, c.RedisURL, c.RedisCacheURL, c.SMTPURL} {
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		if password, set := u.User.Password(); set {
			secrets = append(secrets, password, url.QueryEscape(password))
		}
		if password := u.Query().Get("password"); password != "" { // of Redis behind Sentinel
			secrets = append(secrets, password)
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

// TraceHeaders returns OTEL_EXPORTER_OTLP_HEADERS by name. The SDK would not find what was in a file.
func (t Telemetry) TraceHeaders() map[string]string {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(t.OTLPHeaders, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		if name = strings.TrimSpace(name); ok && name != "" {
			headers[name] = strings.TrimSpace(value)
		}
	}
	return headers
}
