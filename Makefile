# The words a laptop and CI share. Each installs what it needs; `make help` prints them.

# A user's variables are data: neither make nor a shell expands what they hold. Make expands variables given
# on its command line when they are used or exported, so each is redefined here as its literal text; those
# from the environment need nothing. Recipes use only variables of this file (`override`), and programs read
# the user's from the environment. So do sub-makes, since MAKEFLAGS carries no variables.
MAKEOVERRIDES :=
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))

export ORT_DISABLE_TELEMETRY := 1
export XDG_CACHE_HOME := $(or $(value XDG_CACHE_HOME),$(value HOME)/.cache)
export PATH
# Else each command would compile some hundred modules anew.
unexport PYTHONDONTWRITEBYTECODE
override PATH := $(CURDIR)/.venv/bin:$(value XDG_CACHE_HOME)/model-images/bin:$(value PATH)
override UV_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' $(if $(value UPGRADE),--upgrade)
override SHIP := python -m ship
override BARE := "$${PYTHON:-python3}" -m ship# where nothing is installed
override DEPLOYER := $(if $(filter kubernetes,$(value TARGET)),kubectl,compose)

# On every core; tests of one module stay together, and share what it makes.
override PARALLEL := --numprocesses=auto --dist=loadscope --no-loadscope-reorder

# What is about the tool itself takes its own models.
unit test shard test-all bench: override MODELS :=

override TOOLS := trivy actionlint shellcheck cosign compose docker-registry browser go kubectl nginx wrk
override STORES := postgresql versitygw fake-gcs-server qemu-user# what nightly tests read data from, and train on

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile) .ready .venv .venv-train .venv-publish .venv-dev $(TOOLS) .tools $(STORES) .stores

help: ## Print these words
	@echo "make WORD [MODEL=name] [MODELS=folder]   (every model where MODEL is not given; MODELS is model/)"
	@sed -n 's/^##@ \(.*\)/\n\1/p; s/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

##@ Every day

pipeline: .ready lint ## Train, gate, build, scan, smoke-test and publish (REGISTRY=host/owner, BUNDLE=folder)
	$(SHIP) pipeline

new-model: .venv-dev ## Write a model folder: NAME=… CSV=… TARGET=…
	python -m train.new_model

starter: .venv-dev ## Write a repository that calls this one: DIR=… CSV=… TARGET=… (NAME=…)
	@$(SHIP) starter

unit: .venv-dev ## Run the fast tests, which need no engine (within a minute)
	pytest $(PARALLEL) -m "not slow and not engine and not nightly"

test: .venv-dev .tools check ## Run every linter, and every test of a working day (some minutes)
	pytest $(PARALLEL) -m "not nightly"

shard: .venv-dev .tools ## Run a share of the tests of a working day: SHARD=1/3
	pytest $(PARALLEL) -m "not nightly" --shard "$$SHARD"

test-all: .venv-dev .tools .stores check ## Run every linter and test, as every night and before a release
	pytest $(PARALLEL)

