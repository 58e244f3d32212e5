# Everything is one command; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# make test PACKAGES=./command/... COUNT=1 RUN=TestName TIMEOUT=5m RACE=1
PACKAGES ?= ./...
RACE ?=
TIMEOUT ?= 30m
COUNT ?=
RUN ?=
TEST_FLAGS = -timeout=$(TIMEOUT) $(if $(RACE),-race) $(if $(COUNT),-count=$(COUNT)) $(if $(RUN),-run='$(RUN)')

# Property tests draw the same in every run, so that a change fails for what it did; test-random draws anew.
export RAPID_SEED ?= 20261128

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## install what is missing (PostgreSQL, Redis), or say what to install
	@scripts/setup

.PHONY: build
build: ## build all programs into bin/; VERSION=v1.2.3 is what --version prints
	@go build -ldflags '-X ticketing/internal/buildinfo.version=$(VERSION)' -o bin/ ./cmd/...

.PHONY: run
run: export ENVIRONMENT := $(or $(ENVIRONMENT),development)
run: setup build ## run everything on this machine; Ctrl-C stops it
	@exec bin/ticketing

.PHONY: demo
demo: setup ## play an on-sale and watch it
	@go run ./cmd/demo

# Node.js packages for tests: third-party GraphQL clients and audits, and the driver of the browser.
NODE_MODULES := $(patsubst %,%/node_modules/.package-lock.json,graph/clients test/browser clients/typescript)
$(NODE_MODULES): %/node_modules/.package-lock.json: %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix $* && touch $@; \
	else echo "npm is missing: the tests that need $* are skipped"; fi

.PHONY: setup-tests
setup-tests: $(NODE_MODULES)
	@scripts/setup --tests

.PHONY: test
test: setup-tests ## run all tests, over real servers that they start themselves
	go test $(TEST_FLAGS) $(PACKAGES)
ifeq ($(PACKAGES)$(RUN),./...)
	@$(MAKE) test-silence
endif

.PHONY: test-unit
test-unit: ## run the tests that need no servers, in a few seconds
	go test -short $(TEST_FLAGS) $(PACKAGES)

.PHONY: shop-picture
shop-picture: export SHOP_PICTURE := $(CURDIR)/docs/shop.png
shop-picture: setup-tests ## take the picture of the shop in the README anew
	go test -count=1 -run '^TestPeopleBuyInTheShopInABrowser$$' -artifacts -outputdir=$$(mktemp -d) ./test

.PHONY: test-race
test-race: ## run all tests with the race detector
	@$(MAKE) test RACE=1

.PHONY: test-silence
test-silence: setup-tests ## silence connections and move clocks; what it promises is a matter of seconds, so nothing else runs meanwhile
	SILENCE=1 go test -timeout=$(TIMEOUT) $(if $(COUNT),-count=$(COUNT)) ./test/silence

.PHONY: test-isolation
test-isolation: setup-tests ## measure that one party does not hold up others; nothing else must run meanwhile
	ISOLATION=1 go test -count=1 -v -timeout=15m ./test/isolation

.PHONY: bench
bench: setup ## measure the write side and the read side; ONLY=hot,catchup measures those, FLAGS=-h lists options
	@go run -C test/bench . -only='$(ONLY)' $(FLAGS)

VERIFY := verify-format verify-vet verify-lint verify-workflows verify-generated verify-schema verify-web test-deploy test-alerts test-kafka-short test-race

.PHONY: verify
verify: $(VERIFY) ## check everything that CI checks

.PHONY: verify-targets
verify-targets: # CI makes them one by one, and prints how long each takes
	@echo $(VERIFY)

.PHONY: verify-format
verify-format:
	@tool=$$(scripts/tool golangci-lint) && $$tool fmt --diff

.PHONY: verify-vet
verify-vet:
	go vet ./...
	go vet -C test/bench ./...
	go vet -C deploy/check ./...

.PHONY: verify-lint
verify-lint: lint

.PHONY: lint
lint: ## check with golangci-lint, dependency directions among others
	@tool=$$(scripts/tool golangci-lint) && $$tool run && cd test/bench && $$tool run

.PHONY: verify-workflows
verify-workflows:
	@tool=$$(scripts/tool actionlint) && $$tool

.PHONY: verify-release
verify-release: ## check the configuration of a release (builds goreleaser once, which takes minutes)
	@tool=$$(scripts/tool goreleaser) && $$tool check

