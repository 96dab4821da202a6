# Two commands: `make demo` and `make test`. Both make what they need in .venv and fetch it through your own pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/demo
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
TOOLS := src tests benchmarks scripts

.PHONY: help demo test test-slow check fix docs bench fuzz clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.base
	$(PIP) --editable '.[dev,torch,hub,corpus,rate,langchain,llama-index,wandb,ray]'
	@touch $@

demo: $(VENV)/.base ## two real models through the quick suite; leaves $(OUT)/report.html
	@rm -rf $(OUT)
	$(BIN)/weakspot compare smollm2 gemma3-270m --suite core --quick --accept-licence --out $(OUT)
	@echo "Open $(OUT)/report.html in a browser."

test: $(VENV)/.dev ## every test but the slow ones
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(VENV)/.dev ## the slow tests
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.dev ## lint, format, types, import contracts, fresh docs
	$(BIN)/ruff check $(TOOLS)
	$(BIN)/ruff format --check $(TOOLS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs.py --check

fix: $(VENV)/.dev ## mend lint and format, write the generated docs anew
	$(BIN)/ruff check --fix $(TOOLS)
	$(BIN)/ruff format $(TOOLS)
	$(BIN)/python scripts/docs.py

docs: $(VENV)/.dev ## write the generated docs anew
	$(BIN)/python scripts/docs.py

$(VENV)/.lm-eval: $(VENV)/.dev # lm-evaluation-harness beside us, on the same torch and transformers
	$(PYTHON) -m venv $(VENV)/lm-eval
	$(BIN)/python -c "import site; print(site.getsitepackages()[0])" > $$(echo $(VENV)/lm-eval/lib/python*/site-packages)/ours.pth
	$(VENV)/lm-eval/bin/python -m pip --disable-pip-version-check install --quiet lm_eval==0.4.13
	@touch $@

bench: $(VENV)/.dev $(VENV)/.lm-eval ## the speed goals, as ratios measured in one run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/tokens.py
	$(BIN)/python benchmarks/bpe.py
	$(BIN)/python benchmarks/glitch.py
	$(BIN)/python benchmarks/likelihood.py --lm-eval $(VENV)/lm-eval/bin/python

fuzz: $(VENV)/.dev ## coverage-guided fuzzing of the tokenizer loaders and of `tokens show`, two minutes each
	$(PIP) atheris
	$(BIN)/python scripts/fuzz.py loaders --seconds 120
	$(BIN)/python scripts/fuzz.py show --seconds 120

clean: ## remove the environment and the caches of tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