check: .venv-dev lint actionlint shellcheck ## Run every linter
	ruff check
	ruff format --check
	mypy contract train serve judge ship tests bench
	shellcheck ship/*.sh .ci/run
	actionlint
	zizmor --offline --persona=auditor --quiet .github
	actionlint starter/.github/workflows/*.yml
	zizmor --offline --quiet starter/.github
	check-jsonschema --builtin-schema=vendor.github-workflows .github/workflows/*.yml starter/.github/workflows/*.yml
	check-jsonschema --builtin-schema=vendor.dependabot .github/dependabot.yml starter/.github/dependabot.yml
	check-jsonschema --builtin-schema=vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml

clean: ## Remove what the words above have made here
	rm -rf dist .venv

##@ One step of the pipeline

lint: .venv ## Lint the Dockerfile (hadolint)
	hadolint Dockerfile

train: .venv engine ## Train in the pinned builder stage: dist/<model>/bundle
	$(SHIP) train

gate: .venv engine ## Judge the bundle by model.toml and the published model: dist/<model>/report.md
	$(SHIP) gate

accept: .venv-publish ## Accept in model.toml what the gate refused of a comparison: MODEL=… REASON=… (WHO=…)
	@$(SHIP) accept

image: .venv engine ## Build the image around the bundle: dist/<model>/image.tar
	$(SHIP) image

measure: .venv engine ## Measure the image's size and speed beside the published one's
	$(SHIP) measure

scan: .venv engine trivy ## Scan the image for vulnerabilities, secrets and misconfiguration; write SBOMs
	$(SHIP) scan

smoke: .venv engine ## Test the image as a hostile host runs it
	$(SHIP) smoke

publish: .venv-publish engine ## Push what is not there yet, and set its tags (dist/registry, or REGISTRY=host/owner; IMAGES=folder per platform)
	$(SHIP) publish

##@ What is published

models: .venv-publish engine ## List what is published of each model
	@$(SHIP) models

diff: .venv engine ## Compare two published images: MODEL=… A=tag B=tag
	@$(SHIP) diff

verify: .venv-publish cosign ## Verify a published image: MODEL=… REGISTRY=host/owner TAG=main
	@$(SHIP) verify

reproduce: .venv engine ## Build twice from nothing and compare the digests
	$(SHIP) reproduce

rescan: .venv engine trivy ## Scan what is published with today's vulnerabilities (REGISTRY=host/owner)
	$(SHIP) rescan

##@ Running it

deploy: .venv-publish engine cosign $(DEPLOYER) ## Verify and deploy TAG=main to TARGET=compose|kubernetes, or leave what serves
	@$(SHIP) deploy

canary: .venv-publish engine cosign $(DEPLOYER) ## Try TAG=main of MODEL=… on a share of the requests, then deploy or withdraw it
	@$(SHIP) canary

rollback: .venv-publish engine cosign $(DEPLOYER) ## Return to what MODEL=… served before
	@$(SHIP) rollback

history: .venv-publish ## List who deployed what, when, and how it ended
	@$(SHIP) history

undeploy: .venv-publish compose ## Stop MODEL=…, or everything; history and metrics stay
	@$(SHIP) undeploy

manifests: .venv-publish cosign kubectl ## Print the Kubernetes manifests of what TAG=main names (OVERLAY=production|staging|kserve)
	@$(SHIP) manifests

##@ Workflows

act: .venv-dev engine trivy cosign ## Run ci.yml on this machine, as GitHub does on its own (ACT="options of act")
	act pull_request --workflows .github/workflows/ci.yml --platform ubuntu-24.04=-self-hosted \
		--var MACHINES="[{\"architecture\": \"$$(docker version --format '{{.Server.Arch}}')\", \"runner\": \"ubuntu-24.04\"}]" \
		--artifact-server-path dist/act $$ACT

plan: ## Say which models differ from what is published (REGISTRY=host/owner, RELEASE=git tag)
	@$(BARE) plan

login: ## Log in to REGISTRY (REGISTRY_USER, REGISTRY_PASSWORD)
	@$(BARE) login

refresh: .venv-train ## Say what the sha256 of MODEL's data at its address is by now
	@$(SHIP) refresh

push: .venv-publish engine cosign ## Bring the tested image to its registry, signed, but under no tag
	$(SHIP) push

promote: .venv-publish cosign ## Release what main published of this commit: RELEASE=v1.2.3 (its assets: dist/assets)
	$(SHIP) promote

##@ This repository

bench: .venv-dev wrk ## Measure the server beside its limits and the tutorial: dist/bench.md (PEERS="bentoml mlserver …")
	$(SHIP) train iris penguins
	python -m bench $$PEERS

lock: .venv ## Lock the packages of MODEL=…, or of the tool and every model (UPGRADE=1 for the newest)
ifeq ($(value MODEL),)
	$(UV_COMPILE) --group serve -o requirements.txt
	$(UV_COMPILE) --group train -c requirements.txt -o requirements-train.txt
	$(UV_COMPILE) --group joblib -c requirements-train.txt -o requirements-joblib.txt
	$(UV_COMPILE) --group pipeline -c requirements-train.txt -c requirements.txt \
		-o requirements-pipeline.txt
	$(UV_COMPILE) --group publish -c requirements-pipeline.txt -o requirements-publish.txt
	$(UV_COMPILE) --group dev -c requirements-train.txt -c requirements-joblib.txt \
		-c requirements-pipeline.txt -c requirements.txt -o requirements-dev.txt
endif
	@$(SHIP) lock

engine: ## Have a container engine: use the one here, or install and start one
	@ship/engine.sh engine

$(TOOLS) $(STORES): engine
	@ship/engine.sh $@

.tools: engine
	@ship/engine.sh together $(TOOLS)

.stores: engine
	@ship/engine.sh together $(STORES)

# What `make pipeline` needs first, installed side by side. It builds Trivy later, while it trains.
.ready:
	@ship/engine.sh together environment engine

# Four environments: for `make pipeline`, for reading data, for publishing and deploying, and for tests and
# linters. The last includes the others, and the first that for publishing.
.venv:
	@ship/engine.sh environment

.venv-train:
	@ship/engine.sh train-environment

.venv-publish:
	@ship/engine.sh publish-environment

.venv-dev:
	@ship/engine.sh dev-environment
