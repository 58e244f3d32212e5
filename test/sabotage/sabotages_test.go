package sabotage

// sabotage is a change of sources that breaks an invariant.
type sabotage struct {
	name    string // as docs/reliability.md has it
	changes []change
	folder  string   // of the package whose tests notice
	tests   []string // each of which fails
	// simulated is the simulation that fails too. Default: it does not notice.
	simulated string
	count     int // how often they run, if once may be luck. Default: 1.
}

// change replaces a text of a file, which must be there once.
type change struct{ file, old, new string }

// sabotages are sorted by the way of a command through the system.
var sabotages = []sabotage{
	{
		name:   "the ownership of a reservation is not checked",
		folder: "test", tests: []string{"TestObjectsOfOtherUsersAreRefused"},
		changes: []change{{"command/authorize.go", `if !c.Principal.Is(s.CustomerID) {`, `if c.Principal.ID() == "" {`}},
	},
	{
		name:   "a payment is visible to strangers",
		folder: "graph", tests: []string{"TestAReservationIsVisibleToItsParticipants"},
		changes: []change{{"graph/payment.go", "return requireParticipant(ctx, found.CustomerID, found.EventID)\n\t}}.find(ctx, paymentID", "return nil\n\t}}.find(ctx, paymentID"}},
	},
	{
		name:   "fields of admins are open to all who are signed in",
		folder: "graph", tests: []string{"TestListsOfEverythingAreForAdmins"},
		changes: []change{{"graph/authorize.go", `case rule == model.AuthRuleAdmin && !admin:`, `case rule == model.AuthRuleAdmin && !signedIn:`}},
	},
	{
		name:   "strangers refund a payment",
		folder: "test", tests: []string{"TestOnlyTheOrganizerAndAdminsRefund"},
		changes: []change{{"command/authorize.go", `return c.mayManage(s)`, `return nil`}},
	},
	{
		name:   "a magic link works again",
		folder: "internal/auth", tests: []string{"TestAMagicLinkSignsInOnce"},
		changes: []change{
			{"internal/auth/magiclink.go", `s.redis.GetDel(ctx, `, `s.redis.Get(ctx, `},
			{"internal/auth/epoch.go", `SELECT EXISTS (SELECT FROM used_links WHERE hash = $1)`, `SELECT $1::text IS NULL`},
		},
	},
	{
		name:   "a taken seat is reserved",
		folder: "command/inventory", tests: []string{"TestASeatHasOneHolder"},
		changes: []change{{"command/inventory/selection.go", `case s.section.statusAt(at) != Available:`, `case s.section == nil:`}},
	},
	{
		name:   "more is reserved than there is",
		folder: "command/inventory", tests: []string{"TestCapacityIsNeverExceeded"},
		changes: []change{{"command/inventory/selection.go", `case n <= left:`, `case n <= left || s.section.Capacity > 0:`}},
	},
	{
		name:   "a late payment takes the seats of another customer",
		folder: "command/inventory", tests: []string{"TestLatePaymentTakesNoSeatFromOthers"},
		changes: []change{{"command/inventory/decide.go", `if err := s.checkFree(c.Retake.Items); err != nil {`,
			`if err := s.checkFree(c.Retake.Items); err != nil && s.Sections == nil {`}},
	},
	{
		name:   "the end of a hold is ignored",
		folder: "command/reservation", tests: []string{"TestNothingIsPaidPastTheHold"},
		changes: []change{{"command/reservation/decide.go", `s.Status == SeatsReserved && !now.Before(s.ExpiresAt)`, `s.Status == SeatsReserved && now.IsZero()`}},
	},
	{
		name:   "the log's lock is not taken",
		folder: "command/engine", tests: []string{"TestReplicasNeverDecideFromAStaleState"}, count: 5,
		changes: []change{{"command/engine/session.go",
			"b.Queue(`SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard))", "b.Queue(`SELECT 1`)"}},
	},
	{
		name:   "a frozen process keeps the lock",
		folder: "command/engine", tests: []string{"TestAFrozenHolderOfTheLockIsEnded"},
		changes: []change{{"command/engine/session.go", `SELECT pid FROM holder WHERE pg_terminate_backend(pid)`, `SELECT pid FROM holder`}},
	},
	{
		name:   "decided states stay in memory when a batch fails",
		folder: "command/engine", tests: []string{"TestASessionThatDiesBetweenDecisionAndCommitLosesNothing"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/batch.go", "for id := range b.streams {\n\t\t\te.cache.drop(id)\n\t\t}", "for id := range b.streams {\n\t\t\t_ = id\n\t\t}"}},
	},
	{
		name:   "a commit without acknowledgement counts as refused",
		folder: "command/engine", tests: []string{"TestACommitWithoutAcknowledgementIsUnavailableWithoutAKey"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/append.go", "return &unknownCommitError{cause: err}\n", "return fmt.Errorf(\"append the batch: %w\", err)\n"}},
	},
	{
		name:   "what no standby has is acknowledged",
		folder: "command/engine", tests: []string{"TestWhatNoStandbyHasIsNotAcknowledged"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/append.go", `case err == nil && e.connection.warning != "":`, `case err == nil && e.connection.warning == "never":`}},
	},
	{
		name:   "what other replicas appended is not read",
		folder: "command/engine", tests: []string{"TestReplicasNeverDecideFromAStaleState"}, count: 5, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/session.go", `if e.head != before {`, `if e.head.Incarnation != before.Incarnation {`}},
	},
	{
		name:   "states in memory outlive the log's incarnation",
		folder: "command/engine", tests: []string{"TestANewIncarnationOfTheLogStartsOver"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{
			{"command/engine/session.go", `if e.head.Incarnation != before.Incarnation {`, `if e.head.Incarnation == "" {`},
			{"command/engine/prepare.go", `if s.incarnation != e.head.Incarnation {`, `if s.incarnation == "" {`},
			{"command/engine/prepare.go", `s.checkedAt < e.foreign || s.incarnation != e.head.Incarnation {`, `s.checkedAt < e.foreign {`},
		},
	},
	{
		name:   "idempotency keys are ignored",
		folder: "command/engine", tests: []string{"TestTheSameKeyIsOneCommand", "TestARejectionReplays"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/batch.go", "known, ok := b.known[c.Key.id()]\n\treturn known, ok", "known, ok := b.known[c.Key.id()]\n\treturn known, ok && b == nil"}},
	},
	{
		name:   "customers pay for more than there is",
		folder: "test", tests: []string{"TestCustomersGoOnAfterEachKindOfFault"},
		changes: []change{{"command/inventory/selection.go", `case n <= left:`, `case n <= left || s.section.Capacity > 0:`}},
	},
	{
		name:   "a process decides by its own clock",
		folder: "command/engine", tests: []string{"TestTheTimeOfADecisionIsTheDatabases"}, simulated: "TestTheEngineSellsNothingTwice",
		changes: []change{{"command/engine/session.go", `e.head, e.now = head, now.UTC()`, `e.head, e.now = head, time.Now().UTC()`}},
	},
	{
		name:   "the relay moves its cursor before it publishes",
		folder: "command/relay", tests: []string{"TestTheCursorStaysWhereItIsWhenPublishingFails"}, simulated: "TestTheTableBecomesWhatTheLogSays",
		changes: []change{{"command/relay/session.go", "touched, err := s.publishPage(", `if err := s.cursor.Move(ctx, s.db, page[len(page)-1].Position, nil); err != nil {
		return false, err
	}
	s.cursor.Position = page[len(page)-1].Position
	touched, err := s.publishPage(`}},
	},
	{
		name:   "records that the relay did not sign are believed",
		folder: "projector", tests: []string{"TestRecordsThatTheRelayDidNotSignAreNotBelieved"},
		changes: []change{{"internal/cloudevents/signature.go", `if !k.Off() && !k.isSigned(r) {`, `if !k.Off() && !k.isSigned(r) && r == nil {`}},
	},
	{
		name:   "a projection applies a record again",
		folder: "projector/availability", tests: []string{"TestAvailabilityBearsAnyDelivery"},
		changes: []change{{"projector/projection/fold.go", `case r.Version <= version: // applied before`, `case r.Version < 0:`}},
	},
	{
		name:   "a checkpoint moves outside its batch's transaction",
		folder: "projector/runner", tests: []string{"TestACheckpointMovesOnlyWithItsRecords"}, simulated: "TestTheTableBecomesWhatTheLogSays",
		changes: []change{
			{"projector/tables/writer.go", "	err = w.transact(ctx, func(tx pgx.Tx) error {\n\t\tq := db.New(tx)", `	if err := w.moveCheckpoints(ctx, db.New(w.Read), b.Marks); err != nil {
		return nil, err
	}
	err = w.transact(ctx, func(tx pgx.Tx) error {
		q := db.New(tx)`},
			{"projector/tables/writer.go", `return w.moveCheckpoints(ctx, q, b.Marks)`, `return nil`},
		},
	},
	{
		name:   "a projector that lost its partition writes on",
		folder: "projector/runner", tests: []string{"TestCheckpointsFenceZombies"},
		changes: []change{{"projector/tables/batch.go", `if moved != int64(len(marks)) {`, `if moved < 0 {`}},
	},
	{
		name:   "a projector that missed a rebuild writes on",
		folder: "projector/rebuild", tests: []string{"TestRebuildMakesTheSameTablesWithRightRows"},
		changes: []change{{"projector/tables/writer.go", `(err == nil && generation != w.generation)`, `(err == nil && generation < 0)`}},
	},
	{
		name:   "what the log got during a rebuild is not in the new tables",
		folder: "projector/rebuild", tests: []string{"TestASwitchBringsWhatTheLogGotSinceTheNewTablesWereFilled"},
		changes: []change{{"projector/rebuild/switch.go", `.Within(tx), head.Position)`, `.Within(tx), min(head.Position, r.position))`}},
	},
	{
		name:   "a rebuild replaces tables that were migrated meanwhile",
		folder: "projector/rebuild", tests: []string{"TestTablesThatAreMigratedMeanwhileAreNotReplaced"},
		changes: []change{{"projector/rebuild/switch.go", `if version != r.schemaVersion {`, `if version < 0 {`}},
	},
	{
		name:   "a read table that differs from the log counts as sound",
		folder: "projector/verify", tests: []string{"TestEveryTamperingWithTheReadTablesIsFound"},
		changes: []change{{"projector/verify/report.go", `r.Counts[Broken]+r.Counts[Differs]+r.Counts[Dead] > 0`, `r.Counts[Broken]+r.Counts[Dead] > 0`}},
	},
	{
		name:   "ticketing verify succeeds whatever it finds",
		folder: "cmd/ticketing", tests: []string{"TestVerifyFailsForTablesThatAreWrongOrBehind"},
		changes: []change{{"cmd/ticketing/verify.go", "case report.Wrong():\n\t\treturn statusWrong", "case report.Wrong():\n\t\treturn statusOK"}},
	},
	{
		name:   "a hold does not end after its time",
		folder: "test", tests: []string{"TestAnUnpaidHoldExpiresOnTime"}, simulated: "TestTheSagaFinishesWhatWasBegun",
		changes: []change{{"command/saga/changes.go", "case reservation.ReservationInitiated:\n\t\tc.setDeadline(Hold, id, deadline{dueAt: e.ExpiresAt, cause: by})",
			"case reservation.ReservationInitiated:"}},
	},
	{
		name:   "two sagas follow the log at a time",
		folder: "command/saga", tests: []string{"TestOneReplicaFollowsAtATime"},
		changes: []change{{"command/saga/cursor.go", ` FOR UPDATE OF c SKIP LOCKED`, ` FOR SHARE OF c`}},
	},
	{
		name:   "jobs whose result was lost stay lost",
		folder: "command/saga", tests: []string{"TestAJobWhoseResponseOrResultWasLostIsDoneAgain"}, simulated: "TestTheSagaFinishesWhatWasBegun",
		changes: []change{{"command/saga/replica.go", `id <> ALL ($3::bigint[]) FOR UPDATE`, `id <> ALL ($3::bigint[]) AND false FOR UPDATE`}},
	},
	{
		name:   "the saga moves its cursor before it makes jobs",
		folder: "test/simulation", tests: []string{"TestTheSagaFinishesWhatWasBegun"},
		changes: []change{
			{"command/saga/follower.go", `return c, insertJobs(ctx, f.client, tx, slices.Concat(c.jobs, slices.Collect(maps.Values(c.undecided)), mails))`,
				"c.jobs = slices.Concat(c.jobs, slices.Collect(maps.Values(c.undecided)), mails)\n\treturn c, nil"},
			{"command/saga/follower.go", `_, err = f.applyRecords(ctx, tx, recorded, position, recorded[len(recorded)-1].Position)
	return len(recorded), err`, `c, err := f.applyRecords(ctx, tx, recorded, position, recorded[len(recorded)-1].Position)
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err == nil {
		err = pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error { return insertJobs(ctx, f.client, tx, c.jobs) })
	}
	return len(recorded), err`},
		},
	},
	{
		name:   "the saga goes on where it was after a restore of the log",
		folder: "test/simulation", tests: []string{"TestTheSagaFinishesWhatWasBegun"},
		changes: []change{{"command/saga/cursor.go", `case !same:`, `case !same && position > 0:`}},
	},
	{
		name:   "a payment that was charged is given up",
		folder: "test/simulation", tests: []string{"TestTheSagaFinishesWhatWasBegun"},
		changes: []change{
			{"command/expire_hold.go", `case result.Outcome == payment.OutcomeSucceeded:`, `case result.Outcome == payment.OutcomeCreated:`},
			{"command/expire_hold.go", `case result.Outcome != payment.OutcomeFailed:`, `case result.Outcome == payment.OutcomeProcessing:`},
		},
	},
	{
		name:   "a refund that is tried again has another key",
		folder: "test/simulation", tests: []string{"TestTheSagaFinishesWhatWasBegun"},
		changes: []change{{"command/execute_refund.go", `gateway.Refund{
		ID: refundID,`, `gateway.Refund{
		ID: fmt.Sprintf("%s-%p", refundID, &p),`}},
	},
	{
		name:   "a payment that was given up is confirmed",
		folder: "command", tests: []string{"TestAPaymentThatWasGivenUpMeanwhileIsNotConfirmed"},
		changes: []change{
			{"command/process_payment.go", `case recorded.Payment.Status != payment.Processing:`, `case recorded.Payment == nil:`},
			{"command/process_payment.go", `case recorded.unwanted:`, `case recorded.unwanted && recorded.Payment == nil:`},
		},
	},
	{
		name:   "a refund is requested under another key each time",
		folder: "command/gateway/stripe", tests: []string{"TestRequestsCarryOurIDsAndKeys"},
		changes: []change{{"command/gateway/stripe/refund.go", `params.IdempotencyKey = new(r.Key())`, `params.IdempotencyKey = new(fmt.Sprintf("%s-%p", r.Key(), params))`}},
	},
	{
		name:   "each webhook of Stripe is genuine",
		folder: "command/webhook", tests: []string{"TestARequestThatIsNotStripesIsRefusedAndNotStored"},
		changes: []change{{"command/gateway/stripe/webhook.go", "if err != nil {\n\t\treturn gateway.Notice{}, fmt.Errorf(\"%w: %w\"", "if err != nil && body == nil {\n\t\treturn gateway.Notice{}, fmt.Errorf(\"%w: %w\""}},
	},
	{
		name:   "each webhook of PayPal is genuine",
		folder: "command/webhook", tests: []string{"TestARequestThatIsNotPayPalsIsRefusedAndNotStored"},
		changes: []change{{"command/gateway/paypal/webhook.go", `if err := g.verifySignature(ctx, header, body); err != nil {`,
			`if err := g.verifySignature(ctx, header, body); err != nil && body == nil {`}},
	},
	{
		name:   "a webhook that comes twice is applied twice",
		folder: "command/webhook", tests: []string{"TestRefundsOfTheDashboardAreRecorded"},
		changes: []change{{"command/record_webhook.go", `id.Derive(id.Refund, gatewayName+"/"+r.ID)`, `id.New(id.Refund)`}},
	},
}
