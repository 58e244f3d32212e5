package graph

import (
	"context"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"ticketing/graph/apierror"
	"ticketing/graph/documents"
	"ticketing/internal/auth"
)

// TrustedDocuments are the operations that clients may send by their ids.
type TrustedDocuments struct {
	Store               *documents.Store // Default: there are none, and the modes are off.
	Anonymous, SignedIn documents.Mode   // What each group may execute. Default: allow.
}

func (d TrustedDocuments) modeOf(ctx context.Context) documents.Mode {
	viewer, signedIn := auth.FromContext(ctx)
	mode := d.Anonymous
	if signedIn {
		mode = d.SignedIn
	}
	switch {
	case d.Store == nil:
		return documents.Off
	case mode == "" || mode == documents.Require && viewer.HasRole(auth.RoleAdmin): // admins explore
		return documents.Allow
	}
	return mode
}

// Document implements transport.Host.
func (s *Server) Document(ctx context.Context, id, text string) (string, error) {
	d := s.documents
	switch mode := d.modeOf(ctx); {
	case id == "" && text == "":
		return "", apierror.New(apierror.PersistedNotSupported, "PersistedQueryNotSupported") // the text that clients look for
	case id == "" && mode == documents.Require && !d.Store.Has(text):
		return "", apierror.New(apierror.DocumentRequired, "only registered documents can be executed here")
	case id == "":
		return text, nil
	case mode == documents.Off:
		return "", apierror.New(apierror.DocumentNotFound, "there are no registered documents here")
	}
	found, known := d.Store.Find(id)
	if !known {
		return "", apierror.New(apierror.DocumentNotFound, "no document is registered under this documentId")
	}
	return found, nil
}

// CheckDocument returns what makes a document unfit for the schema, nil when it can be executed.
func CheckDocument(text string) error {
	if _, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules()); len(errs) > 0 {
		return errs
	}
	return nil
}
