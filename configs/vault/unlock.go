package vault

import (
	"errors"
	"fmt"
)

// What the key file of a store must open.
const (
	proofTable = "proof"
	proofRow   = "1"
	proofText  = "the right key file"
)

// Unlock opens the vault of a store with its key file. proof is what the store keeps to know its file; nil: it has
// none yet, and the one to keep comes back. A file that is missing is made (made is true) unless there is a proof,
// which it could not open.
func Unlock(path string, proof []byte) (v *Vault, fresh []byte, made bool, err error) {
	secret, err := Read(path)
	switch {
	case errors.Is(err, ErrNoFile) && proof != nil:
		return nil, nil, false, fmt.Errorf("%w, and the store was sealed with it: bring it back; nothing can be read without it", err)
	case errors.Is(err, ErrNoFile):
		secret, err = Create(path)
		made = err == nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	if v, err = New(secret); err != nil {
		return nil, nil, false, err
	}
	if proof == nil {
		return v, v.Root().Seal(proofTable, proofRow, []byte(proofText)), made, nil
	}
	return v, nil, made, v.Prove(path, proof)
}

// Prove tells whether proof was made with this vault's key file, which is at path.
func (v *Vault) Prove(path string, proof []byte) error {
	if text, err := v.Root().Open(proofTable, proofRow, proof); err != nil || string(text) != proofText {
		return fmt.Errorf("key file %s is not the one that sealed this store: name the right one", path)
	}
	return nil
}
