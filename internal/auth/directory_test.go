package auth_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"ticketing/internal/auth"
)

func TestUsersAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, boss := w.signIn("ann@example.com").UserID, w.signIn("bob@example.com").UserID, w.signIn("boss@example.com").UserID
	if err := w.EraseUser(t.Context(), "", bob); err != nil {
		t.Fatal(err)
	}
	all := auth.Range{Before: math.MaxInt64, Limit: 100}
	list := func(f auth.UserFilter, part auth.Range) (ids []string, numbers []int64) {
		t.Helper()
		users, err := w.ListUsers(t.Context(), f, part)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			ids, numbers = append(ids, u.ID), append(numbers, u.Number)
		}
		return ids, numbers
	}
	ids, numbers := list(auth.UserFilter{}, all)
	if !slices.Equal(ids, []string{ann, bob, boss}) {
		t.Errorf("listed are %v", ids)
	}
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
		if got, _ := list(c.filter, c.part); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

func TestAccessLogSaysWhoDidWhatToWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boss, ann := w.signIn("boss@example.com").UserID, w.signIn("ann@example.com").UserID
	for _, err := range []error{
		w.GrantRole(t.Context(), boss, ann, auth.RoleOrganizer), w.RevokeRole(t.Context(), boss, ann, auth.RoleOrganizer),
		w.SignOutAll(t.Context(), boss, ann, ""), w.EraseUser(t.Context(), ann, ann),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]string{boss: "boss", ann: "ann", "": "nobody"}
	read := func(f auth.AccessFilter, part auth.Range) (told []string) {
		t.Helper()
		entries, err := w.AccessLog(t.Context(), f, part)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			told = append(told, fmt.Sprint(names[e.Actor], " ", e.Action, e.Role, " ", names[e.Subject]))
		}
		return told
	}
	all := auth.Range{Before: math.MaxInt64, Limit: 100}
	granted, revoked := "boss ROLE_GRANTEDORGANIZER ann", "boss ROLE_REVOKEDORGANIZER ann"
	onAnn := []string{"nobody USER_CREATED ann", granted, revoked, "boss SESSIONS_ENDED ann", "ann USER_ERASED ann"}
	if got := read(auth.AccessFilter{Subject: ann}, all); !slices.Equal(got, onAnn) {
		t.Errorf("what was done to ann: %q", got)
	}
	if got := read(auth.AccessFilter{Actor: boss}, all); !slices.Equal(got, onAnn[1:4]) {
		t.Errorf("what the boss did: %q", got)
	}
	if got := read(auth.AccessFilter{Actor: boss, Subject: boss}, all); got != nil {
		t.Errorf("what the boss did to himself: %q", got)
	}
	if got := read(auth.AccessFilter{}, auth.Range{Before: math.MaxInt64, Limit: 1, Backward: true}); !slices.Equal(got, onAnn[4:]) {
		t.Errorf("what was done last: %q", got)
	}
	if got := read(auth.AccessFilter{}, all); len(got) != 7 {
		t.Errorf("all of it is %q", got)
	}
}
