# make alone prints the targets.

.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE     ?= $(shell git log -1 --format=%cI 2>/dev/null)
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0

# How long each fuzz target runs, which packages gremlins mutates in place of our
# own program, which benchmarks run.
FUZZTIME ?= 60s
MUTATE   ?=
BENCH    ?= .

# The version comes from VERSION, so nothing need be stamped, which fails in a
# clone that belongs to somebody else.
export GOFLAGS := -buildvcs=false $(filter-out -buildvcs%,$(GOFLAGS))

# How often `make soak` kills each set-up, how many minutes the tests of one package
# may take.
ROUNDS  ?= 50
TIMEOUT ?= 15m

# Packages that start goroutines, or guard something against those of others; only
# those can race.
RACY = $(sort $(addprefix ./,$(dir $(shell grep -rlE --include='*.go' '^[[:space:]]+go [a-zA-Z]|"sync"|"sync/atomic"|sync/errgroup' cmd correlate dashboards ingest internal sinks 2>/dev/null))))

# go test says nothing of tests that are skipped; this tells which, and why.
TESTLOG = go run ./internal/testlog

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/jitaudit; fetches the modules that go.mod names (Go proxy, once)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)' -o bin/jitaudit ./cmd/jitaudit

.PHONY: demo
demo: build ## the whole pipeline on a made-up company, compared with the truth; fetches libchdb too, through npm (180 MB, once)
	bin/jitaudit demo

.PHONY: test
test: ## vet, all tests, those that can race again under the race detector; fetches what demo does
	go vet ./...
	@echo 'go test ./...'; go test -json -timeout $(TIMEOUT) ./... | $(TESTLOG)
ifneq ($(shell command -v cc gcc clang 2>/dev/null),)
	@echo 'go test -race -short, of what can race'; CGO_ENABLED=1 go test -json -race -short -timeout $(TIMEOUT) $(RACY) | $(TESTLOG)
else
	@echo 'no C compiler: the race detector is left out'
endif

.PHONY: soak
soak: ## kill -9 roles and the whole at random moments, ROUNDS times each (default 50; ten minutes or more); fetches what demo does
	JITAUDIT_TEST_ROUNDS=$(ROUNDS) go test ./cmd/jitaudit -run Killed -count=1 -timeout 2h -v

.PHONY: lint
lint: ## golangci-lint, as .golangci.yml says; fetches and builds it (about 320 MB of modules, once)
	GOWORK=off go run $(LINT) run

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 60s); fetches nothing
	@set -e; grep -rlE --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file" | while read -r target; do \
			echo "== $$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(dirname "$$file")" </dev/null; \
		done; \
	done

.PHONY: bench
bench: ## run the benchmarks that match BENCH (default all); fetches nothing
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: mutants
mutants: ## change the rules here and there and see that a test fails; fetches nothing, but gremlins if MUTATE names packages
ifeq ($(MUTATE),)
	go run ./internal/mutants
else
	@set -e; for package in $(MUTATE); do echo "== $$package"; go run $(GREMLINS) unleash "$$package"; done
endif

.PHONY: clean
clean: ## remove bin; modules and libchdb stay in the user's caches
	rm -rf bin
