package auth

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Redis caches accounts, so that authenticating does not ask the database. An entry is one of
//
//	"ADMIN,CUSTOMER"          the roles, possibly none
//	"CUSTOMER|guest"          those of a guest
//	"CUSTOMER|usr_a,usr_b"    those of a user with linked guests
//	"ADMIN,CUSTOMER@3"        each of these with an epoch behind it (0: left out)
//	"!"                       no such user, or an erased one
//	"-<nonce>"                a fence: the account is being changed; ask the database and cache nothing
//
// A change sets its fence before it commits and replaces it by the new account afterwards. So an old account is never used once the
// change has returned: a request that read the database earlier finds the entry taken, since a read only fills an empty entry. If the
// process dies in between, the fence expires, later than the transaction that it guards.
const (
	accountTTL   = 5 * time.Minute
	fenceTTL     = 30 * time.Second
	changeLimit  = 10 * time.Second // of the transaction between fence and commit: well below fenceTTL
	noAccount    = "!"
	fencePrefix  = "-"
	listSplitter = ","
	linkSplitter = "|" // the scripts know it too
	guestMark    = "guest"
	epochMark    = "@" // as linkSplitter
)

// account is a user as authentication needs it.
type account struct {
	exists bool
	roles  []Role // sorted
	guest  bool
	linked []string // sorted
	epoch  int64
}

// accountOf returns a user's account from the cached entry (nil: none), else from the database.
func (s *Service) accountOf(ctx context.Context, userID string, cached any) (account, error) {
	entry, known := cached.(string)
	if known && !strings.HasPrefix(entry, fencePrefix) {
		return parseAccount(entry), nil
	}
	accounts, err := s.loadAccounts(ctx, s.pool, []string{userID})
	if err != nil {
		return account{}, err
	}
	a := accounts[userID]
	if !known {
		if err := s.redis.SetNX(ctx, accountPrefix+userID, a.cacheEntry(), accountTTL).Err(); err != nil {
			s.log.WarnContext(ctx, "roles not cached in Redis", "error", err)
		}
	}
	return a, nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// loadAccounts reads accounts from the database. Accounts that do not exist are missing from the result.
func (s *Service) loadAccounts(ctx context.Context, from querier, userIDs []string) (map[string]account, error) {
	const query = `
		SELECT u.id, u.epoch, coalesce(array_agg(r.role ORDER BY r.role) FILTER (WHERE r.role IS NOT NULL), '{}'), u.guest,
			(SELECT array_agg(g.id ORDER BY g.id) FROM users g WHERE g.linked_to = u.id AND g.erased_at IS NULL)
		FROM users u LEFT JOIN user_roles r ON r.user_id = u.id
		WHERE u.id = ANY($1) AND u.erased_at IS NULL
		GROUP BY u.id`
	rows, err := from.Query(ctx, query, userIDs)
	if err != nil {
		return nil, unavailable("read roles", err)
	}
	accounts := make(map[string]account, len(userIDs))
	var userID string
	var a account
	_, err = pgx.ForEachRow(rows, []any{&userID, &a.epoch, &a.roles, &a.guest, &a.linked}, func() error {
		a.exists = true
		accounts[userID] = a
		a = account{}
		return nil
	})
	if err != nil {
		return nil, unavailable("read roles", err)
	}
	return accounts, nil
}

func (a account) cacheEntry() string {
	if !a.exists {
		return noAccount
	}
	entry := a.roleNames()
	switch {
	case a.guest:
		entry += linkSplitter + guestMark
	case len(a.linked) > 0:
		entry += linkSplitter + strings.Join(a.linked, listSplitter)
	}
	if a.epoch > 0 {
		entry += epochMark + strconv.FormatInt(a.epoch, 10)
	}
	return entry
}

// roleNames is what a session keeps of its user's account, to notice that the roles changed.
func (a account) roleNames() string {
	names := make([]string, len(a.roles))
	for i, r := range a.roles {
		names[i] = string(r)
	}
	return strings.Join(names, listSplitter)
}

func parseAccount(entry string) account {
	if entry == noAccount {
		return account{}
	}
	entry, epoch, _ := strings.Cut(entry, epochMark)
	names, links, _ := strings.Cut(entry, linkSplitter)
	a := account{exists: true, guest: links == guestMark}
	a.epoch, _ = strconv.ParseInt(epoch, 10, 64)
	for _, name := range splitList(names) {
		a.roles = append(a.roles, Role(name))
	}
	if !a.guest {
		a.linked = splitList(links)
	}
	return a
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, listSplitter)
}

// allows reports whether the account still has exactly p's roles and guests.
func (a account) allows(p Principal) bool {
	return a.exists && slices.Equal(a.roles, p.Roles) && slices.Equal(a.linked, p.Linked)
}
