package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/mail"
)

// RequestMagicLink mails a magic link to an address. It does the same for known and unknown addresses: it reads no user, and the mail
// is sent in the background. browser is the nonce of the browser that asks, "" for other clients. The token is "" unless
// Config.ExposeMagicLinks. Errors: ErrEmailInvalid, ErrUnavailable.
func (s *Service) RequestMagicLink(ctx context.Context, email, browser string) (token string, err error) {
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
	if err := s.bindLink(ctx, token, browser); err != nil {
		return "", err
	}
	if err := s.mails.Enqueue(ctx, message); err != nil {
		return "", unavailable("send a magic link", err)
	}
	if !s.cfg.ExposeMagicLinks {
		return "", nil
	}
	return token, nil
}

// linkURL puts the token into the fragment, which browsers do not send to servers.
func (s *Service) linkURL(token string) string {
	return strings.TrimSuffix(s.cfg.BaseURL, "/") + "/auth/verify#token=" + token
}

// link is what is stored of a magic link.
type link struct {
	email   string
	expires time.Time
}

// storeLink stores a link under its token's hash until it expires.
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

// takeLink removes and returns a link: of concurrent callers, one gets it. Errors: ErrLinkInvalid, ErrUnavailable.
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
	return s.parseLink(value)
}

// parseLink parses what is stored of a link. Error: ErrLinkInvalid, if it has expired.
func (s *Service) parseLink(value string) (link, error) {
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

// bindLink stores by which browser a link was asked for.
func (s *Service) bindLink(ctx context.Context, token, browser string) error {
	if browser == "" {
		return nil
	}
	hash, _ := digestOf(token)
	if err := s.redis.Set(ctx, browserPrefix+hash.String(), nonceHash(browser), s.cfg.MagicLinkTTL).Err(); err != nil {
		return unavailable("store a magic link's browser", err)
	}
	return nil
}

func nonceHash(browser string) string {
	sum := sha256.Sum256([]byte(browser))
	return encoding.EncodeToString(sum[:])
}

// DescribeLink returns the address that a link signs in, and reports whether another browser than the one with this nonce asked for it. It
// consumes nothing. Errors: ErrLinkInvalid, ErrUnavailable.
func (s *Service) DescribeLink(ctx context.Context, token, browser string) (email string, elsewhere bool, err error) {
	hash, ok := digestOf(token)
	if !ok {
		return "", false, ErrLinkInvalid
	}
	values, err := s.redis.MGet(ctx, linkPrefix+hash.String(), browserPrefix+hash.String()).Result()
	if err != nil {
		return "", false, unavailable("describe a magic link", err)
	}
	value, there := values[0].(string)
	if !there {
		return "", false, ErrLinkInvalid
	}
	l, err := s.parseLink(value)
	if err != nil {
		return "", false, err
	}
	asked, bound := values[1].(string)
	return l.email, bound && asked != nonceHash(browser), nil
}
