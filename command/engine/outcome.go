package engine

import "ticketing/command/rejection"

// keyID identifies an idempotency key.
type keyID struct{ actor, key string }

func (k *Key) id() keyID { return keyID{k.Actor, k.Key} }

// outcome is stored under an idempotency key.
type outcome struct {
	Ref       string           `json:"ref,omitempty"`
	Rejection *rejection.Error `json:"rejection,omitempty"`
	hash      []byte
}

// replayTo returns the result of the first command with this key, if k is of the same request.
func (o outcome) replayTo(k *Key) result {
	switch {
	case string(o.hash) != string(k.Hash):
		return result{err: rejection.New(rejection.IdempotencyKeyReused, "this idempotency key was used for a different request")}
	case o.Rejection != nil:
		return result{err: o.Rejection}
	}
	return result{Result: Result{Decided: Decided{Ref: o.Ref}, Replayed: true}}
}
