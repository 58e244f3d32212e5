package simulation

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// message is what a client has sent. Those of kind startup, execute and query are awaited: the scheduler decides when they run.
type message struct {
	kind             byte // as in the protocol; startup has none there
	name             string
	sql              string
	params           [][]byte
	formats, results []int16
}

const (
	startup  = byte(0)
	cancel   = byte(1)
	parse    = 'P'
	bind     = 'B'
	describe = 'D'
	execute  = 'E'
	query    = 'Q'
	syncing  = 'S'
	closing  = 'C'
	leaving  = 'X'
)

func (m message) awaited() bool { return m.kind == startup || m.kind == execute || m.kind == query }

// session is a connection as the server has it. Only the scheduler uses it, apart from its queue.
type session struct {
	db      *database
	id      uint32
	client  *process // nil: of the test itself
	conn    *connection
	backend *pgproto3.Backend
	queue   []message // of the world's mutex
	left    bool      // of the world's mutex: the client has closed the connection
	ended   bool

	statements map[string]*statement
	portal     portal
	tx         *transaction
	skipping   bool // after an error, until the next Sync
	toFlush    bool
	settings   map[string]string
	warning    string // goes along with the next reply

	locks     map[string]bool
	waitsFor  string // key of a lock
	claim     claim
	blockedAt time.Time
	idleAt    time.Time // when it has finished last
	silentTo  time.Time // until then the network delivers nothing
}

type portal struct {
	statement *statement
	message   message
}

// receive queues what the client sends, until it leaves.
func (s *session) receive() {
	for m, err := s.receiveStartup(); ; m, err = s.receiveNext() {
		s.db.world.mu.Lock()
		if err == nil {
			s.queue = append(s.queue, m)
		} else {
			s.left = true
		}
		s.db.world.mu.Unlock()
		s.db.world.wake()
		if err != nil || m.kind == cancel || m.kind == leaving {
			return
		}
	}
}

func (s *session) receiveStartup() (message, error) {
	m, err := s.backend.ReceiveStartupMessage()
	if err != nil {
		return message{}, err
	}
	if c, ok := m.(*pgproto3.CancelRequest); ok {
		s.id = c.ProcessID
		return message{kind: cancel}, nil
	}
	return message{kind: startup}, nil
}

func (s *session) receiveNext() (message, error) {
	received, err := s.backend.Receive()
	if err != nil {
		return message{}, err
	}
	switch m := received.(type) {
	case *pgproto3.Parse:
		return message{kind: parse, name: m.Name, sql: m.Query}, nil
	case *pgproto3.Bind:
		params := make([][]byte, len(m.Parameters))
		for i, p := range m.Parameters {
			params[i] = slices.Clone(p)
		}
		return message{
			kind: bind, name: m.PreparedStatement, params: params, formats: slices.Clone(m.ParameterFormatCodes), results: slices.Clone(m.ResultFormatCodes),
		}, nil
	case *pgproto3.Describe:
		return message{kind: describe, name: string(m.ObjectType) + m.Name}, nil
	case *pgproto3.Execute:
		return message{kind: execute}, nil
	case *pgproto3.Query:
		return message{kind: query, sql: m.String}, nil
	case *pgproto3.Sync:
		return message{kind: syncing}, nil
	case *pgproto3.Close:
		return message{kind: closing}, nil
	case *pgproto3.Terminate:
		return message{kind: leaving}, nil
	}
	return message{}, errors.ErrUnsupported
}

func (s *session) send(messages ...pgproto3.BackendMessage) {
	for _, m := range messages {
		s.backend.Send(m)
	}
}

func (s *session) flush() {
	s.toFlush = false
	if err := s.backend.Flush(); err != nil {
		s.end()
	}
}

// advance handles what needs no decision of the scheduler, and reports whether a message that is awaited comes next.
func (s *session) advance() bool {
	for !s.ended {
		s.db.world.mu.Lock()
		left := s.left && len(s.queue) == 0
		var m message
		some := len(s.queue) > 0
		if some {
			m = s.queue[0]
		}
		s.db.world.mu.Unlock()
		switch {
		case left:
			s.end()
			return false
		case !some:
			return false
		case m.awaited() && (m.kind != execute || !s.skipping):
			return true
		}
		s.next()
		s.handle(m)
	}
	return false
}

// next removes the first message.
func (s *session) next() {
	s.db.world.mu.Lock()
	defer s.db.world.mu.Unlock()
	s.queue = s.queue[1:]
}

func (s *session) handle(m message) {
	switch {
	case m.kind == syncing:
		s.skipping = false
		s.endStatement()
		s.sendReady()
	case m.kind == leaving:
		s.end()
	case m.kind == cancel:
		s.cancelOther()
	case s.skipping:
	case m.kind == parse:
		s.handleParse(m)
	case m.kind == bind:
		s.portal = portal{s.statements[m.name], m}
		s.send(&pgproto3.BindComplete{})
	case m.kind == describe:
		s.handleDescribe(m)
	case m.kind == closing:
		s.send(&pgproto3.CloseComplete{})
	}
}

