package console

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/adapters"
	"gatehouse/configs/password"
)

// DemoPassword opens every demo account. It exists in the demo alone: only SeedDemo stores it.
const DemoPassword = "lantern-quay-demo"

// DemoStaff are the fourteen people of the demo city's six departments.
func DemoStaff() []adapters.Staff {
	const (
		officer, publisher, releaser = adapters.Officer, adapters.Publisher, adapters.Releaser
		approver, auditor            = adapters.Approver, adapters.Auditor
		emergency                    = adapters.Emergency
	)
	who := func(id, name, department string, roles ...adapters.Role) adapters.Staff {
		return adapters.Staff{ID: id, Name: name, Department: department, Roles: roles}
	}
	all := []adapters.Staff{
		who("rosa", "Rosa Medeiros", "waste", officer, releaser),
		who("tomas", "Tomás Furtado", "waste", officer),
		who("ines", "Inês Carvalho", "streets", officer, releaser),
		who("karim", "Karim Haddad", "streets", officer),
		who("chloe", "Chloé Marchand", "parking", officer, releaser),
		who("dmitri", "Dmitri Volkov", "parking", officer),
		who("mei", "Mei Lin", "revenue", officer, releaser),
		who("samuel", "Samuel Okoye", "revenue", officer),
		who("helena", "Helena Bettencourt", "civil", officer, releaser),
		who("youssef", "Youssef Amrani", "civil", officer),
		who("ana", "Ana Silveira", "desk", officer, releaser, emergency),
		who("paulo", "Paulo Dutra", "desk", publisher, emergency),
		who("vera", "Vera Nunes", "desk", approver, releaser),
		who("otto", "Otto Lindqvist", "desk", auditor),
	}
	all[10].Sees, all[12].Sees = []string{"*"}, []string{"*"}
	return all
}

// SeedDemo stores the demo's staff, those that are not there yet. Never call it outside the demo: its password is
// in this file.
func SeedDemo(ctx context.Context, people adapters.People) error {
	hash := ""
	for _, s := range DemoStaff() {
		if _, err := people.Person(ctx, s.ID); err == nil || !errors.Is(err, adapters.ErrNotFound) {
			if err != nil {
				return fmt.Errorf("seed demo staff: %w", err)
			}
			continue
		}
		if hash == "" {
			hash = password.Hash(DemoPassword)
		}
		s.Hash = hash
		if err := people.Employ(ctx, s); err != nil {
			return fmt.Errorf("seed demo staff: %w", err)
		}
	}
	return nil
}
