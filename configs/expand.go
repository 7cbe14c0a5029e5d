package configs

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// expand gives a scalar's text with every ${NAME:-default} replaced.
func (r *reader) expand(n *yaml.Node, key string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		r.fault(n.Line, key, "must be a single value")
		return "", false
	}
	if isNull(n) {
		return "", true
	}
	if !strings.Contains(n.Value, "${") {
		return n.Value, true
	}
	s, rest, ok := r.expandUntil(n.Value, false, 0)
	if !ok || rest != "" {
		r.fault(n.Line, key, "has a ${ that is not closed; write ${NAME:-default}")
		return "", false
	}
	return s, true
}

// expandUntil replaces up to the closing brace of an enclosing ${, or to the end, and gives what is left.
func (r *reader) expandUntil(s string, inner bool, depth int) (out, rest string, ok bool) {
	var b strings.Builder
	for s != "" {
		switch {
		case inner && s[0] == '}':
			return b.String(), s[1:], true
		case strings.HasPrefix(s, "${") && depth < maxDepth:
			v, left, ok := r.variable(s[2:], depth)
			if !ok {
				return "", "", false
			}
			b.WriteString(v)
			s = left
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String(), "", !inner
}

// variable reads NAME} or NAME:-default} and gives its value and what follows. As in a shell, an empty variable
// counts as unset when a default is there.
func (r *reader) variable(s string, depth int) (value, rest string, ok bool) {
	end := strings.IndexFunc(s, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
	if end <= 0 {
		return "", "", false
	}
	set, _ := r.lookup(s[:end])
	if s[end] == '}' {
		return set, s[end+1:], true
	}
	def, found := strings.CutPrefix(s[end:], ":-")
	if !found {
		return "", "", false
	}
	out, rest, ok := r.expandUntil(def, true, depth+1)
	if set != "" {
		out = set
	}
	return out, rest, ok
}
