# One command per job, each doing what it needs first: the virtual environment, the build, the packages.
# What was done is remembered in stamp files: typed again, a command repeats only what has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHEELS := build/wheels
WORKSPACE ?= workspace
comma := ,

# The wheel has a target folder of its own: sharing one with `cargo test` rebuilds PyO3 at each alternation.
WHEEL_TARGET := target/maturin

# PyO3 looks at one interpreter only, whatever environment the shell is in.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
unexport VIRTUAL_ENV

RUST_SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE $(shell find rust -name '*.rs' -o -name Cargo.toml)
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed)

.PHONY: help
help:
	@echo "make demo    set up, build, and run the example (examples/digits)"
	@echo "make test    set up, build, and run every test, in Rust and in Python"
	@echo "make lint    formatting, lints, types"
	@echo "make bench   measure, beside floors and peers"
	@echo "make model   look at every order of every step of the claim protocol (FAULTS=3: with more faults)"
	@echo "make faults  kill drivers and jobs at their file operations (SEEDS=10000 FIRST=0)"
	@echo "make trials  the same through the Python package (SEEDS=100 FIRST=0)"
	@echo "make hosts   kill and stop whole hosts, kernels of their own with a workspace on NFS (ROUNDS=4 SEEDS=10; root)"
	@echo "make kills   kill -9 of the driver at random moments (ROUNDS=200)"
	@echo "make wheel   build the wheel, in $(WHEELS)"
	@echo "make sdist   build the source distribution, in $(WHEELS)"
	@echo "make clean   remove what the above have made (the demo's workspace stays)"

.PHONY: demo
demo: $(VENV)/.demo
	$(BIN)/xpm run-experiment --workdir $(WORKSPACE) examples/digits/experiment.yaml

.PHONY: test test-rust test-python
test: test-rust test-python

test-rust: $(VENV)/.created
	cargo test --workspace --locked --quiet

# The second run takes the examples in the documentation of the installed package.
test-python: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)
	$(BIN)/pytest -n 2 --doctest-modules --pyargs experimaestro $(PYTEST_ARGS)

.PHONY: lint lint-rust lint-python
lint: lint-rust lint-python

lint-rust: $(VENV)/.created
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

lint-python: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/basedpyright
	$(BIN)/python -m mypy.stubtest experimaestro._core --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest.txt

.PHONY: bench
bench: $(VENV)/.bench
	$(BIN)/python benches/run.py $(BENCH_ARGS)

FAULTS ?= 2
FIRST ?= 0
ROUNDS ?= 200

.PHONY: model faults trials kills hosts
model: $(VENV)/.created
	MODEL_FAULTS=$(FAULTS) cargo test --release --locked --package experimaestro-core --test model -- --nocapture

faults: SEEDS ?= 10000
faults: $(VENV)/.created
	cargo test --release --locked --package experimaestro-engine --test faults -- --seeds $(SEEDS) --first $(FIRST)

trials: SEEDS ?= 100
trials: $(VENV)/.dev
	$(BIN)/python tests/trials/trial.py faults --seeds $(SEEDS) --first $(FIRST)

# The newest of the test programs is the one that cargo has just built.
hosts: SEEDS ?= 10
hosts: ROUNDS = 4
hosts: $(VENV)/.created
	cargo test --release --locked --package experimaestro-engine --test faults --no-run
	$(BIN)/python tests/hosts/hosts.py --rounds $(ROUNDS) --seeds $(SEEDS) --first $(FIRST) \
		"$$(ls -t target/release/deps/faults-* | grep -v '\.d$$' | head -1)"

kills: $(VENV)/.dev
	$(BIN)/python tests/trials/trial.py kills --rounds $(ROUNDS)

.PHONY: wheel sdist
wheel: $(WHEELS)/.wheel
sdist: $(WHEELS)/.sdist

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	@cargo --version >/dev/null || { echo "Rust is needed: https://rustup.rs" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.maturin: $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'maturin>=1.9.4,<2'
	@touch $@

$(WHEELS)/.wheel: $(VENV)/.maturin $(RUST_SOURCES) $(PYTHON_SOURCES)
	@rm -f $(WHEELS)/*.whl
	$(BIN)/maturin build --release --locked --quiet --out $(WHEELS) --target-dir $(WHEEL_TARGET)
	@touch $@

$(WHEELS)/.sdist: $(VENV)/.maturin $(RUST_SOURCES) $(PYTHON_SOURCES)
	@rm -f $(WHEELS)/*.tar.gz
	$(BIN)/maturin sdist --out $(WHEELS)
	@touch $@

# The version does not change between builds, so pip must be told to put the new wheel in place of the old one.
$(VENV)/.installed: $(WHEELS)/.wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(WHEELS)/*.whl
	@touch $@

define install_extras
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(ls $(CURDIR)/$(WHEELS)/*.whl)[$(1)]"
	@touch $@
endef

$(VENV)/.demo: $(VENV)/.installed
	$(call install_extras,demo)

$(VENV)/.dev: $(VENV)/.installed
	$(call install_extras,demo$(comma)dev)

$(VENV)/.bench: $(VENV)/.installed
	$(call install_extras,bench)

.PHONY: clean
clean:
	cargo clean --quiet
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis
