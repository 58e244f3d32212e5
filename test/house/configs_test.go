package house

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

var saysDefault = regexp.MustCompile(`\b(Required|Default|Defaults)\b`)

// A caller of a constructor has to know which fields may be left out.
func TestEachFieldOfAConfigSaysItsDefault(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if strings.HasPrefix(file.path, "internal/config/") { // the settings of the programs: .env.example has their defaults
			continue
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			declared, ok := node.(*ast.TypeSpec)
			if !ok || !ast.IsExported(declared.Name.Name) || !strings.HasSuffix(declared.Name.Name, "Config") {
				return true
			}
			if fields, ok := declared.Type.(*ast.StructType); ok {
				reportSilentFields(t, file, declared.Name.Name, fields)
			}
			return false
		})
	}
}

func reportSilentFields(t *testing.T, file goFile, config string, fields *ast.StructType) {
	t.Helper()
	for _, field := range fields.Fields.List {
		if len(field.Names) == 0 || !ast.IsExported(field.Names[0].Name) || saysDefault.MatchString(field.Doc.Text()+field.Comment.Text()) {
			continue
		}
		at := file.line(field.Pos())
		t.Errorf("%s:%d: %s.%s says neither Required nor its Default", at.path, at.line, config, field.Names[0].Name)
	}
}
