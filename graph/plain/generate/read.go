package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
)

// file is a file of generated code.
type file struct {
	path      string
	text      string
	imports   map[string]string // import specs, by the name that the code uses
	functions []function
}

// function is a function of a file.
type function struct {
	name       string
	start, end int // in the file's text
	text       string
}

func readFile(path string) (*file, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the path is an argument
	if err != nil {
		return nil, fmt.Errorf("read generated code: %w", err)
	}
	f := &file{path: path, text: string(raw), imports: map[string]string{}}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, raw, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse generated code: %w", err)
	}
	for _, spec := range parsed.Imports {
		quoted := spec.Path.Value
		name := strings.Trim(quoted[strings.LastIndexByte(quoted, '/')+1:], `"`)
		if spec.Name != nil {
			name, quoted = spec.Name.Name, spec.Name.Name+" "+quoted
		}
		f.imports[name] = quoted
	}
	for _, declaration := range parsed.Decls {
		if d, ok := declaration.(*ast.FuncDecl); ok {
			start, end := set.Position(d.Pos()).Offset, set.Position(d.End()).Offset
			f.functions = append(f.functions, function{d.Name.Name, start, end, f.text[start:end]})
		}
	}
	return f, nil
}

// schema is what the generated code says of the schema.
type schema struct {
	types      map[string]*objectType
	names      []string // of the types, in order of their files
	marshalers map[string]marshaler
	imports    map[string]string
}

// objectType is a type with its fields without a resolver.
type objectType struct {
	goType string
	fields []field
}

// field is a field whose value is an expression of obj.
type field struct {
	name, value, marshaler string
}

var (
	objectFunction = regexp.MustCompile(`^func \(ec \*executionContext\) _([A-Za-z]\w*)\(ctx context\.Context, sel ast\.SelectionSet, obj \*(\S+)\) graphql\.Marshaler \{`)
	fieldFunction  = regexp.MustCompile(`(?s)^func \(ec \*executionContext\) _([A-Za-z]\w*)_(\w+)\(ctx context\.Context, field graphql\.CollectedField, obj \*(\S+)\) ` +
		`\(ret graphql\.Marshaler\) \{.*?func\(ctx context\.Context\) \(any, error\) \{\s*return (obj\.[^\n]*), nil\s*\},\s*nil,\s*` +
		`func\(ctx context\.Context, selections ast\.SelectionSet, v [^\n]*\) graphql\.Marshaler \{\s*return ec\.(marshal[^(]+)\(ctx, selections, v\)\s*\},\s*true,`)
)

func newSchema(files []*file) *schema {
	s := &schema{types: map[string]*objectType{}, marshalers: map[string]marshaler{}, imports: map[string]string{}}
	for _, f := range files {
		for name, spec := range f.imports {
			s.imports[name] = spec
		}
		for _, fn := range f.functions {
			s.addFunction(fn)
		}
	}
	return s
}

func (s *schema) addFunction(fn function) {
	if strings.HasPrefix(fn.name, "marshal") {
		s.marshalers[fn.name] = readMarshaler(fn.text)
		return
	}
	if found := objectFunction.FindStringSubmatch(fn.text); found != nil {
		s.typeOf(found[1]).goType = found[2]
		return
	}
	if found := fieldFunction.FindStringSubmatch(fn.text); found != nil && !strings.Contains(found[4], "ctx") {
		t := s.typeOf(found[1])
		t.fields = append(t.fields, field{name: found[2], value: found[4], marshaler: found[5]})
	}
}

func (s *schema) typeOf(name string) *objectType {
	if s.types[name] == nil {
		s.types[name] = &objectType{}
		s.names = append(s.names, name)
	}
	return s.types[name]
}
