package webhook

import (
	"time"

	"github.com/riverqueue/river"
)

// Queue is the queue of the jobs below.
const Queue = "webhooks"

// maxAttempts lasts three days with the saga's pauses between attempts: as long as Stripe and PayPal send a webhook again that was not
// accepted. A job that is given up after that stays visible.
const maxAttempts = 452

// Job has a stored webhook handled.
type Job struct {
	Gateway string `json:"gateway"`
	EventID string `json:"event_id"`
}

// correlationID names all that the webhook leads to.
func (j Job) correlationID() string { return j.Gateway + ":" + j.EventID }

// Kind is part of river.JobArgs.
func (Job) Kind() string { return "webhook" }

// InsertOpts is part of river.JobArgsWithInsertOpts. The job needs no unique key: the stored webhook has one.
func (Job) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts}
}

// ForgetEvery is how often old webhooks are deleted.
const ForgetEvery = time.Hour

// ForgetJob deletes webhooks that are old.
type ForgetJob struct{}

// Kind is part of river.JobArgs.
func (ForgetJob) Kind() string { return "forget_webhooks" }

// InsertOpts is part of river.JobArgsWithInsertOpts. There is one job an hour, however many replicas request it.
func (ForgetJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, UniqueOpts: river.UniqueOpts{ByPeriod: ForgetEvery}}
}
