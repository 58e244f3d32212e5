package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/mail"
)

// RequestMagicLink sends a magic link to the address. It does the same for everybody, known or not: it looks nobody up, and the
// mail goes out in the background. The token is "" unless Config.ExposeMagicLinks. Errors: ErrEmailInvalid, ErrUnavailable.
func (s *Service) RequestMagicLink(ctx context.Context, email string) (token string, err error) {
	email, err = NormalizeEmail(email)
	if err != nil {
		return "", err
	}
	token = newToken()
	message, err := mail.MagicLink(email, s.linkURL(token), s.cfg.MagicLinkTTL)
	if err != nil {
		return "", fmt.Errorf("request a magic link: %w", err)
	}
	expires := s.now().Add(s.cfg.MagicLinkTTL)
	if err := s.storeLink(ctx, token, link{email: email, expires: expires}); err != nil {
		return "", err
	}
	if err := s.mails.Enqueue(message); err != nil {
		return "", unavailable("send a magic link", err)
	}
	if !s.cfg.ExposeMagicLinks {
		return "", nil
	}
	return token, nil
}

// linkURL keeps the token in the fragment, which browsers send to no server.
func (s *Service) linkURL(token string) string {
	return strings.TrimSuffix(s.cfg.BaseURL, "/") + "/auth/verify#token=" + token
}

// link is what a magic link stands for.
type link struct {
	email   string
	expires time.Time
}

// storeLink keeps a link under its token's hash until it expires.
func (s *Service) storeLink(ctx context.Context, token string, l link) error {
	hash, ok := digestOf(token)
	if !ok {
		return errors.New("store a magic link: malformed token")
	}
	value := fmt.Sprintf("%d %s", l.expires.UnixMilli(), l.email)
	if err := s.redis.Set(ctx, linkPrefix+hash.String(), value, l.expires.Sub(s.now())).Err(); err != nil {
		return unavailable("store a magic link", err)
	}
	return nil
}

// takeLink removes and answers a link: of many who ask at once, one gets it. Errors: ErrLinkInvalid, ErrUnavailable.
func (s *Service) takeLink(ctx context.Context, token string) (link, error) {
	hash, ok := digestOf(token)
	if !ok {
		return link{}, ErrLinkInvalid
	}
	value, err := s.redis.GetDel(ctx, linkPrefix+hash.String()).Result()
	if errors.Is(err, redis.Nil) {
		return link{}, ErrLinkInvalid
	}
	if err != nil {
		return link{}, unavailable("redeem a magic link", err)
	}
	millis, email, _ := strings.Cut(value, " ")
	expires, err := strconv.ParseInt(millis, 10, 64)
	if err != nil {
		return link{}, errors.New("redeem a magic link: malformed record")
	}
	if expires <= s.now().UnixMilli() {
		return link{}, ErrLinkInvalid
	}
	return link{email: email, expires: time.UnixMilli(expires)}, nil
}