func (s *session) handleParse(m message) {
	st, err := s.db.statement(m.sql)
	if err != nil {
		s.fail(err)
		return
	}
	s.statements[m.name] = st
	s.send(&pgproto3.ParseComplete{})
}

func (s *session) handleDescribe(m message) {
	st, formats := s.statements[m.name[1:]], []int16(nil)
	if m.name[0] == 'P' {
		st, formats = s.portal.statement, s.portal.message.results
	} else {
		s.send(&pgproto3.ParameterDescription{ParameterOIDs: st.params})
	}
	if len(st.columns) == 0 {
		s.send(&pgproto3.NoData{})
		return
	}
	s.send(st.describe(formats))
}

func (st *statement) describe(formats []int16) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{}
	for i, c := range st.columns {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{Name: []byte(c.name), DataTypeOID: c.oid, TypeModifier: -1, Format: formatOf(formats, i)})
	}
	return d
}

func formatOf(formats []int16, i int) int16 {
	switch len(formats) {
	case 0:
		return pgtype.TextFormatCode
	case 1:
		return formats[0]
	}
	return formats[i]
}

// step runs the message that is next, which is awaited.
func (s *session) step() {
	s.db.world.mu.Lock()
	m := s.queue[0]
	s.db.world.mu.Unlock()
	var err error
	switch m.kind {
	case startup:
		s.welcome()
	case execute:
		err = s.runPortal()
	default:
		err = s.runQuery(m.sql)
	}
	if errors.Is(err, errBlocked) {
		return
	}
	s.next()
	s.waitsFor, s.idleAt = "", time.Now()
	if err != nil {
		s.fail(err)
	}
	if m.kind == query {
		s.endStatement()
		s.sendReady()
	}
}

func (s *session) welcome() {
	s.send(&pgproto3.AuthenticationOk{})
	for _, p := range [][2]string{{"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}, {"TimeZone", "UTC"}} {
		s.send(&pgproto3.ParameterStatus{Name: p[0], Value: p[1]})
	}
	s.send(&pgproto3.BackendKeyData{ProcessID: s.id, SecretKey: []byte{0, 0, 0, 0}})
	s.sendReady()
}

func (s *session) sendReady() {
	status := byte('I')
	switch {
	case s.tx != nil && s.tx.failed:
		status = 'E'
	case s.tx != nil:
		status = 'T'
	}
	s.send(&pgproto3.ReadyForQuery{TxStatus: status})
	s.toFlush, s.idleAt = true, time.Now()
}

func (s *session) fail(err error) {
	refused := &refusal{"XX000", err.Error()}
	_ = errors.As(err, &refused)
	s.send(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: refused.code, Message: refused.message})
	s.skipping, s.waitsFor = true, ""
	if s.tx == nil {
		return
	}
	s.tx.failed = true
	if len(s.tx.savepoints) == 0 {
		s.tx.changes = nil
		s.db.releaseLocks(s, false)
	}
}

// endStatement ends a transaction that no BEGIN has begun.
func (s *session) endStatement() {
	if s.tx != nil && !s.tx.explicit {
		s.endTransaction(!s.tx.failed)
	}
}

func (s *session) endTransaction(commit bool) {
	if s.tx != nil && commit {
		s.tx.commit(s.warning == "")
	}
	s.tx = nil
	s.db.releaseLocks(s, false)
}

// end ends the session and its transaction.
func (s *session) end() {
	if s.ended {
		return
	}
	s.ended = true
	s.endTransaction(false)
	s.db.releaseLocks(s, true)
	s.db.world.mu.Lock()
	s.db.sessions = slices.DeleteFunc(s.db.sessions, func(other *session) bool { return other == s })
	s.db.world.mu.Unlock()
	_ = s.conn.Close()
}

// cut ends the session without a word to the client.
func (s *session) cut() {
	s.conn.cut()
	s.end()
}

// terminate ends the session, and says why if the network lets it.
func (s *session) terminate(code, reason string) {
	if !s.silent() && !s.ended {
		s.send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: reason})
		_ = s.backend.Flush()
	}
	s.end()
}

func (s *session) silent() bool { return time.Now().Before(s.silentTo) }

// cancelOther cancels what the session of that number waits for. The canceling connection is then closed.
func (s *session) cancelOther() {
	for _, other := range s.db.world.sessions() {
		if other != s && other.db == s.db && other.id == s.id && other.waitsFor != "" {
			other.refuse(errCancelled)
		}
	}
	s.end()
}

