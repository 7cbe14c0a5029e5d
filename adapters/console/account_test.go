package console

import (
	"net/http"
	"strings"
	"testing"

	"gatehouse/configs/password"
	"gatehouse/configs/secret"
)

func TestEnrolMakesTheFileTheTruth(t *testing.T) {
	h := open(t)
	b := h.login("rosa")
	accounts := []Account{{ID: "lena", Name: "Lena", Department: "waste", Roles: []string{"officer", "releaser"}, PasswordHash: secret.New(password.HashWith(DemoPassword, 8, 1))}}
	for range 2 {
		h.must(Enrol(t.Context(), h.store, accounts))
	}
	b.get("/", http.StatusSeeOther)
	h.login("lena").get("/", http.StatusOK)
	h.must(Enrol(t.Context(), h.store, nil))
	fresh := h.browser()
	fresh.get("/login", http.StatusOK)
	fresh.post("/login", http.StatusUnauthorized, "name", "lena", "password", DemoPassword)
}

func TestAccountNamesItsFaults(t *testing.T) {
	right := Account{ID: "rosa", Name: "Rosa", Department: "waste", Roles: []string{"officer"}, PasswordHash: secret.New(password.HashWith("x", 8, 1))}
	if err := right.Validate(); err != nil {
		t.Error(err)
	}
	wrong := Account{ID: "Rosa M", Roles: []string{"boss"}, PasswordHash: secret.New("plain password")}
	err := wrong.Validate()
	for _, want := range []string{"id: ", "name: ", "department: ", "password_hash: ", "roles: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "plain password") {
		t.Error("the fault shows the password")
	}
}
