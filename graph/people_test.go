package graph_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// change does something to a user that is not erased.
func (f *fakePeople) change(userID string, do func(u *auth.User)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, ok := f.users[userID]
	if !ok || u.ErasedAt != nil {
		return auth.ErrUserNotFound
	}
	do(&u)
	f.users[userID] = u
	return nil
}

func (f *fakePeople) EraseUser(_ context.Context, _, userID string) error {
	return f.change(userID, func(u *auth.User) {
		at := time.Now()
		*u = auth.User{ID: u.ID, ErasedAt: &at}
	})
}

func (f *fakePeople) GrantRole(_ context.Context, _, userID string, role auth.Role) error {
	return f.change(userID, func(u *auth.User) { u.Roles = append(u.Roles, role) })
}

func (f *fakePeople) RevokeRole(_ context.Context, _, userID string, role auth.Role) error {
	return f.change(userID, func(u *auth.User) { u.Roles = slices.DeleteFunc(u.Roles, func(r auth.Role) bool { return r == role }) })
}

const (
	eraseMutation  = `mutation($id: ID!) { eraseCustomer(input: {userId: $id}) { user { id email roles } userErrors { code field } } }`
	grantMutation  = `mutation($id: ID!) { grantRole(input: {userId: $id, role: ORGANIZER}) { user { id roles } userErrors { code field } } }`
	revokeMutation = `mutation($id: ID!, $role: Role! = ORGANIZER) { revokeRole(input: {userId: $id, role: $role}) { user { id roles } userErrors { code field } } }`
)

func TestErasingIsForOneselfAndAdmins(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	alice, bob := newUser(), newUser()
	asAlice, asBob := a.as(alice), a.as(bob)
	admin := a.as(newUser(), auth.RoleAdmin)
	require.Equal(t, "UNAUTHENTICATED", a.do(eraseMutation, vars{"id": alice}).code())
	require.Equal(t, "FORBIDDEN", a.do(eraseMutation, vars{"id": alice}, asBob...).code())
	erased := map[string]any{"eraseCustomer": map[string]any{"user": map[string]any{"id": alice, "email": nil, "roles": []any{}}, "userErrors": []any{}}}
	require.Equal(t, erased, a.do(eraseMutation, vars{"id": alice}, asAlice...).Data)
	require.Equal(t, erased, a.do(eraseMutation, vars{"id": alice}, admin...).Data, "a retry is no error")
	require.Empty(t, a.do(eraseMutation, vars{"id": bob}, admin...).Errors)
	code, field := a.do(eraseMutation, vars{"id": newUser()}, admin...).userError(t, "eraseCustomer")
	require.Equal(t, "NOT_FOUND", code)
	require.Equal(t, []any{"userId"}, field)
	code, _ = a.do(eraseMutation, vars{"id": "nonsense"}, admin...).userError(t, "eraseCustomer")
	require.Equal(t, "INVALID", code)
}

func TestRolesAreTheAdminsToGive(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	alice := newUser()
	asAlice, admin := a.as(alice), a.as(newUser(), auth.RoleAdmin)
	for _, mutation := range []string{grantMutation, revokeMutation} {
		require.Equal(t, "UNAUTHENTICATED", a.do(mutation, vars{"id": alice}).code())
		require.Equal(t, "FORBIDDEN", a.do(mutation, vars{"id": alice}, asAlice...).code())
		require.Equal(t, "FORBIDDEN", a.do(mutation, vars{"id": alice}, a.as(newUser(), auth.RoleOrganizer)...).code())
	}
	granted := a.do(grantMutation, vars{"id": alice}, admin...)
	require.Equal(t, map[string]any{"id": alice, "roles": []any{"CUSTOMER", "ORGANIZER"}}, granted.Data["grantRole"].(map[string]any)["user"])
	revoked := a.do(revokeMutation, vars{"id": alice}, admin...)
	require.Equal(t, map[string]any{"id": alice, "roles": []any{"CUSTOMER"}}, revoked.Data["revokeRole"].(map[string]any)["user"])
	code, field := a.do(revokeMutation, vars{"id": alice, "role": "CUSTOMER"}, admin...).userError(t, "revokeRole")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"role"}, field)
	code, _ = a.do(grantMutation, vars{"id": newUser()}, admin...).userError(t, "grantRole")
	require.Equal(t, "NOT_FOUND", code)
}
