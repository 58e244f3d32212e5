package isolation

import "sync/atomic"

var strangers atomic.Int64

// signInFlood asks for sign-in links, for new mail addresses and from new IP addresses each time, and tries to use links that do not exist.
var signInFlood = party{
	name: "sign-in flood", workers: 8,
	prepare: func(*house) plan { return plan{} },
	attack: func(a *attacker, worker int) error {
		c := visitorOf(a.URL, "11", strangers.Add(1))
		if worker%2 == 0 {
			return c.do(a.ctx, `mutation { verifyMagicLink(input: {token: "unknown"}) { userErrors { code message } } }`, nil, nil)
		}
		return c.do(a.ctx, `mutation($e: String!) { requestMagicLink(input: {email: $e}) { userErrors { code message } } }`, vars{"e": newKey() + "@example.com"}, nil)
	},
}
