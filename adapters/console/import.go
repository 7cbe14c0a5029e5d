package console

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/adapters"
	"gatehouse/adapters/register"
)

type importPage struct {
	Columns string
	Text    string // what was read, to be taken by the next step
	Read    bool   // a file was read; without faults Drift says what it would change
	Drift   register.Drift
	Changes []register.Change
	Hidden  int
	Faults  []register.FileFault
}

func (c *Console) importPage() importPage {
	return importPage{Columns: strings.Join(register.Columns(), ",")}
}

// newImport shows the form.
func (c *Console) newImport(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return c.render(w, v, http.StatusOK, "import", c.importPage())
}

// checkImport reads a file whole and shows what it would change, or every fault. It takes nothing.
func (c *Console) checkImport(w http.ResponseWriter, r *http.Request, v *visit) error {
	file, err := c.upload(w, r, v)
	if err != nil {
		return err
	}
	p := c.importPage()
	p.Read = true
	if p.Drift, p.Faults, err = c.book.Read(r.Context(), file); err != nil {
		return err
	}
	status := http.StatusOK
	if len(p.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	} else {
		p.Text = string(file)
		all, _, err := c.book.Diff(r.Context(), adapters.Enrolment{Companies: p.Drift.Companies})
		if err != nil {
			return err
		}
		p.Hidden = max(0, len(all)-maxChanges)
		p.Changes = all[:len(all)-p.Hidden]
	}
	return c.render(w, v, status, "import", p)
}

// takeImport reads again what was shown, and asks for the second person.
func (c *Console) takeImport(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, faults, err := c.book.Read(r.Context(), []byte(r.PostFormValue("csv")))
	switch {
	case err != nil:
		return err
	case len(faults) > 0: // the register changed since, or the form was tampered with
		p := c.importPage()
		p.Read, p.Faults = true, faults
		return c.render(w, v, http.StatusUnprocessableEntity, "import", p)
	case len(d.Companies) == 0:
		return adapters.Fault{Field: "csv", Key: "console.fault.unchanged"}
	}
	waits, err := c.book.Put(r.Context(), v.Me, d.Companies...)
	if err != nil {
		return err
	}
	if waits != "" {
		return c.said(w, r, "console.said.enrolled", "/enrolments/"+url.PathEscape(waits))
	}
	return c.said(w, r, "console.said.company", "/companies")
}

// upload reads the one file of a form whose first field is the session's secret.
func (c *Console) upload(w http.ResponseWriter, r *http.Request, v *visit) ([]byte, error) {
	if !isUpload(r) {
		return nil, adapters.ErrForbidden
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm/3) // it comes back in a form, each byte written as up to three
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	genuine := false
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, adapters.Fault{Field: "file", Key: "console.fault.empty"}
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(part)
		switch {
		case err != nil:
			return nil, err
		case part.FormName() == "token":
			genuine = c.genuine(v, string(b))
		case !genuine:
			return nil, errToken
		case part.FormName() == "file":
			return b, nil
		}
	}
}

// exportCompanies gives the whole register as a file.
func (c *Console) exportCompanies(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := c.lookedUp(r, v, "*"); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="companies.csv"`)
	if err := c.book.Write(r.Context(), w); err != nil {
		c.Log.Error("register not written", "err", err)
		panic(http.ErrAbortHandler) // what was sent is cut off, not taken for whole
	}
	return nil
}
