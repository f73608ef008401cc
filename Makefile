# The commands of Tiski. Each prints what it needs when something is missing.
.PHONY: up install test soak bench format lock map record reference

up: install
	@exec .venv/bin/tiski up

# The environment alone, exactly as locked; again when a lock or the project's own metadata changes.
install: .venv/installed-run

test:
	@scripts/test

# What takes too long for every run: faults, load, fuzzing.
soak:
	@scripts/test --soak

bench: .venv/installed-test
	@.venv/bin/python -m bench

format: .venv/installed-test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

# Takes newer versions within requirements/*.in and writes their hashes.
lock:
	@scripts/lock

# Runs every case on both databases, the soak too, and writes docs/record.md; RECORD=--short or --soak runs one of the two.
record: .venv/installed-test
	@.venv/bin/python -m scripts.record $(RECORD)

map: .venv/installed-test
	@.venv/bin/python -m scripts.map

reference: .venv/installed-test
	@.venv/bin/python -m scripts.reference

.venv/installed-run: requirements/build.lock requirements/run.lock pyproject.toml scripts/install
	@scripts/install run

.venv/installed-test: requirements/test.lock .venv/installed-run
	@scripts/install test
