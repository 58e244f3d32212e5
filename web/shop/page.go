package shop

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed layout pages
var files embed.FS

// Sources returns the files with the operations that the pages execute, in this process and in browsers.
func Sources() []fs.FS { return []fs.FS{files, assetFiles} }

// pageKey names a page in one language.
type pageKey struct{ name, language string }

// page is one page in one language.
type page struct {
	document string // with all operations of the page
	template *template.Template
}

var pageNames = []string{"list", "event", "order", "signin", "account", "failure"}

func readPages(languages []*language, assets map[string]asset) (map[pageKey]*page, error) {
	pages := map[pageKey]*page{}
	for _, l := range languages {
		for _, name := range pageNames {
			document, err := files.ReadFile("pages/" + name + "/" + name + ".graphql")
			if err != nil {
				return nil, fmt.Errorf("read the document of a page: %w", err)
			}
			parsed, err := template.New("layout.html").Funcs(l.functions(languages, assets)).Option("missingkey=error").
				ParseFS(files, "layout/*.html", "pages/"+name+"/*.html")
			if err != nil {
				return nil, fmt.Errorf("parse the template of %s: %w", name, err)
			}
			pages[pageKey{name, l.Code}] = &page{document: string(document), template: parsed}
		}
	}
	return pages, nil
}

// view is what a template shows.
type view struct {
	Title       string
	Description string
	Path        string   // without the language
	Public      bool     // it is the same for all
	Islands     []string // modules that the page loads
	Refresh     int      // seconds after which a browser without JavaScript loads it again; 0: never
	Data        any
}

// show writes a page. What is not public is stored nowhere.
func (v *visit) show(status int, name string, content view) {
	body, err := v.render(name, content)
	if err != nil {
		v.cfg.Logger.ErrorContext(v.r.Context(), "a page of the shop could not be written", "page", name, "error", err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body) //nolint:gosec // html/template escaped what is in it; it fails only if the client has gone
}

func (v *visit) render(name string, content view) ([]byte, error) {
	if content.Path == "" {
		content.Path = v.lang.path(v.r.URL.Path)
		if v.r.Method != http.MethodGet { // the page that the form is on
			content.Path = content.Path[:strings.LastIndexByte(content.Path, '/')]
		}
	}
	var body bytes.Buffer
	if err := v.pages[pageKey{name, v.lang.Code}].template.Execute(&body, content); err != nil {
		return nil, fmt.Errorf("execute the template of %s: %w", name, err)
	}
	return body.Bytes(), nil
}
