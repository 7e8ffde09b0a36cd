# Steg: `make demo` shows a call on this machine, `make test` proves it.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: build demo test check lint fuzz bench setup clean

# A static binary: no C library, no dynamic linking, no build paths inside.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/steg ./cmd/steg

# Debian's Prosody and Chromium, once.
setup:
	./tests/setup.sh

# A conference on this machine: Prosody, Steg, a focus and a page; Ctrl-C stops all of it.
demo: setup build
	$(GO) run ./tests/demo

test: setup build
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -timeout 14m ./...

check: lint test

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo 'golangci-lint is not installed: skipped'; fi

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 60s
fuzz:
	./tests/fuzz.sh $(FUZZTIME)

# Figures of a 10x10 call: CPU per forwarded packet, latency, memory.
bench: build
	$(GO) run ./tests/load

clean:
	rm -rf bin
