package console

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/secret"
)

// Account is one entry of `staff` in office.yaml. The file is the truth: who is not in it can't log in.
type Account struct {
	ID           string       `yaml:"id"` // the log-in name
	Name         string       `yaml:"name"`
	Department   string       `yaml:"department"` // a code of the services directory's city.yaml
	Sees         []string     `yaml:"sees"`       // further departments whose cases they may read; "*": all
	Roles        []string     `yaml:"roles"`
	PasswordHash secret.Value `yaml:"password_hash"` // as `office password` prints it
}

// accountName is how a log-in name may look; it stands in releases, which take letters, digits and . _ - alone.
var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Validate gives all faults joined.
func (a Account) Validate() error {
	var all []error
	if !accountName.MatchString(a.ID) {
		all = append(all, fmt.Errorf("id: is %q; small letters, digits and . _ - such as rosa.medeiros", a.ID))
	}
	if a.Name == "" {
		all = append(all, errors.New("name: is empty; write the person's name as colleagues read it"))
	}
	if a.Department == "" {
		all = append(all, errors.New("department: is empty; write a department's code from city.yaml"))
	}
	if !strings.HasPrefix(a.PasswordHash.Reveal(), "$argon2id$") {
		all = append(all, errors.New("password_hash: is not one; write what `office password` prints"))
	}
	for _, r := range a.Roles {
		if !slices.Contains(adapters.Roles(), adapters.Role(r)) {
			all = append(all, fmt.Errorf("roles: has %q; known are officer, publisher, releaser, approver, emergency and auditor", r))
		}
	}
	return errors.Join(all...)
}

// Enrol makes the staff those of the file: they are stored as it says, and everybody else is shut out.
func Enrol(ctx context.Context, people adapters.People, accounts []Account) error {
	there, err := people.Everybody(ctx)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	listed := map[string]bool{}
	for _, a := range accounts {
		listed[a.ID] = true
		s := adapters.Staff{ID: a.ID, Name: a.Name, Department: a.Department, Sees: a.Sees, Hash: a.PasswordHash.Reveal()}
		for _, r := range a.Roles {
			s.Roles = append(s.Roles, adapters.Role(r))
		}
		if err := people.Employ(ctx, s); err != nil {
			return fmt.Errorf("enrol %s: %w", a.ID, err)
		}
	}
	for _, s := range there {
		if listed[s.ID] || s.Disabled {
			continue
		}
		s.Disabled = true
		if err := people.Employ(ctx, s); err != nil {
			return fmt.Errorf("shut out %s: %w", s.ID, err)
		}
	}
	return nil
}