.PHONY: release
release: ## make a draft of a release from a tag; SNAPSHOT=1 makes its files only, in dist/
	@tool=$$(scripts/tool goreleaser) && $$tool release --clean $(if $(SNAPSHOT),--snapshot)

.PHONY: verify-generated
verify-generated:
	@scripts/generated-is-fresh

.PHONY: verify-schema
verify-schema: graph/clients/node_modules/.package-lock.json ## list what in the schema breaks clients of the last release
	@if command -v npm >/dev/null; then node graph/clients/breaking.mjs docs/schema graph/schema.graphql; fi

.PHONY: verify-web
verify-web:
	@scripts/web --check

.PHONY: web
web: ## build the front ends, after changing something in web/
	@scripts/web

# What `make image` calls the image.
IMAGE ?= ticketing:$(VERSION)

.PHONY: image
image: ## build the container image with docker, podman or buildah; IMAGE=name:tag
	@VERSION=$(VERSION) scripts/image $(IMAGE)

.PHONY: push-image
push-image: ## build the image for all platforms with docker and push it; IMAGE=registry/name:tag
	@VERSION=$(VERSION) BUILDER=docker PLATFORMS=linux/amd64,linux/arm64 scripts/image $(IMAGE) --push

.PHONY: test-image
test-image: ## build the image with buildah, check what it promises, and sell with it; PLATFORMS=all builds it for arm64, too
	@scripts/test-image $(if $(PLATFORMS),--platforms)

.PHONY: sbom
sbom: build ## write which modules the programs are made of into bin/ (CycloneDX)
	@scripts/sbom bin/ticketing bin/ticketing.cdx.json

.PHONY: test-deploy
test-deploy: ## check deploy/ as compose and kustomize read it
	go test -C deploy/check $(TEST_FLAGS) ./...

.PHONY: test-alerts
test-alerts: setup-tests ## have a real Prometheus scrape a real sale, and evaluate every panel and every alert
	ALERTS=1 go test -count=1 -timeout=$(TIMEOUT) -run '^TestDashboardsAndAlertsOverARealRun$$' ./test

.PHONY: test-growth
test-growth: setup ## sell on a log of 10 million domain events (7 GB of disk); GROWTH=1000000 for fewer
	GROWTH=$(or $(GROWTH),10000000) go test -timeout=60m -count=1 -v -run '^TestALargeLog$$' ./test

.PHONY: test-sabotage
test-sabotage: setup ## break one invariant after another and require that its test fails; ONLY="part of a name" breaks one
	SABOTAGE="$(or $(ONLY),all)" go test -count=1 -v -timeout=90m -run '^TestSabotageIsNoticed$$' ./test/sabotage

.PHONY: test-random
test-random: setup ## run the property tests with CHECKS (1000) random draws each; a failure prints its seed: SEED=7 PACKAGES=./command
	RAPID_SEED=$(or $(SEED),0) RAPID_CHECKS=$(or $(CHECKS),1000) go test -count=1 -timeout=110m \
		$(if $(filter ./...,$(PACKAGES)),$$(grep -rl --include='*_test.go' 'rapid\.Check' . | xargs dirname | sort -u),$(PACKAGES))

.PHONY: test-simulation
test-simulation: ## run the core on a simulated PostgreSQL, broker and clock, DURATION (30s) with random seeds for each test; SEED=7 ONLY=TestName replays one
	SEED=$(SEED) DURATION=$(if $(SEED),,$(or $(DURATION),30s)) go test -count=1 -v -timeout=3h -run '^$(or $(ONLY),Test(TheEngine|TheTable|TheSaga).*)$$' ./test/simulation

# Where test-faults and soak keep what they found.
KEPT = -artifacts -outputdir="$${TMPDIR:-/tmp}"

.PHONY: load
load: setup ## let 50, then 100 customers buy for DURATION (5m), then sell an event out; nothing else must run meanwhile; PLOT=file.svg draws it
	LOAD=1 DURATION=$(DURATION) PLOT=$(abspath $(PLOT)) go test -count=1 -v -timeout=2h -run '^TestLoad$$' ./test

.PHONY: load-k6
load-k6: setup ## the same customers, without the on-sale, by k6 (built once, which takes minutes): deploy/k6; nothing else must run meanwhile
	@tool=$$(scripts/tool k6) && K6=$$tool DURATION=$(DURATION) go test -count=1 -v -timeout=2h -run '^TestLoadByK6$$' ./test

