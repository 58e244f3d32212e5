package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/telemetry"
)

func TestTheLogHidesWhatIsSecretOrPersonal(t *testing.T) {
	telemetry.Hide("a-configured-secret", "short")
	t.Cleanup(func() { telemetry.Hide() })
	for text, want := range map[string]string{
		"":                                   "",
		"key a-configured-secret is refused": "key [secret] is refused",
		"in short":                           "in short",
		"550 no such user: <Ann.O'Hara+t@mail.example.com>": "550 no such user: <[mail address]>",
		"a@b.de": "[mail address]",
		"postgres://ticketing:hunter2@db:5432/ticketing_read":               "postgres://ticketing:[secret]@db:5432/ticketing_read",
		"postgres://postgres@127.0.0.1:5432/x postgres://app@db.internal/x": "postgres://postgres@127.0.0.1:5432/x postgres://app@db.internal/x",
		"Authorization: Bearer abcdefgh12345678":                            "Authorization: [secret]",
		"sk_live_51H and whsec_abc123":                                      "[secret] and [secret]",
		"/auth/verify?token=Zk3vQ0b8fPq1sX-nB2mT7yLrE5uWgHdC4aJ6oKiNxV9":    "/auth/verify?token=[secret]",
		"pi_3OabcDEF_secret_XyZ12345678901234567890123":                     "[secret]",
		"paid with 4242 4242 4242 4242, twice":                              "paid with [card number], twice",
		"4242424242424242":                                                  "[card number]",
		"rsv_01h455vb4pex5vsknk084sn02q":                                    "rsv_01h455vb4pex5vsknk084sn02q",
		"0af7651916cd43dd8448eb211c80319c":                                  "0af7651916cd43dd8448eb211c80319c",
		"6c1f0d7e-4d52-4b8e-9a51-0123456789ab":                              "6c1f0d7e-4d52-4b8e-9a51-0123456789ab",
		"ticketing/command/engine.(*Engine).retryUncommitted(0x1)":          "ticketing/command/engine.(*Engine).retryUncommitted(0x1)",
	} {
		require.Equal(t, want, telemetry.Redact(text))
	}
}

func TestEveryAttributeIsLookedThrough(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, "info", false)
	require.NoError(t, err)
	const address = "ann@example.com"
	logger.With("to", address).WithGroup("mail").Warn("sent to "+address, "error", errors.New("refused "+address),
		"list", []string{address}, "value", struct{ To string }{address}, "token", "tiny", "count", 3, "plain", []int{1})
	require.NotContains(t, out.String(), address)
	require.NotContains(t, out.String(), "tiny")
	require.Equal(t, 5, strings.Count(out.String(), "[mail address]"))
	var line struct {
		Mail struct {
			Count int
			Plain []int
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, 3, line.Mail.Count)
	require.Equal(t, []int{1}, line.Mail.Plain)
}
