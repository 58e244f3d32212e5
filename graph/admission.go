package graph

import (
	"context"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/graph/apierror"
	"ticketing/graph/limits"
	"ticketing/graph/request"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

const (
	// bytesOfValue turns the length of a response into a cost: what is longer than was expected is charged afterwards.
	bytesOfValue = 50
	// mostBytes bounds a response: twice what the largest page of long texts has.
	mostBytes = 8 << 20
)

var errTooLong = apierror.New(apierror.ComplexityExceeded, "the response is longer than %d MiB: request smaller pages or fewer fields", mostBytes>>20)

// admission bounds what one client may read, so that others can too: by weight in a time, and by what runs at a time.
type admission struct {
	users, addresses *limits.Meter
	lanes            *limits.Lanes
}

func newAdmission(l RateLimits, registerer prometheus.Registerer) *admission {
	return &admission{
		users: limits.NewMeter(l.ReadsPerUser, time.Now), addresses: limits.NewMeter(l.ReadsPerIP, time.Now), lanes: limits.NewLanes(registerer),
	}
}

// client is who an operation is counted for: the viewer, or the address of guests, who cost nothing, and of those who are not signed in.
type client struct {
	meter *limits.Meter // nil for what is executed for several clients, who share its cost
	key   string
}

func (a *admission) clientOf(ctx context.Context) client {
	if shared := transport.SharedOf(ctx); shared != nil {
		return client{key: shared.Payer()}
	}
	if viewer, signedIn := auth.FromContext(ctx); signedIn && !viewer.Guest {
		return client{a.users, viewer.UserID}
	}
	return client{a.addresses, ratelimit.IPKey(request.From(ctx).ClientIP)}
}

// withClient has the connections to the read database counted for ctx's client.
func (a *admission) withClient(ctx context.Context) context.Context {
	return query.WithCaller(ctx, a.clientOf(ctx).key)
}

// chargeAhead takes the cost of an operation. It returns RATE_LIMITED when the client has read too much.
func (a *admission) chargeAhead(ctx context.Context, oc *graphql.OperationContext) error {
	c := a.clientOf(ctx)
	if c.meter == nil {
		return nil
	}
	balance := c.meter.Take(c.key, limits.CostOf(oc).Requested)
	showBalance(ctx, balance)
	if balance.Wait > 0 {
		return apierror.New(apierror.RateLimited, "too much was read; try again later").After(balance.Wait)
	}
	return nil
}

// showBalance sets the headers of draft-ietf-httpapi-ratelimit-headers.
func showBalance(ctx context.Context, b limits.Balance) {
	set := request.From(ctx).SetHeader
	if set == nil {
		return
	}
	set("RateLimit-Policy", `"reads";q=`+strconv.Itoa(b.Limit)+";w="+strconv.Itoa(seconds(b.Refill)))
	set("RateLimit", `"reads";r=`+strconv.Itoa(max(0, b.Left))+";t="+strconv.Itoa(seconds(b.Full)))
	if b.Wait > 0 {
		set("Retry-After", strconv.Itoa(seconds(b.Wait)))
	}
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// enterLane waits until the operation may run, so that others of its client and heavy ones of all clients leave room. The caller leaves.
func (a *admission) enterLane(ctx context.Context, oc *graphql.OperationContext) (leave func(), err error) {
	return a.lanes.Enter(ctx, a.clientOf(ctx).key, limits.CostOf(oc).Requested)
}

// chargeResponse charges what a response costs above what was charged ahead, and refuses one that is too long.
func (a *admission) chargeResponse(ctx context.Context, oc *graphql.OperationContext, response *graphql.Response, ahead int) *graphql.Response {
	if response == nil {
		return nil
	}
	if more := max(limits.CostOf(oc).Requested, len(response.Data)/bytesOfValue) - ahead; more > 0 {
		if c := a.clientOf(ctx); c.meter != nil {
			c.meter.Charge(c.key, more)
		}
	}
	if len(response.Data) > mostBytes {
		response = refuseOperation(errTooLong)
	}
	if request.From(ctx).WantsCost {
		addExtension(response, "cost", limits.CostOf(oc))
	}
	return response
}

// awaitBalance waits until the client has paid for what its subscriptions have sent: they go on more slowly, with the newest states.
func (a *admission) awaitBalance(ctx context.Context) {
	c := a.clientOf(ctx)
	if c.meter == nil {
		return
	}
	for wait := c.meter.Take(c.key, 0).Wait; wait > 0; wait = c.meter.Take(c.key, 0).Wait {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func addExtension(response *graphql.Response, name string, value any) {
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions[name] = value
}