.PHONY: soak
soak: setup ## sell at half of capacity for DURATION (30m); memory, connections and bloat must stay flat; PLOT=file.svg draws it
	SOAK=1 DURATION=$(DURATION) PLOT=$(abspath $(PLOT)) go test -count=1 -v -timeout=6h $(KEPT) -run '^TestSoak$$' ./test

.PHONY: test-faults
test-faults: setup ## sell on nine processes while a schedule of faults goes on; DURATION=30m SEED=7 PAUSE=100ms MOST=10000 ONLY=failover (all have defaults)
	FAULTS=1 SEED=$(SEED) DURATION=$(DURATION) PAUSE=$(PAUSE) MOST=$(MOST) ONLY='$(ONLY)' go test -count=1 -v -timeout=3h $(KEPT) -run '^TestFaults$$' ./test

# The suites that have a broker; test/house holds that none is missing.
KAFKA_PACKAGES = ./internal/testenv ./internal/services ./internal/kafka ./cmd/ticketing ./test ./command/relay ./projector
# A script that fails ends the recipe: without its jars, tests that need Apache Kafka would be skipped.
WITH_KAFKA = jars=$$(scripts/kafka) && TICKETING_TEST_KAFKA=$$jars go test -count=1 -p=1 -parallel=2

.PHONY: test-kafka
test-kafka: setup-tests ## run what reaches the broker on Apache Kafka (Java 17; Maven fetches it once); RUN=TestASale PACKAGES=./test for less
	$(WITH_KAFKA) -timeout=100m $(if $(RUN),-run='$(RUN)') \
		$(if $(filter-out ./...,$(PACKAGES)),$(PACKAGES),$(KAFKA_PACKAGES))

.PHONY: test-kafka-short
test-kafka-short: setup ## of test-kafka what each push runs: the relay, and a sale by TLS and SCRAM while the node is killed
	$(WITH_KAFKA) -timeout=$(TIMEOUT) -run='^(TestASaleOverApacheKafka|TestPublishesTheLogInOrder|TestDeletedTopicIsFilledAgain)$$' ./test ./command/relay

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME (5s); ONLY="graph.Fuzz" runs those; KEEP=12 keeps inputs that reached new code
	@scripts/fuzz $(or $(FUZZTIME),5s) "$(ONLY)"

.PHONY: test-kubernetes
test-kubernetes: ## apply deploy/kubernetes to a real kube-apiserver (built once, which takes minutes)
	@scripts/test-kubernetes $(if $(RUN),-run='$(RUN)')

.PHONY: test-jaeger
test-jaeger: setup ## buy something and read its trace back from a real Jaeger (built once, which takes minutes); PICTURE=docs/trace.svg
	@tool=$$(scripts/tool jaeger) && JAEGER=$$tool TRACE_PICTURE=$(if $(PICTURE),$(abspath $(PICTURE))) \
		go test -timeout=15m -count=1 -v -run '^TestJaegerShowsAPurchase$$' ./test

.PHONY: up
up: deploy/.env ## run the product in containers (docker compose); PROFILE=observe adds Jaeger, Prometheus and Grafana
	@docker compose -f deploy/compose.yaml $(if $(PROFILE),--profile $(PROFILE)) up --build

ifeq ($(PROFILE),observe)
up: export OTEL_EXPORTER_OTLP_ENDPOINT = http://jaeger:4317
endif

.PHONY: deploy/.env
deploy/.env: # the secrets of deploy/compose.yaml; those that are there stay
	@scripts/compose-secrets $@

.PHONY: generate
generate: clients/typescript/node_modules/.package-lock.json ## generate code from the GraphQL schema, from operations and from SQL
	@tool=$$(scripts/tool sqlc) && $$tool generate
	@go tool gqlgen generate
	@go run ./graph/plain/generate graph/generated
	@go test -run '^TestThePublishedSchemaIsFresh$$' ./graph -args -update >/dev/null
	@go tool genqlient clients/go/genqlient.yaml
	@if command -v npm >/dev/null; then npm run --silent --prefix clients/typescript generate; fi

.PHONY: fmt
fmt: ## format everything
	@tool=$$(scripts/tool golangci-lint) && $$tool fmt

.PHONY: clean
clean: ## remove what was built; the data stay
	@rm -rf bin dist
