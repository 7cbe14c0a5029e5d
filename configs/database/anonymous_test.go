package database

import (
	"strings"
	"testing"
)

func TestAnonymousPlaceholders(t *testing.T) {
	for query, want := range map[string]string{
		"INSERT INTO t(a, b) VALUES ($1,$2),($3,$4) ": "INSERT INTO t(a, b) VALUES (?,?),(?,?) ",
		"SELECT 1":                                        "SELECT 1",
		"UPDATE t SET a = $1 WHERE b = $2":                "UPDATE t SET a = ? WHERE b = ?",
		"UPDATE t SET a = $2 WHERE b = $1":                "UPDATE t SET a = $2 WHERE b = $1",
		"SELECT $1, $1":                                   "SELECT $1, $1",
		"SELECT $1, $2, $1":                               "SELECT $1, $2, $1",
		"SELECT a FROM t WHERE b = $1 AND c = 'costs $2'": "SELECT a FROM t WHERE b = $1 AND c = 'costs $2'",
		"SELECT $1, ?":                                    "SELECT $1, ?",
		"SELECT $name":                                    "SELECT $name",
		"SELECT $":                                        "SELECT $",
		"SELECT $01":                                      "SELECT $01",
		"VALUES (" + places(11) + ")":                     "VALUES (" + strings.TrimSuffix(strings.Repeat("?,", 11), ",") + ")",
	} {
		if got := anonymous(query); got != want {
			t.Errorf("%q became %q, not %q", query, got, want)
		}
	}
}

func places(n int) string {
	all := []string{"$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12"}
	return strings.Join(all[:n], ",")
}
