package plain

import "strconv"

const hex = "0123456789ABCDEF"

// AppendString appends a text as graphql.MarshalString writes it.
func AppendString(b []byte, text string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '\\' && c != '"' {
			continue
		}
		b = appendEscaped(append(b, text[start:i]...), c)
		start = i + 1
	}
	return append(append(b, text[start:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '\t':
		return append(b, `\t`...)
	case '\r':
		return append(b, `\r`...)
	case '\n':
		return append(b, `\n`...)
	case '\\', '"':
		return append(b, '\\', c)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// AppendInt appends a number.
func AppendInt[I int | int32 | int64](b []byte, n I) []byte {
	return strconv.AppendInt(b, int64(n), 10)
}

// AppendBoolean appends true or false.
func AppendBoolean(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendOptional appends a scalar, or null.
func AppendOptional[T any](b []byte, v *T, appendValue func([]byte, T) []byte) []byte {
	if v == nil {
		return appendNull(b)
	}
	return appendValue(b, *v)
}

func appendNull(b []byte) []byte { return append(b, "null"...) }

// AppendScalars appends a list of scalars.
func AppendScalars[T any](b []byte, list []T, appendValue func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, list[i])
	}
	return append(b, ']')
}

// AppendObject appends an object of which only plain fields are selected.
func AppendObject[T any](b []byte, t *Type[T], p *Plan, obj *T) []byte {
	b = append(b, '{')
	for i := range p.steps {
		if b = appendStep(b, t, &p.steps[i], obj); b == nil {
			return nil
		}
	}
	return append(b, '}')
}

// AppendOptionalObject appends an object, or null.
func AppendOptionalObject[T any](b []byte, t *Type[T], p *Plan, obj *T) []byte {
	if obj == nil {
		return appendNull(b)
	}
	return AppendObject(b, t, p, obj)
}

// AppendRequiredObject appends an object that can't be null.
func AppendRequiredObject[T any](b []byte, t *Type[T], p *Plan, obj *T) []byte {
	if obj == nil {
		return nil
	}
	return AppendObject(b, t, p, obj)
}

// AppendList appends a list of objects.
func AppendList[T any](b []byte, t *Type[T], p *Plan, list []T) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b = AppendObject(b, t, p, &list[i]); b == nil {
			return nil
		}
	}
	return append(b, ']')
}

// AppendPointers appends a list of objects that can't be null.
func AppendPointers[T any](b []byte, t *Type[T], p *Plan, list []*T) []byte {
	b = append(b, '[')
	for i, obj := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b = AppendRequiredObject(b, t, p, obj); b == nil {
			return nil
		}
	}
	return append(b, ']')
}

// AppendOptionalList appends what appendAll makes of a list, or null.
func AppendOptionalList[T, E any](b []byte, t *Type[T], p *Plan, list []E, appendAll func([]byte, *Type[T], *Plan, []E) []byte) []byte {
	if list == nil {
		return appendNull(b)
	}
	return appendAll(b, t, p, list)
}
