package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Names of the statements that a session has prepared.
const (
	appendStatement = "append"
	freeStatement   = "free"
	writeStatement  = "write"
	commitStatement = "commit"
)

// writeSQL writes something that no table has. PostgreSQL acknowledges only commits of transactions that have written when a synchronous standby has
// them, and with them all that was committed before.
const writeSQL = `SELECT pg_logical_emit_message(true, 'ticketing', ''::text)`

// sendChunk sends the chunk to PostgreSQL, which inserts it while the loop decides the next commands. Its errors are read with the commit.
func (e *Engine) sendChunk(ctx context.Context, b *batch) error {
	sent, err := e.queueChunk(ctx, b)
	if err != nil || !sent {
		return err
	}
	// Each chunk ends with a Sync: only between those is a session idle in its transaction, so that it ends when this process freezes.
	if err := b.sending.Sync(); err != nil {
		return fmt.Errorf("send a part of the append: %w", err)
	}
	return nil
}

// queueChunk queues the chunk, clears it for the next commands, and reports whether there was anything in it.
func (e *Engine) queueChunk(ctx context.Context, b *batch) (bool, error) {
	c := b.chunk
	if c.empty() {
		c.commands = 0
		return false, nil
	}
	params, err := c.appendParams(e.connection.TypeMap())
	if err != nil {
		return false, err
	}
	p := e.openPipeline(ctx, b)
	if c.freedKeys.rows > 0 {
		p.SendQueryPrepared(freeStatement, c.freeParams(), allBinary, nil)
	}
	p.SendQueryPrepared(appendStatement, params, allBinary, nil)
	b.writes = true
	c.after += c.domainEvents()
	c.clear()
	return true, nil
}

var allBinary = []int16{pgtype.BinaryFormatCode}

// openPipeline returns the batch's pipeline. The session serves nothing else until the commit.
func (e *Engine) openPipeline(ctx context.Context, b *batch) *pgconn.Pipeline {
	if b.sending == nil {
		b.sending, b.sentAt = e.connection.PgConn().StartPipeline(ctx), time.Now()
	}
	return b.sending
}

// commitBatch sends the rest of the batch with the commit, and waits. Its error is an *unknownCommitError unless it is certain that nothing was
// committed.
func (e *Engine) commitBatch(ctx context.Context, b *batch) error {
	if _, err := e.queueChunk(ctx, b); err != nil {
		return err
	}
	p := e.openPipeline(ctx, b)
	if !b.writes && b.accepted() {
		// What it returns is true because of earlier commits, whose acknowledgement may be missing: of a process that died, or a replay.
		p.SendQueryPrepared(writeStatement, nil, nil, nil)
	}
	e.connection.warning = ""
	e.connection.committing.Store(true)
	p.SendQueryPrepared(commitStatement, nil, nil, nil)
	done, err := "", p.Sync()
	if pgconn.SafeToRetry(err) {
		return fmt.Errorf("send the commit: %w", err) // no byte of it was sent
	}
	if err == nil {
		done, err = readReplies(p)
	}
	switch {
	case err == nil && done != "COMMIT":
		return fmt.Errorf("append the batch: the commit ended with %s", done)
	case err == nil && e.connection.warning != "": // "The transaction has already committed locally, but might not have been replicated"
		return &unknownCommitError{cause: errors.New(e.connection.warning)}
	case err == nil:
		e.connection.committing.Store(false)
		return nil
	case certainlyRefused(err):
		return fmt.Errorf("append the batch: %w", err)
	}
	return &unknownCommitError{cause: err}
}

// accepted reports whether a command of the batch was accepted.
func (b *batch) accepted() bool {
	return slices.ContainsFunc(b.decided, func(d decidedCall) bool { return d.result.err == nil })
}

// certainlyRefused reports whether PostgreSQL refused the transaction. After FATAL and PANIC it may have been committed, unless PostgreSQL waited for
// this process in the middle of the transaction, which then was frozen. Severity itself is in the language of the server.
func certainlyRefused(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.SeverityUnlocalized == "ERROR" || refused.Code == pgerrcode.IdleInTransactionSessionTimeout)
}

// readReplies reads all replies. It returns the command tag of the last statement, or the first error.
func readReplies(p *pgconn.Pipeline) (last string, err error) {
	for {
		results, err := p.GetResults()
		if err != nil {
			return "", fmt.Errorf("read a reply: %w", err)
		}
		switch reader := results.(type) {
		case nil:
			return last, p.Close()
		case *pgconn.ResultReader:
			tag, err := reader.Close()
			if err != nil {
				return "", fmt.Errorf("read a reply: %w", err)
			}
			last = tag.String()
		}
	}
}
