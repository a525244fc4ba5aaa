# The commands of this project; `make` lists them.
#
# Tests start servers of their own on free ports, through ops/tools.sh: RUNBUS_TOOLS_DIR, RUNBUS_NATS_SERVER and
# RUNBUS_REDIS_SERVER choose others than those that it brings.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CARGO := cargo
TOOLS := ops/tools.sh run
# No test may hold the run: ops/bounded.py ends one that does not end, and names it.
TEST := $(CARGO) --config 'target."cfg(all())".runner = "ops/bounded.py"' test --locked --workspace

# Recorded provider traffic that is not part of the repository, when it lies beside it.
RECORDINGS := $(wildcard $(CURDIR)/../shared/data/llm-recordings)
ifneq ($(RECORDINGS),)
export RUNBUS_RECORDINGS ?= $(RECORDINGS)
endif

# Advisories for the check of the dependencies, when they lie beside the project and the current ones cannot be had.
ADVISORY_DB := $(wildcard $(CURDIR)/../shared/data/advisory-db)
ifneq ($(ADVISORY_DB),)
export RUNBUS_ADVISORY_DB ?= $(ADVISORY_DB)
endif

# Where `make site` builds.
SITE = $(or $(CARGO_TARGET_DIR),target)/site

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

.PHONY: demo
demo: ## run the council on this machine, show its events, end
	@echo "Building the program runbus (debug build; the first one compiles all dependencies, which takes some minutes)"
	$(CARGO) run --locked --package runbus-cli -- demo

.PHONY: dev
dev: ## the same, and stay up
	@echo "Building the program runbus (debug build; the first one compiles all dependencies, which takes some minutes)"
	$(CARGO) run --locked --package runbus-cli -- dev

.PHONY: build
build: ## build everything
	$(CARGO) build --locked --workspace --all-targets

# The tests in Python wait most of the time: the fuzz targets run beside them.
.PHONY: test
test: ## bring the servers, run every test
	$(TOOLS) ops/check.sh
	$(TOOLS) ops/dependencies.sh
ifdef CI
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
endif
	$(TOOLS) $(CARGO) build --locked --workspace --all-targets
	$(TOOLS) $(TEST)
	$(MAKE) --no-print-directory test-operation ARGS=
	$(MAKE) --no-print-directory -j2 --output-sync=target test-python fuzz test-packages ARGS= FUZZ_SECONDS=30 \
	  FUZZ=$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/runbus-fuzz
	$(MAKE) --no-print-directory test-typescript ARGS=
	$(MAKE) --no-print-directory test-console ARGS=
	$(MAKE) --no-print-directory test-docs ARGS=
	$(MAKE) --no-print-directory test-cluster

.PHONY: test-cluster
test-cluster: ## the runtime's tests once more, on three NATS servers (part of test)
	RUNBUS_TEST_NODES=3 $(TOOLS) $(TEST) --test system -- \
	  runtime:: council:: examples:: bus:: writer::

.PHONY: test-operation
test-operation: ## NATS and Redis with TLS, logins and limits, Sentinel, Cluster, a leaf node, proxies (part of test, behind build)
	PYTHONDONTWRITEBYTECODE=1 $(TOOLS) python3 tests/operation $(ARGS)

.PHONY: test-interop
test-interop: ## try programs of others that `make test` does not run (ARGS='-k litellm'; tests/interop/README.md)
	$(CARGO) build --locked --package runbus-cli
	ops/tools.sh interop tests/interop/run.sh $(ARGS)

.PHONY: test-model
test-model: ## the council, tools, a cancel and a takeover on a real small model with llama.cpp (no part of test: it takes minutes)
	$(CARGO) build --locked --package runbus-cli
	ops/tools.sh model tests/interop/run.sh -k 'real_model or demo' $(ARGS)

.PHONY: test-python
test-python: ## the Python client and its bus, with the oldest and the newest Python (part of test; ARGS='-k bus')
	$(TOOLS) clients/python/test.sh $(ARGS)

.PHONY: test-typescript
test-typescript: ## the TypeScript client on real gateways, in Node, Deno, Bun, workerd, Chromium (part of test, behind build)
	$(TOOLS) clients/typescript/scripts/test.sh $(ARGS)

.PHONY: client
client: ## build the TypeScript client into clients/typescript/dist
	clients/typescript/scripts/install.sh
	cd clients/typescript && npm run --silent build

.PHONY: packages
packages: console ## build the packages for pip and npm with the program (docs/guides/install.md), into target/packages
	$(CARGO) build --locked --release --package runbus-cli
	packages/build.sh $(abspath $(or $(CARGO_TARGET_DIR),target))/packages $(abspath $(or $(CARGO_TARGET_DIR),target))/release/runbus

