package shop

import (
	"net/http"
	"strings"
)

// signInView is what the sign-in page shows.
type signInView struct {
	Me      *user
	Email   string
	Sent    bool   // a link is on its way to Email
	Token   string // of the link, only where the API shows it for testing
	Problem string
}

// showSignIn asks for a mail address: GET /sign-in.
func (s *Shop) showSignIn(v *visit) {
	var data struct{ Me *user }
	if v.session != "" {
		if err := v.execute("signin", "Me", nil, &data); err != nil {
			v.failWith(err)
			return
		}
	}
	shown := signInView{Me: data.Me}
	if data.Me != nil && data.Me.Contact != nil {
		shown.Email = data.Me.Contact.Email
	}
	v.showSignInWith(http.StatusOK, shown)
}

func (v *visit) showSignInWith(status int, shown signInView) {
	v.show(status, "signin", view{Title: v.lang.text("signin.title"), Path: "/sign-in", Data: shown})
}

// requestLink has a sign-in link mailed: POST /sign-in.
func (s *Shop) requestLink(v *visit) {
	var data struct {
		RequestMagicLink struct {
			Token      string
			UserErrors []userError
		}
	}
	shown := signInView{Email: strings.TrimSpace(v.r.PostForm.Get("email"))}
	err := v.execute("signin", "RequestLink", vars{"input": vars{"email": shown.Email}}, &data)
	switch {
	case err != nil:
		v.failWith(err)
		return
	case len(data.RequestMagicLink.UserErrors) > 0:
		shown.Problem = v.lang.text("order.wrong.email")
		v.showSignInWith(http.StatusUnprocessableEntity, shown)
		return
	}
	shown.Sent, shown.Token = true, data.RequestMagicLink.Token
	v.showSignInWith(http.StatusOK, shown)
}

// useLink signs in with a link that was pasted: POST /sign-in/link. The page that the link itself opens needs JavaScript, since browsers keep
// the token from servers; this one does without.
func (s *Shop) useLink(v *visit) {
	var data struct {
		VerifyMagicLink struct{ UserErrors []userError }
	}
	link := strings.TrimSpace(v.r.PostForm.Get("link"))
	if _, token, ok := strings.Cut(link, "token="); ok {
		link = token
	}
	err := v.execute("signin", "UseLink", vars{"input": vars{"token": link}}, &data)
	switch {
	case err != nil:
		v.failWith(err)
	case len(data.VerifyMagicLink.UserErrors) > 0:
		v.showSignInWith(http.StatusUnprocessableEntity, signInView{Problem: v.lang.text("error.LINK_INVALID")})
	default:
		v.redirect("/account")
	}
}
