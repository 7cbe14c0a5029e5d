# Gatehouse. `make help` lists what there is; each target installs what it needs.
SHELL := /bin/bash
GOLANGCI := v2.15.0
FUZZTIME ?= 10s
KILLS ?= 100

.PHONY: help run test check bench fuzz soak build tools

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## start all three sides on this machine with the demo city; Ctrl-C ends it
	@go run ./deploy/local

build: ## the programs, in bin/
	@mkdir -p bin
	go build -o bin/ ./gateway/cmd/gateway ./exchange/cmd/guard ./adapters/cmd/office ./deploy/local ./deploy/carriers/cmd/carriers

tools:
	@deploy/tools.sh

# Properties are drawn from one seed here, so that a run can be repeated; `make fuzz` draws new ones.
test: tools ## everything, with the race detector
	RAPID_SEED=1 RAPID_NOFAILFILE=1 go test -race -timeout 30m ./...

check: ## formatting, vet and linters
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not formatted (run gofmt -w):"; echo "$$out"; exit 1; fi
	go vet ./...
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run ./...

bench: tools ## the benchmark table, each row as a ratio taken in the same run
	go run ./deploy/bench

fuzz: ## every fuzz target for FUZZTIME (10s)
	@deploy/fuzz.sh $(FUZZTIME)

soak: tools ## the kill tests and the diode's load at full length: make soak KILLS=100
	GATEHOUSE_KILLS=$(KILLS) go test -race -timeout 120m -run 'Kill|Crash|Flood' -v ./deploy/... ./exchange/program/...
	GATEHOUSE_KILLS=$(KILLS) go test -timeout 120m -run BadWire -v ./exchange/diode