// refuse ends a statement that waits.
func (s *session) refuse(err error) {
	s.next()
	s.db.releaseWaiting(s)
	s.fail(err)
	s.idleAt = time.Now()
}

func (db *database) releaseWaiting(s *session) {
	if l := db.locks[s.waitsFor]; l != nil {
		l.queue = slices.DeleteFunc(l.queue, ofSession(s))
	}
	s.waitsFor = ""
}

// idle reports whether the server waits for the client within a transaction.
func (s *session) idle() bool {
	if s.tx == nil || !s.tx.explicit || s.waitsFor != "" {
		return false
	}
	s.db.world.mu.Lock()
	defer s.db.world.mu.Unlock()
	return s.silent() || len(s.queue) == 0
}

// limit returns a setting that is a time, 0 for none.
func (s *session) limit(name string) time.Duration {
	text := s.settings[name]
	if s.tx != nil && s.tx.settings[name] != "" {
		text = s.tx.settings[name]
	}
	d, _ := time.ParseDuration(text)
	return d
}

// due returns when one of the session's limits is reached, and what happens then.
func (s *session) due() (at time.Time, reach func()) {
	if s.waitsFor != "" {
		for name, err := range map[string]error{"lock_timeout": errLockTime, "statement_timeout": errCancelled} {
			if d := s.limit(name); d > 0 && (at.IsZero() || s.blockedAt.Add(d).Before(at)) {
				at, reach = s.blockedAt.Add(d), func() { s.refuse(err) }
			}
		}
		return at, reach
	}
	if d := s.limit("idle_in_transaction_session_timeout"); d > 0 && s.idle() {
		return s.idleAt.Add(d), func() { s.terminate("25P03", "terminating connection due to idle-in-transaction timeout") }
	}
	return at, nil
}

var setting = regexp.MustCompile(`^(?i)set (local )?(\w+) (?:=|to) '?([^']*)'?$`)

// runQuery runs statements of the simple protocol. One that must wait is the first that has an effect.
func (s *session) runQuery(sql string) error {
	some := false
	for text := range strings.SplitSeq(sql, ";") {
		text = normal(text)
		if text == "" || strings.HasPrefix(text, "--") {
			continue
		}
		some = true
		tag, err := s.runText(text)
		if err != nil {
			return err
		}
		s.sendWarning()
		s.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
	}
	if !some {
		s.send(&pgproto3.EmptyQueryResponse{})
	}
	return nil
}

func (s *session) runText(text string) (tag string, err error) {
	if m := setting.FindStringSubmatch(text); m != nil {
		if m[1] != "" {
			s.tx.settings[m[2]] = m[3]
		} else {
			s.settings[m[2]] = m[3]
		}
		return "SET", nil
	}
	if tag, ok := s.control(text); ok {
		return tag, nil
	}
	if s.tx != nil && s.tx.failed {
		return "", errFailed
	}
	if tag, ok := s.define(text); ok {
		return tag, nil
	}
	st, err := s.db.statement(text)
	if err != nil {
		return "", err
	}
	_, tag, err = s.run(st, message{})
	return tag, err
}

// control runs a statement that begins or ends transactions, and reports whether it is one.
func (s *session) control(text string) (tag string, ok bool) {
	words := strings.Fields(strings.ToLower(text))
	switch words[0] {
	case "begin":
		s.beginTransaction().explicit = true
		return "BEGIN", true
	case "commit":
		commit := s.tx == nil || !s.tx.failed
		s.endTransaction(commit)
		if !commit {
			return "ROLLBACK", true
		}
		return "COMMIT", true
	case "savepoint":
		s.tx.savepoints = append(s.tx.savepoints, savepoint{words[1], len(s.tx.changes)})
		return "SAVEPOINT", true
	case "release":
		s.tx.release(words[len(words)-1])
		return "RELEASE", true
	case "rollback":
		if len(words) > 1 {
			s.tx.rollbackTo(words[len(words)-1])
		} else {
			s.endTransaction(false)
		}
		return "ROLLBACK", true
	}
	return "", false
}

func (s *session) beginTransaction() *transaction {
	if s.tx == nil {
		s.tx = &transaction{db: s.db, settings: map[string]string{}}
	}
	return s.tx
}

func (s *session) runPortal() error {
	st := s.portal.statement
	if st.run == nil {
		tag, _ := s.control(st.sql)
		s.sendWarning()
		s.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
		return nil
	}
	rows, tag, err := s.run(st, s.portal.message)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.send(&pgproto3.DataRow{Values: row})
	}
	s.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
	return nil
}

// sendWarning says that a commit did not reach the standby.
func (s *session) sendWarning() {
	if s.warning != "" {
		s.send(&pgproto3.NoticeResponse{Severity: "WARNING", SeverityUnlocalized: "WARNING", Code: "01000", Message: s.warning})
		s.warning = ""
	}
}
