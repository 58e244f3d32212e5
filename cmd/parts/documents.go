package parts

import (
	"fmt"

	"ticketing/graph"
	"ticketing/graph/documents"
	"ticketing/internal/auth"
	"ticketing/web/shop"
)

// trustedDocuments opens the manifest, if there is one. What the pages of the API's own send is trusted besides.
func (e Env) trustedDocuments() (graph.TrustedDocuments, error) {
	d := graph.TrustedDocuments{Anonymous: documents.Mode(e.Config.DocumentsAnonymous), SignedIn: documents.Mode(e.Config.DocumentsSignedIn)}
	if e.Config.TrustedDocuments == "" {
		return d, nil
	}
	own, err := documents.InPages(append(shop.Sources(), auth.PageSources())...)
	if err == nil {
		d.Store, err = documents.Open(documents.Config{Path: e.Config.TrustedDocuments, Own: own, Logger: e.Logger})
	}
	if err != nil {
		return d, fmt.Errorf("TRUSTED_DOCUMENTS: %w", err)
	}
	return d, nil
}
