package auth_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestUsersAreListedInTheOrderOfTheirFirstSignIns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, boss := w.signIn("ann@example.com").UserID, w.signIn("bob@example.com").UserID, w.signIn("boss@example.com").UserID
	require.NoError(t, w.EraseUser(t.Context(), "", bob))
	all := auth.Range{Before: math.MaxInt64, Limit: 100}
	list := func(f auth.UserFilter, part auth.Range) (ids []string, numbers []int64) {
		t.Helper()
		users, err := w.ListUsers(t.Context(), f, part)
		require.NoError(t, err)
		for _, u := range users {
			ids, numbers = append(ids, u.ID), append(numbers, u.Number)
		}
		return ids, numbers
	}
	ids, numbers := list(auth.UserFilter{}, all)
	require.Equal(t, []string{ann, bob, boss}, ids)
	for name, c := range map[string]struct {
		filter auth.UserFilter
		part   auth.Range
		want   []string
	}{
		"by address":       {auth.UserFilter{Email: "ann@example.com"}, all, []string{ann}},
		"by an erased one": {auth.UserFilter{Email: "bob@example.com"}, all, nil},
		"by role":          {auth.UserFilter{Role: auth.RoleAdmin}, all, []string{boss}},
		"by the role of 2": {auth.UserFilter{Role: auth.RoleCustomer}, all, []string{ann, boss}},
		"by both":          {auth.UserFilter{Email: "ann@example.com", Role: auth.RoleAdmin}, all, nil},
		"between":          {auth.UserFilter{}, auth.Range{After: numbers[0], Before: numbers[2], Limit: 9}, []string{bob}},
		"the first":        {auth.UserFilter{}, auth.Range{Before: math.MaxInt64, Limit: 2}, []string{ann, bob}},
		"the last":         {auth.UserFilter{}, auth.Range{Before: math.MaxInt64, Limit: 2, Backward: true}, []string{boss, bob}},
	} {
		got, _ := list(c.filter, c.part)
		require.Equal(t, c.want, got, "%s: %v, not %v", name, got, c.want)
	}
}

func TestAccessLogNamesActorActionAndUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boss, ann := w.signIn("boss@example.com").UserID, w.signIn("ann@example.com").UserID
	for _, err := range []error{
		w.GrantRole(t.Context(), boss, ann, auth.RoleOrganizer), w.RevokeRole(t.Context(), boss, ann, auth.RoleOrganizer),
		w.SignOutAll(t.Context(), boss, ann, ""), w.EraseUser(t.Context(), ann, ann),
	} {
		require.NoError(t, err)
	}
	names := map[string]string{boss: "boss", ann: "ann", "": "platform"}
	read := func(f auth.AccessFilter, part auth.Range) (lines []string) {
		t.Helper()
		entries, err := w.AccessLog(t.Context(), f, part)
		require.NoError(t, err)
		for _, e := range entries {
			lines = append(lines, fmt.Sprint(names[e.Actor], " ", e.Action, e.Role, " ", names[e.Subject]))
		}
		return lines
	}
	all := auth.Range{Before: math.MaxInt64, Limit: 100}
	granted, revoked := "boss ROLE_GRANTEDORGANIZER ann", "boss ROLE_REVOKEDORGANIZER ann"
	onAnn := []string{"platform USER_CREATED ann", granted, revoked, "boss SESSIONS_ENDED ann", "ann USER_ERASED ann"}
	require.Equal(t, onAnn, read(auth.AccessFilter{Subject: ann}, all))
	require.Equal(t, onAnn[1:4], read(auth.AccessFilter{Actor: boss}, all))
	require.Nil(t, read(auth.AccessFilter{Actor: boss, Subject: boss}, all))
	require.Equal(t, onAnn[4:], read(auth.AccessFilter{}, auth.Range{Before: math.MaxInt64, Limit: 1, Backward: true}))
	require.Len(t, read(auth.AccessFilter{}, all), 7)
}
