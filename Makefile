# `make help` lists the targets. Tools that this machine lacks are installed once, into .cache/.

.DEFAULT_GOAL := help
.PHONY: help toolchain unlinked wasm command build release run check test test-native test-wasm test-docker test-matrix test-release test-all soak bench bench-core bench-gate bench-bless fuzz fuzz-keep fmt fmt-check lint docs deny advisories clean

export BROWNOUT_CACHE ?= $(CURDIR)/.cache
target := $(or $(CARGO_TARGET_DIR),target)
envoys := 1.36.4 1.38.2 1.39.3 1.40.0
link_module = mkdir -p dist && $(target)/debug/brownout-link module $(target)/wasm32-wasip1/module/brownout_filter.wasm \
	dist/brownout.wasm
deny = $$(scripts/cargo-tool cargo-deny 0.20.2 cargo-deny --locked)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Panic messages contain source paths. Remapping them makes the build reproducible on every machine.
unlinked: export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS := \
	--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo --remap-path-prefix=$(CURDIR)=brownout
unlinked: toolchain
	cargo build -p brownout-filter --profile module --target wasm32-wasip1

wasm: unlinked ## build the module: dist/brownout.wasm
	cargo build -p brownout-link
	@$(link_module)

command: toolchain
	cargo build -p brownout-cli -p brownout-link

# In parallel, so that both cores stay busy while one links the module.
build: toolchain ## build the command, with the module embedded: dist/brownout
	@$(MAKE) --no-print-directory -j 2 unlinked command
	@$(link_module)
	@$(target)/debug/brownout-link command $(target)/debug/brownout dist/brownout.wasm dist/brownout

toolchain: # installs Rust, its components and its targets if any is missing
	@scripts/toolchain

release: wasm ## build everything that is published, with checksums: dist/release
	scripts/release dist/release

run: build ## run a real Envoy that injects faults into demo traffic; ARGS="…" is passed to `brownout run`
	dist/brownout run --traffic $(ARGS)

check: fmt-check lint docs ## check formatting, lints and API docs; runs no tests

test: wasm test-wasm test-native ## run all tests and build what they need

test-native: wasm ## test the core, the command and the module, and run the suites with a real Envoy
	cargo test

test-docker: wasm ## run the scenarios and the Compose file with Envoy in containers; needs Docker, see scripts/with-docker
	image=$$(scripts/envoy-image) && BROWNOUT_ENVOY_IMAGE=$$image cargo test -p brownout-containers

test-wasm: toolchain ## run the core's tests, compiled to wasm, under Node
	scripts/test-wasm

soak: export BROWNOUT_SOAK_REQUESTS ?= 1000000
soak: wasm ## send a million requests: every fault, clients that leave, upstreams that fail, a new document every second
	cargo test -p brownout-tests --test soak -- --nocapture

bench: build ## measure what the module costs next to its peers in one Envoy; writes docs/performance.md; ARGS=--quick for a quick look
	cargo run -p brownout-bench -- $(ARGS)

bench-core: toolchain ## measure how long one decision of the core takes on this machine
	cargo bench -p brownout-bench-core

bench-gate: wasm ## fail if the module executes more than tests/bench/baseline.json says, or is much slower than it should be
	cargo run -p brownout-bench gate

bench-bless: wasm ## make what the module executes now the new baseline
	cargo run -p brownout-bench bless

fuzz: toolchain ## look for inputs that break something; SECONDS=60 for each of TARGETS="…" (default: all)
	scripts/fuzz $(or $(SECONDS),60) $(TARGETS)

fuzz-keep: toolchain ## add what `make fuzz` has found so far to the corpora that `make test` replays
	scripts/fuzz keep $(TARGETS)

test-release: wasm ## test what `make release` builds: build it twice, and install it in an empty environment
	cargo test -p brownout-cli --features release --test release

# All combinations: they take too long for `make test`.
test-all: export RUST_TEST_THREADS ?= 1
test-all: test test-matrix test-release soak ## run every suite with every Envoy, the release tests and a million requests; takes about an hour
	scripts/with-docker $(MAKE) test-docker

test-matrix: export BROWNOUT_PUSH_SECONDS ?= 60
test-matrix: wasm ## run the suites with every supported version of Envoy
	for envoy in $(envoys); do BROWNOUT_ENVOY_VERSION=$$envoy cargo test -p brownout-tests || exit 1; done

fmt: toolchain ## format the sources
	cargo fmt --all

fmt-check: toolchain ## check that the sources are formatted
	cargo fmt --all --check

lint: toolchain ## run clippy for this machine and for wasm; warnings are errors
	cargo clippy --all-targets -- -D warnings
	cargo clippy -p brownout-containers -p brownout-bench --all-targets -- -D warnings
	cargo clippy -p brownout-core -p brownout-filter -p brownout-bench-empty --target wasm32-wasip1 -- -D warnings

docs: toolchain ## build the API documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps -p brownout-filter --target wasm32-wasip1

deny: toolchain ## check the dependencies' licences and sources, and look for duplicates
	$(deny) check licenses bans sources

advisories: toolchain ## check the dependencies for known vulnerabilities; fetches the RustSec database
	$(deny) check advisories

clean: ## remove build output; keeps .cache/
	cargo clean
	rm -rf dist
