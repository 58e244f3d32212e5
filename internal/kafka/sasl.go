package kafka

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The mechanisms of SASL. Plain sends the password itself, and OAuthBearer a token: only over TLS.
const (
	OAuthBearer = "OAUTHBEARER"
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// SASL is how a client proves to the brokers who it is.
type SASL struct {
	Mechanism          string // One of the above. Default: none.
	Username, Password string
	// TokenFile has the token of OAUTHBEARER. It is read for each connection, since it is replaced before the token expires.
	TokenFile string
}

func (s SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case OAuthBearer:
		return oauth.Oauth(s.readToken)
	case Plain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism()
	case ScramSHA256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism()
	case ScramSHA512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism()
	default:
		return nil
	}
}

func (s SASL) readToken(context.Context) (oauth.Auth, error) {
	token, err := os.ReadFile(s.TokenFile)
	if err != nil {
		return oauth.Auth{}, fmt.Errorf("read the token for the brokers: %w", err)
	}
	return oauth.Auth{Token: strings.TrimSpace(string(token))}, nil
}
