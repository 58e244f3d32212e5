package graph_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

const (
	eraseMutation  = `mutation($id: ID!) { eraseCustomer(input: {userId: $id}) { user { id email roles } userErrors { code field } } }`
	grantMutation  = `mutation($id: ID!) { grantRole(input: {userId: $id, role: ORGANIZER}) { user { id roles } userErrors { code field } } }`
	revokeMutation = `mutation($id: ID!, $role: Role! = ORGANIZER) { revokeRole(input: {userId: $id, role: $role}) { user { id roles } userErrors { code field } } }`
)

func TestUsersAndAdminsErase(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
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

func TestOnlyAdminsGrantAndRevokeRoles(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
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

func TestAdminsFindUsers(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	alice, adminID := newUser(), newUser()
	a.signIn(alice, auth.RoleOrganizer)
	admin := a.as(adminID, auth.RoleAdmin)
	const users = `query($f: UserFilter) { users(filter: $f) { nodes { id email roles sessions { id } } edges { cursor node { id } } pageInfo { hasNextPage } } }`
	nodes := a.do(users, vars{"f": vars{"email": strings.ToUpper(alice) + "@Example.com"}}, admin...).field(t, "users")["nodes"].([]any)
	require.Len(t, nodes, 1)
	require.Equal(t, alice, nodes[0].(map[string]any)["id"])
	require.Contains(t, a.do(users, vars{"f": vars{"role": "ADMIN"}}, admin...).body, adminID)
	require.Contains(t, a.do(users, nil, admin...).body, alice)
	require.Equal(t, "BAD_USER_INPUT", a.do(users, vars{"f": vars{"email": "nonsense"}}, admin...).code())
}
