package shop

import (
	"net/http"
	"time"
)

// accountView is what the account's page shows.
type accountView struct {
	Me     user
	Orders []order
	More   string // the address of older orders, "" when there are none
	Now    time.Time
}

// StateOf returns what an order's page is about.
func (a accountView) StateOf(o order) string { return stateOf(o, a.Now) }

// showAccount serves the viewer's orders and sessions: GET /account.
func (s *Shop) showAccount(v *visit) {
	var data struct {
		Me *struct {
			user

			Reservations struct {
				Nodes    []order
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
	}
	variables := vars{}
	if after := v.r.URL.Query().Get("after"); after != "" {
		variables["after"] = after
	}
	if v.session != "" {
		if err := v.execute("account", "Account", variables, &data); err != nil {
			v.failWith(err)
			return
		}
	}
	if data.Me == nil {
		v.redirect("/sign-in")
		return
	}
	shown := accountView{Me: data.Me.user, Orders: data.Me.Reservations.Nodes, Now: time.Now()}
	if data.Me.Reservations.PageInfo.HasNextPage {
		shown.More = "?after=" + data.Me.Reservations.PageInfo.EndCursor
	}
	v.show(http.StatusOK, "account", view{Title: v.lang.text("account.title"), Path: "/account", Data: shown})
}

// signOut ends this browser's session: POST /account/sign-out.
func (s *Shop) signOut(v *visit) {
	var data struct{ SignOut struct{} }
	if err := v.execute("account", "SignOut", nil, &data); err != nil {
		v.failWith(err)
		return
	}
	v.redirect("/")
}

// endSession ends another of the viewer's sessions: POST /account/sessions/{session}.
func (s *Shop) endSession(v *visit) {
	var data struct{ RevokeSession struct{} }
	if err := v.execute("account", "EndSession", vars{"input": vars{"sessionId": v.r.PathValue("session")}}, &data); err != nil {
		v.failWith(err)
		return
	}
	v.redirect("/account")
}

// eraseAccount erases the viewer, who must have ticked the box: POST /account/erase.
func (s *Shop) eraseAccount(v *visit) {
	if v.r.PostForm.Get("sure") != "yes" {
		v.redirect("/account#erase")
		return
	}
	var who struct{ Me *struct{ ID string } }
	if err := v.execute("account", "Who", nil, &who); err != nil {
		v.failWith(err)
		return
	}
	if who.Me == nil {
		v.redirect("/sign-in")
		return
	}
	var data struct{ EraseCustomer struct{} }
	if err := v.execute("account", "Erase", vars{"input": vars{"userId": who.Me.ID}}, &data); err != nil {
		v.failWith(err)
		return
	}
	v.session = ""
	http.SetCookie(v.w, &http.Cookie{Name: v.cfg.Cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	v.show(http.StatusOK, "failure", view{
		Title: v.lang.text("account.erased.title"), Path: "/account",
		Data: failure{Title: v.lang.text("account.erased.title"), Text: v.lang.text("account.erased.text")},
	})
}