.PHONY: test-packages
test-packages: ## build the packages with the debug program, install them without a network, run them (part of test, behind build)
	packages/test.sh $(ARGS)

.PHONY: test-docs
test-docs: client ## run every command of the tutorials and guides (part of test, behind build; ARGS=docs/guides/approvals.md)
	$(TOOLS) ops/docs/run.sh $(ARGS)

.PHONY: site
site: ## build the documentation as a site (mdbook), into SITE
	PYTHONDONTWRITEBYTECODE=1 $(TOOLS) python3 ops/docs/book.py build $(SITE)

.PHONY: console
console: ## build the console into gateway/console-dist, which the gateway embeds (needs Node 20.19)
	clients/console/scripts/install.sh && node clients/console/scripts/build.mjs

.PHONY: test-console
test-console: ## the console's folds, and its views in Chromium on real gateways (part of test, behind build)
	$(TOOLS) clients/console/scripts/test.sh $(ARGS)

.PHONY: fuzz
fuzz: ## what others send, mutated, against the code that reads it (FUZZ_SECONDS=30 for each target, ARGS='--target frames')
	$(or $(FUZZ),$(CARGO) run --locked --quiet --package runbus-fuzz --) --seconds $(or $(FUZZ_SECONDS),30) $(ARGS)

.PHONY: recording
recording: ## record the demo in a terminal for the README (docs/demo.svg)
	$(CARGO) build --locked --quiet --package runbus-cli
	RUNBUS_TELEMETRY__FILTER=error ops/record.py docs/demo.svg $${CARGO_TARGET_DIR:-target}/debug/runbus demo

.PHONY: deps
deps: ## check the dependencies: advisories, licences, sources (part of test)
	$(TOOLS) ops/dependencies.sh

.PHONY: tools
tools: ## bring the servers that tests start, print where they are
	@ops/tools.sh

.PHONY: bench
bench: ## print the benchmarks beside their baselines (ARGS='append --quick' for a part)
	ulimit -n $$(ulimit -Hn); $(TOOLS) $(CARGO) run --locked --release --package runbus-bench $(if $(ARGS),-- $(ARGS))
ifeq ($(ARGS),)
	$(MAKE) --no-print-directory bench-python
	$(MAKE) --no-print-directory bench-typescript
endif

.PHONY: bench-python
bench-python: ## print the Python client's figures beside their baselines (part of bench)
	$(CARGO) build --locked --release --package runbus-cli
	RUNBUS_BINARY=$${RUNBUS_BINARY:-$${CARGO_TARGET_DIR:-target}/release/runbus} $(TOOLS) clients/python/test.sh --bench

.PHONY: bench-console
bench-console: console ## print the console's figures in Chromium beside their targets (ten minutes of streaming; ARGS=load,list,events,scrub for a part)
	clients/typescript/scripts/chromium.sh
	$(if $(RUNBUS_BINARY),,$(CARGO) build --locked --release --package runbus-cli)
	cd clients/console && $(if $(ARGS),CONSOLE_BENCH_ONLY=$(ARGS) )CLIENT_TEST_RUNBUS=$(or $(RUNBUS_BINARY),$(abspath $(or $(CARGO_TARGET_DIR),target))/release/runbus) npm run --silent bench

.PHONY: bench-typescript
bench-typescript: ## print the TypeScript client's figures beside their baselines (part of bench)
	$(CARGO) build --locked --release --package runbus-cli
	clients/typescript/scripts/install.sh
	cd clients/typescript && npm run --silent build && \
	  CLIENT_TEST_RUNBUS=$(abspath $(or $(CARGO_TARGET_DIR),target))/release/runbus npm run --silent bench

.PHONY: lint
lint: ## what CI denies: warnings, unformatted code
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt --all

.PHONY: docs
docs: ## rewrite the committed contracts (schemas, references) from the code
	RUNBUS_BLESS=1 $(TOOLS) $(CARGO) test --locked --workspace -- contract reference_page
	clients/typescript/scripts/install.sh && node clients/typescript/scripts/generate.mjs
	clients/python/test.sh --types

.PHONY: scale-out
scale-out: build ## run the council on 3 NATS servers, Redis, 2 gateways, 3 workers
	$(TOOLS) ops/scale-out.sh $(ARGS)

.PHONY: clean
clean: ## remove what was built and stored here (not the tools)
	$(CARGO) clean
	rm -rf .runbus
