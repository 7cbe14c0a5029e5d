package store_test

import (
	"path/filepath"
	"testing"

	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		dir := t.TempDir()
		return storetest.Place{
			URL:     "sqlite:" + filepath.Join(dir, "gateway.db"),
			KeyFile: filepath.Join(dir, "keys", "gateway.key"),
			Raw:     func(t *testing.T) map[string][]byte { return storetest.Folder(t, dir+"/gateway.db*") },
		}
	})
}

func TestPostgres(t *testing.T) {
	server := databasetest.Postgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Place {
		url := server.Database(t)
		return storetest.Place{
			URL:     url,
			KeyFile: filepath.Join(t.TempDir(), "gateway.key"),
			Raw: func(t *testing.T) map[string][]byte {
				out := server.Files(t, url)
				out["dump"] = server.Dump(t, url)
				return out
			},
		}
	})
}
