# `make run` and `make test` set up what they need by themselves. TUIVM_NO_INSTALL=1 installs no
# system package. ARGS goes to tuivm (make run ARGS="-c test:///default"), STAGES to the checks
# (make test STAGES="lint unit").
.PHONY: help demo demo-host run setup test lint format bench guests guests-stop virthost lock build clean

help:
	@echo 'make demo         set up if needed, then show two live guests compared'
	@echo 'make demo-host    the same with a host made of software: IOMMU groups, passthrough, VFs'
	@echo 'make run          set up if needed, then open tuivm'
	@echo 'make setup        the set-up alone'
	@echo 'make test         everything that CI runs'
	@echo 'make lint         ruff, mypy and the import contracts'
	@echo 'make format       let ruff put the code in shape'
	@echo 'make bench        measure, and print one table'
	@echo 'make guests       boot two small guests with disk and network load'
	@echo 'make guests-stop  end and remove them'
	@echo 'make virthost     boot a virtualization host made of software (IOMMU, SR-IOV, KVM)'
	@echo 'make lock         renew constraints.txt'
	@echo 'make build        a wheel and a source archive in dist/'

run:
	@scripts/run.sh $(ARGS)

demo:
	@scripts/run.sh demo $(ARGS)

demo-host:
	@scripts/setup.sh run
	@scripts/virthost-needs.sh
	@.venv/bin/tuivm demo --host $(ARGS)

setup:
	@scripts/setup.sh run

test:
	@scripts/setup.sh test
	@scripts/test.sh $(STAGES)

lint:
	@scripts/setup.sh test
	@scripts/test.sh lint types imports

format:
	@scripts/setup.sh test
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

bench:
	@scripts/setup.sh test
	@.venv/bin/python -m benchmarks $(ARGS)

guests:
	@scripts/setup.sh test
	@.venv/bin/python -I scripts/daemons.py
	@.venv/bin/python -m tests.support.sample_guests start

guests-stop:
	@.venv/bin/python -m tests.support.sample_guests stop

virthost:
	@scripts/setup.sh test
	@scripts/virthost-needs.sh
	@.venv/bin/python -m tuivm.virthost

lock:
	@scripts/lock.sh

build:
	@scripts/setup.sh test
	@.venv/bin/python -m build --no-isolation

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
