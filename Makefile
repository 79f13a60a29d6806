# `make help` lists the targets. What a target needs and the machine lacks goes into .cache/, once.

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

# The same sources give the same module, whoever builds it: panics carry the paths of sources.
unlinked: export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS := \
	--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo --remap-path-prefix=$(CURDIR)=brownout
unlinked: toolchain
	cargo build -p brownout-filter --profile module --target wasm32-wasip1

wasm: unlinked ## build the module: dist/brownout.wasm
	cargo build -p brownout-link
	@$(link_module)

command: toolchain
	cargo build -p brownout-cli -p brownout-link

# Side by side, so that both cores are busy while one of them links the module.
build: toolchain ## build the command, with the module in it: dist/brownout
	@$(MAKE) --no-print-directory -j 2 unlinked command
	@$(link_module)
	@$(target)/debug/brownout-link command $(target)/debug/brownout dist/brownout.wasm dist/brownout

toolchain: # Rust itself, its components and targets, where one is missing
	@scripts/toolchain

release: wasm ## what is published, with checksums: dist/release
	scripts/release dist/release

run: build ## a real Envoy that injects faults into demo traffic; ARGS="…" goes to `brownout run`
	dist/brownout run --traffic $(ARGS)

check: fmt-check lint docs ## what a reader would object to, without running anything

test: wasm test-wasm test-native ## all tests, and all that they need

test-native: wasm ## the core, the command, the module, and the suites with a real Envoy
	cargo test

test-docker: wasm ## the scenarios and the composition with Envoy in containers; needs Docker, see scripts/with-docker
	image=$$(scripts/envoy-image) && BROWNOUT_ENVOY_IMAGE=$$image cargo test -p brownout-containers

test-wasm: toolchain ## the core's tests compiled to wasm, under Node
	scripts/test-wasm

soak: export BROWNOUT_SOAK_REQUESTS ?= 1000000
soak: wasm ## a million requests with every fault, clients that leave, upstreams that fail, a new document every second
	cargo test -p brownout-tests --test soak -- --nocapture

bench: build ## what the module costs, beside its peers in one Envoy; writes docs/performance.md; ARGS=--quick for a look
	cargo run -p brownout-bench -- $(ARGS)

bench-core: toolchain ## what a decision of the core takes on this machine
	cargo bench -p brownout-bench-core

bench-gate: wasm ## whether the module executes more than tests/bench/baseline.json, or is much slower than it should be
	cargo run -p brownout-bench gate

bench-bless: wasm ## what the module executes now becomes the baseline
	cargo run -p brownout-bench bless

fuzz: toolchain ## look for inputs that break something; SECONDS=60 for each of TARGETS="…", all of them if not set
	scripts/fuzz $(or $(SECONDS),60) $(TARGETS)

fuzz-keep: toolchain ## what `make fuzz` has found so far, into the corpora that `make test` replays
	scripts/fuzz keep $(TARGETS)

test-release: wasm ## what `make release` makes, made twice and installed where there is nothing
	cargo test -p brownout-cli --features release --test release

# Everything once more where it takes too long for `make test`: the products of what varies.
test-all: export RUST_TEST_THREADS ?= 1
test-all: test test-matrix test-release soak ## every suite with every Envoy, the release, a million requests; about an hour
	scripts/with-docker $(MAKE) test-docker

test-matrix: export BROWNOUT_PUSH_SECONDS ?= 60
test-matrix: wasm ## the suites with every supported version of Envoy
	for envoy in $(envoys); do BROWNOUT_ENVOY_VERSION=$$envoy cargo test -p brownout-tests || exit 1; done

fmt: toolchain ## format the sources
	cargo fmt --all

fmt-check: toolchain ## whether the sources are formatted
	cargo fmt --all --check

lint: toolchain ## clippy, for this machine and for wasm; warnings are errors
	cargo clippy --all-targets -- -D warnings
	cargo clippy -p brownout-containers -p brownout-bench --all-targets -- -D warnings
	cargo clippy -p brownout-core -p brownout-filter -p brownout-bench-empty --target wasm32-wasip1 -- -D warnings

docs: toolchain ## the API documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps -p brownout-filter --target wasm32-wasip1

deny: toolchain ## licences, sources and duplicates of the dependencies
	$(deny) check licenses bans sources

advisories: toolchain ## known vulnerabilities of the dependencies; fetches the RustSec database
	$(deny) check advisories

clean: ## remove what was built; .cache/ stays
	cargo clean
	rm -rf dist
