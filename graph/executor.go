package graph

import (
	"context"
	"log/slog"

	"github.com/99designs/gqlgen/graphql/executor"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"ticketing/graph/apierror"
	"ticketing/graph/generated"
	"ticketing/graph/limits"
)

const mostTokens = 1_000

// newExecutor returns an executor of operations. An open one also shows the schema, by introspection and by suggestions in errors; a
// closed one does neither.
func newExecutor(r *Resolver, logger *slog.Logger, open bool) *executor.Executor {
	exec := executor.New(generated.NewExecutableSchema(generated.Config{
		Schema: schema, Resolvers: r, Directives: generated.DirectiveRoot{Auth: r.authorizeField},
	}))
	exec.SetErrorPresenter(apierror.Presenter(logger, publicError))
	exec.SetRecoverFunc(apierror.Recover(logger))
	exec.SetParserTokenLimit(mostTokens)
	documents := newDocumentCache(r.usage)
	exec.SetQueryCache(documents)
	exec.SetDisableSuggestion(!open)
	if !open {
		exec.SetDefaultRulesFn(rulesWithoutSuggestions)
	}
	exec.Use(limits.Merging{Tokens: mostTokens, Known: documents.has})
	size := limits.Default()
	size.Introspection = open
	exec.Use(limits.Strict{Schema: schema})
	exec.Use(size) // last: only what nothing refuses has a cost
	exec.AroundOperations(r.usage.aroundOperation)
	exec.AroundOperations(r.aroundOperation)
	exec.AroundResponses(r.aroundResponse)
	exec.AroundRootFields(r.aroundRootField)
	return exec
}

// rulesWithoutSuggestions are the rules of the specification, worded so that errors reveal no name of the schema. (The executor
// replaces those for fields and leaves itself.)
func rulesWithoutSuggestions() *rules.Rules {
	all := rules.NewDefaultRules()
	all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return all
}

// documentCache keeps parsed and validated documents. It is bounded in bytes: long documents are not kept.
type documentCache struct {
	documents *lru.Cache[string, *ast.QueryDocument]
	usage     *usage
}

const (
	keptDocuments = 500
	keptBytes     = 8 << 10
)

func newDocumentCache(u *usage) documentCache {
	documents, err := lru.NewWithEvict(keptDocuments, func(_ string, document *ast.QueryDocument) { u.forget(document) })
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return documentCache{documents, u}
}

// Get implements graphql.Cache.
func (c documentCache) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	return c.documents.Get(text)
}

// Add implements graphql.Cache. Of equal documents that are parsed at the same time it keeps the first.
func (c documentCache) Add(_ context.Context, text string, document *ast.QueryDocument) {
	if len(text) > keptBytes {
		return
	}
	c.usage.keep(document)
	if _, known, _ := c.documents.PeekOrAdd(text, document); known {
		c.usage.forget(document)
	}
}

func (c documentCache) has(ctx context.Context, text string) bool {
	_, known := c.Get(ctx, text)
	return known
}
