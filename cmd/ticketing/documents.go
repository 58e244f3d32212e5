package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"ticketing/graph"
	"ticketing/graph/documents"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
)

const documentsUsage = `usage: ticketing documents register [-manifest FILE] FILE...
           add operations to the manifest of trusted documents (TRUSTED_DOCUMENTS, docs/api.md). A FILE is what GraphQL Code Generator, Relay's
           compiler, Apollo's generate-persisted-query-manifest (with SHA-256 as the hash) or genqlient's export_operations writes; or one
           document, with the ending .graphql.
           Nothing is added when one of them does not fit the schema of this version; nothing is ever removed.`

// runDocuments returns statusWrong when a document can't be registered.
func runDocuments(args []string, out io.Writer) int {
	if buildinfo.HandleFlags(out, "ticketing documents", documentsUsage, args) {
		return statusOK
	}
	flags := flag.NewFlagSet("ticketing documents register", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(flags.Output(), documentsUsage) }
	manifest := flags.String("manifest", config.Environ()["TRUSTED_DOCUMENTS"], "the manifest")
	if len(args) == 0 || args[0] != "register" || flags.Parse(args[1:]) != nil || *manifest == "" || flags.NArg() == 0 {
		fmt.Fprintln(os.Stderr, documentsUsage)
		return statusNotVerified
	}
	if err := registerDocuments(*manifest, flags.Args(), out); err != nil {
		fmt.Fprintln(os.Stderr, "ticketing documents:", err)
		return statusWrong
	}
	return statusOK
}

func registerDocuments(manifest string, files []string, out io.Writer) error {
	var texts []string
	for _, file := range files {
		read, err := documents.Read(file)
		if err != nil {
			return err
		}
		for _, text := range read {
			if err := graph.CheckDocument(text); err != nil {
				return errors.Join(fmt.Errorf("a document of %s does not fit the schema: %w", file, err), errors.New(text))
			}
		}
		texts = append(texts, read...)
	}
	added, total, err := documents.Register(manifest, texts...)
	if err == nil {
		fmt.Fprintf(out, "%s: %d documents, %d of them new\n", manifest, total, added)
	}
	return err
}
