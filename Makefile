# The words a laptop and CI share. Each installs what it needs; `make help` prints them.

MODEL ?=
export MODEL
# The reason as it was written: it may hold a dollar sign.
override OVERRIDE := $(value OVERRIDE)
export OVERRIDE
export ORT_DISABLE_TELEMETRY = 1
export XDG_CACHE_HOME ?= $(HOME)/.cache
export PATH := $(CURDIR)/.venv/bin:$(XDG_CACHE_HOME)/model-images/bin:$(PATH)
PYTHON ?= python3
UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
SHIP = python -m ship
# The pinned builder reaches no cluster; a bundle that was trained on one comes in by BUNDLE.
NO_CLUSTER = make trains in a container that reaches no cluster. Run: TRAIN_BACKEND=$(TRAIN_BACKEND) \
	ADDRESS=… python -m train NAME --out bundle; and then: make pipeline MODEL=NAME BUNDLE=bundle
HERE = $(if $(BUNDLE),,$(if $(filter-out local,$(TRAIN_BACKEND)),$(error $(NO_CLUSTER))))
DEPLOYER = $(if $(filter kubernetes,$(TARGET)),kubectl,compose)

TOOLS = trivy actionlint cosign compose docker-registry browser go kubectl nginx wrk

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST))) .venv $(TOOLS)

help: ## Print these words
	@echo "make WORD [MODEL=name]   (every model where MODEL is not given)"
	@sed -n 's/^##@ \(.*\)/\n\1/p; s/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

##@ Every day

pipeline: .venv engine trivy lint ## Train, gate, build, scan, smoke-test and publish (REGISTRY=host/owner, BUNDLE=folder)
	$(HERE)$(SHIP) pipeline $(MODEL) $(if $(BUNDLE),--bundle=$(BUNDLE))

new-model: .venv ## Write a model folder: NAME=… CSV=… TARGET=…
	@$(if $(and $(NAME),$(CSV),$(TARGET)),,$(error new-model needs NAME=…, CSV=… and TARGET=…))
	python -m train.new_model "$(NAME)" "$(CSV)" "$(TARGET)"

test: .venv engine $(TOOLS) ## Run every test and linter
	$(MAKE) check
	pytest

fast: .venv ## Run the tests that need no container engine (seconds)
	pytest -m "not docker"

