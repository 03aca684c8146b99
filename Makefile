# Debian or Ubuntu with Swift 6.1 or newer; what else is needed gets installed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test simulate bench bench-peers build release plugin format lint clean packages

PYTHON ?= python3
PACKAGES := curl libcurl4-openssl-dev libsqlite3-dev openssl zlib1g-dev
VENV := .build/venv
MINISTACK := .build/ministack
KCL := .build/kcl
# In debug as well: a seed means the same in each build of it, and asserts hold. `make test` runs the same seeds each time,
# so that it fails for what was changed; `make simulate` looks for new ones.
SIMULATE := .build/debug/millrace-simulate --jobs $(shell nproc)
# All tests at once would wait for each other until their limits of time are up.
LIMIT_TESTS = SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(shell echo $$((4 * $$(nproc))))
FORMATTED := Package.swift Sources Tests functions

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 12

demo: packages release plugin $(VENV)/functions.installed ## run three functions on a week of real flights
	@$(PYTHON) -B functions/demo.py --millrace .build/release/millrace --python $(VENV)/bin/python3 \
	    --directory .build/demo

test: PACKAGES += default-jre-headless
test: packages lint build plugin $(VENV)/tests.installed $(MINISTACK)/installed $(KCL)/installed ## check the format, build without warnings, run all tests
	$(SIMULATE) --from 0 --seeds 10000
	$(LIMIT_TESTS) swift test --skip-build --disable-xctest

simulate: packages ## run SEEDS=N more seeds of the simulation, or SEED=N alone with its story
	swift build --product millrace-simulate
	$(SIMULATE) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100000))

bench: packages release $(VENV)/functions.installed ## measure throughput, latency, CPU and memory; writes .build/bench.json
	swift build -c release --product millrace-bench
	$(call build_plugin,Sources/millrace-bench/Functions/plugin)
	mkdir -p .build/bench
	swiftc -O -swift-version 6 -o .build/bench/bootstrap Sources/millrace-bench/Functions/bootstrap/main.swift
	.build/release/millrace-bench --python $(VENV)/bin/python3 --output .build/bench.json

# Each peer in an environment of its own: their requirements do not go together.
PEERS := async-kinesis boto3 java-kcl kcl-rs ministack native-kcl
bench-peers: packages release $(VENV)/functions.installed $(PEERS:%=.build/peers/%/installed) ## compare with other consumers of Kinesis; writes .build/bench-peers.json
	$(call build_plugin,Sources/millrace-bench/Functions/plugin)
	$(PYTHON) -B Sources/millrace-bench/Peers/bench_peers.py --millrace .build/release/millrace \
	    --python $(VENV)/bin/python3 --peers .build/peers --output .build/bench-peers.json $(PEER_OPTIONS)

.build/peers/%/installed: Sources/millrace-bench/Peers/requirements/%.txt | packages
	$(PYTHON) -m venv .build/peers/$*
	.build/peers/$*/bin/python3 -m pip install -q --disable-pip-version-check -r $<
	touch $@

build: packages ## build everything in debug; a warning in our own code is an error
	@mkdir -p .build
	swift build --build-tests 2>&1 | tee .build/build.log
	@$(call refuse_warnings,.build/build.log)

release: packages
	swift build -c release --product millrace
	swift build -c release --product plugin-runner

plugin:
	$(call build_plugin,functions/delay-alerts)

format: ## lay the Swift files out as .swift-format says
	swift format --in-place --parallel --recursive $(FORMATTED)

lint: ## report what `make format` would change, and broken style rules
	swift format lint --strict --parallel --recursive $(FORMATTED)

clean: ## remove everything that was built
	rm -rf .build functions/*/.build Sources/millrace-bench/Functions/*/.build

# A plugin finds the host's sources by its path and builds none of the host's own dependencies.
define build_plugin
@mkdir -p .build
swift build -c release --package-path $(1) 2>&1 | tee .build/plugin.log
@$(call refuse_warnings,.build/plugin.log)
endef

# Dependencies may warn (their sources lie in checkouts); we may not. SwiftPM puts a package's own warnings as: warning: 'name': …
# Files that warn are touched, or the next build would pass over them in silence.
PACKAGE_IDENTITY = $(shell basename "$(CURDIR)" | tr '[:upper:]' '[:lower:]')
define refuse_warnings
if grep -E "(:[0-9]+:[0-9]+: warning:)|(^warning: '$(PACKAGE_IDENTITY)':)" $(1) | grep -v /checkouts/; then \
    echo "error: the build has warnings" >&2; \
    grep -oE '^/[^:]+' $(1) | grep -v /checkouts/ | sort -u | xargs -r touch; exit 1; fi
endef

packages:
	@missing=(); \
	if command -v dpkg-query >/dev/null; then \
	    for package in $(PACKAGES); do \
	        status=$$(dpkg-query -W -f='$${Status}' $$package 2>/dev/null || true); \
	        [[ $$status == *" installed" ]] || missing+=($$package); \
	    done; \
	    $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv); \
	fi; \
	if (( $${#missing[@]} == 0 )); then exit 0; fi; \
	if (( $$(id -u) == 0 )); then as_root=(); \
	elif command -v sudo >/dev/null; then as_root=(sudo); \
	else \
	    echo "error: these packages are not installed: $${missing[*]}" >&2; \
	    echo "hint: run as root: apt-get install $${missing[*]}" >&2; \
	    exit 1; \
	fi; \
	echo "installing $${missing[*]}"; \
	$${as_root[@]+"$${as_root[@]}"} apt-get update -q; \
	$${as_root[@]+"$${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -q -y --no-install-recommends "$${missing[@]}"

$(VENV)/bin/python3: | packages
	$(PYTHON) -m venv $(VENV)

$(VENV)/functions.installed: functions/requirements.txt | $(VENV)/bin/python3
	$(VENV)/bin/python3 -m pip install -q --disable-pip-version-check -r $<
	touch $@

$(VENV)/tests.installed: Tests/EndToEnd/requirements.txt functions/requirements.txt | $(VENV)/bin/python3
	$(VENV)/bin/python3 -m pip install -q --disable-pip-version-check -r $<
	touch $@

$(MINISTACK)/installed: Tests/EndToEnd/ministack.txt | packages
	$(PYTHON) -m venv $(MINISTACK)
	$(MINISTACK)/bin/python3 -m pip install -q --disable-pip-version-check -r $<
	touch $@

$(KCL)/installed: Tests/EndToEnd/kcl.txt | packages
	$(PYTHON) -m venv $(KCL)
	$(KCL)/bin/python3 -m pip install -q --disable-pip-version-check -r $<
	touch $@
