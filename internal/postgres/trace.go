package postgres

import (
	"context"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"

	"ticketing/internal/telemetry"
)

// traceStatements has statements below a sampled span make one of their own, with their text and without their arguments.
func traceStatements(c *pgx.ConnConfig) {
	if !telemetry.Exports() {
		return
	}
	c.Tracer = otelpgx.NewTracer(otelpgx.WithSpanNameFunc(statementName), otelpgx.WithDisableConnectionDetailsInAttributes(),
		otelpgx.WithTracerAttributes(attribute.String("db.namespace", c.Database)))
}

// statementName returns the name that sqlc gives to a query, else its operation.
func statementName(sql string) string {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	return otelpgx.SQLOperationName(context.Background(), sql)
}