check: .venv lint actionlint ## Run every linter
	ruff check
	ruff format --check
	mypy model train serve judge ship tests
	shellcheck ship/*.sh .ci/run
	actionlint
	zizmor --offline --persona=auditor --quiet .github
	check-jsonschema --builtin-schema=vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema=vendor.dependabot .github/dependabot.yml
	check-jsonschema --builtin-schema=vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml

clean: ## Remove what the words above have made here
	rm -rf dist .venv

##@ One step of the pipeline

lint: .venv ## Lint the Dockerfile (hadolint)
	hadolint Dockerfile

train: .venv engine ## Train in the pinned builder stage: dist/<model>/bundle
	$(HERE)$(SHIP) train $(MODEL) $(if $(BUNDLE),--bundle=$(BUNDLE))

gate: .venv engine ## Judge the bundle by model.toml and the published model: dist/<model>/report.md (OVERRIDE=reason)
	$(SHIP) gate $(MODEL)

image: .venv engine ## Build the image around the bundle: dist/<model>/image.tar
	$(SHIP) image $(MODEL)

measure: .venv engine ## Measure the image's size and speed beside the published one's
	$(SHIP) measure $(MODEL)

scan: .venv engine trivy ## Scan the image for vulnerabilities, secrets and misconfiguration; write SBOMs
	$(SHIP) scan $(MODEL)

smoke: .venv engine ## Test the image as a hostile host runs it
	$(SHIP) smoke $(MODEL)

publish: .venv engine ## Publish the tested image (dist/registry, or REGISTRY=host/owner; IMAGES=folder per platform)
	$(SHIP) publish $(MODEL) $(if $(IMAGES),--images=$(IMAGES))

##@ What is published

models: .venv engine ## List what is published of each model
	@$(SHIP) models $(MODEL)

diff: .venv engine ## Compare two published versions: MODEL=… A=tag B=tag
	@$(SHIP) diff $(MODEL) -a "$(A)" -b "$(B)"

verify: .venv cosign ## Verify a published image: MODEL=… REGISTRY=host/owner TAG=main
	@$(SHIP) verify $(MODEL) $(if $(TAG),--tag=$(TAG))

reproduce: .venv engine ## Build twice from nothing and compare the digests
	$(SHIP) reproduce $(MODEL)

rescan: .venv engine trivy ## Scan what is published with today's vulnerabilities (REGISTRY=host/owner)
	$(SHIP) rescan $(MODEL)

##@ Running it

deploy: .venv engine cosign $(DEPLOYER) ## Verify and deploy TAG=main to TARGET=compose|kubernetes, or leave what serves
	@$(SHIP) deploy $(MODEL) $(if $(TAG),--tag=$(TAG))

canary: .venv engine cosign $(DEPLOYER) ## Try TAG=main of MODEL=… on a share of the requests, then deploy or withdraw it
	@$(SHIP) canary $(MODEL) $(if $(TAG),--tag=$(TAG))

rollback: .venv engine cosign $(DEPLOYER) ## Return to what MODEL=… served before
	@$(SHIP) rollback $(MODEL)

history: .venv ## List who deployed what, when, and how it ended
	@$(SHIP) history $(MODEL)

undeploy: .venv compose ## Stop MODEL=…, or everything; history and metrics stay
	@$(SHIP) undeploy $(MODEL)

manifests: .venv cosign kubectl ## Print the Kubernetes manifests of what TAG=main names (OVERLAY=production|staging|kserve)
	@$(SHIP) manifests $(MODEL) $(if $(TAG),--tag=$(TAG))

##@ Workflows

act: .venv engine trivy cosign ## Run ci.yml on this machine, as GitHub does on its own (ACT="options of act")
	act pull_request --workflows .github/workflows/ci.yml --platform ubuntu-24.04=-self-hosted \
		--var MACHINES='["ubuntu-24.04"]' --artifact-server-path dist/act $(ACT)

plan: ## Say which models differ from what is published (REGISTRY=host/owner, RELEASE=git tag)
	@$(PYTHON) -m ship plan $(MODEL) $(if $(RELEASE),--release="$(RELEASE)")

login: ## Log in to REGISTRY (REGISTRY_USER, REGISTRY_PASSWORD)
	@if [ -n "$$REGISTRY_PASSWORD" ]; then printenv REGISTRY_PASSWORD | docker login \
		$(firstword $(subst /, ,$(REGISTRY))) --username "$$REGISTRY_USER" --password-stdin; \
		else echo "login: no REGISTRY_PASSWORD, so only what is public can be read"; fi

push: .venv engine ## Bring the tested image to its registry, signed, but under no tag
	$(SHIP) push $(MODEL) $(if $(IMAGES),--images=$(IMAGES))

assets: .venv ## Gather what a release carries of a published model: dist/assets (IMAGES=folder)
	$(SHIP) assets $(MODEL) $(if $(IMAGES),--images=$(IMAGES))

##@ This repository

bench: .venv wrk ## Measure the server beside its limits and the tutorial: dist/bench.md (PEERS="bentoml mlserver …")
	$(SHIP) train iris penguins
	python -m tests.bench $(PEERS)

lock: .venv ## Compile the requirements files (UPGRADE=1 for the newest versions)
	$(UV_COMPILE) --group serve -o requirements.txt
	$(UV_COMPILE) --group train -c requirements.txt -o requirements-train.txt
	$(UV_COMPILE) --group joblib -c requirements-train.txt -o requirements-joblib.txt
	$(UV_COMPILE) --group dev -c requirements-train.txt -c requirements-joblib.txt \
		-c requirements.txt -o requirements-dev.txt

engine: .venv ## Have a container engine: use the one here, or install and start one
	@ship/engine.sh engine

$(TOOLS): engine
	@ship/engine.sh $@

.venv:
	@cmp -s requirements-dev.txt .venv/installed.txt || ship/engine.sh venv
