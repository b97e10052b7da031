# Two commands matter: `make demo` and `make test`. Both install what they need and say so. On the hub
# itself it is `sudo make install`.

SHELL        := bash
.SHELLFLAGS  := -euo pipefail -c
ARGS         ?=
FUZZ_SECONDS ?= 20
RECORDINGS   ?= ../shared/data

VENV := .venv
BIN  := $(VENV)/bin
SAY  := @printf '==> %s\n'

# The first Python on the PATH that is new enough; python3 where none is yet, to be installed.
PYTHON := $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done),python3)
export PYTHON

KERNEL  := $(wildcard native/src/*.[ch] native/include/*.h) native/build_kernel.py setup.py
C_FILES := native/src/*.[ch] native/include/*.h native/tests/*.[ch] \
	$(wildcard $(addprefix firmware/,core/*.[ch] tests/*.[ch] cortex_m/*.c virtual/*/*.[ch] \
	zephyr/src/*.[ch] zephyr/tests/bsim/*.[ch] zephyr/tests/bsim/*/src/*.[ch]))

SHELL_FILES := systemd/install systemd/uninstall debian/build debian/program debian/pins-recommends \
	$(wildcard debian/stridehub.p*) .ci/install-missing .ci/run

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'

NEED_DEMO := gcc libc6-dev python3 python3-dev python3-venv
NEED_C    := gcc libc6-dev clang clang-runtime
ifneq ($(shell uname -m),aarch64)
NEED_ARM64 := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
endif
# Pods at many times their speed want the machine for themselves.
FAST_PODS := tests/integration/test_radio.py::test_ten_minutes_of_packets_arrive_all_and_in_order
# Many tests wait more than they work. Files are begun in their order: the quick ones come last.
AT_ONCE := --numprocesses 3 --dist loadfile --no-loadscope-reorder
# The tests' own BlueZ stands on it.
NEED_RADIO := dbus-daemon
# The live page is tested with these.
NEED_PAGE := mosquitto chromium
# Units and the installer are tested with these.
NEED_INSTALL := bluez openssl systemd
# The pod's core needs these besides NEED_C.
NEED_FIRMWARE := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm

.PHONY: help install uninstall deb lock audit sbom demo test test-c test-aarch64 test-python firmware lint \
	bench bench-radio soak vm-test closed-loop accuracy callgrind picture vendor bench-page bench-load \
	fuzz clean

help:
	@printf '%s\n' \
	'make demo [ARGS="--seconds 20"]  synthetic runners measured live in this terminal' \
	'make test       everything the tests need, then all tests' \
	'sudo make install  stridehub as services of this machine, or an upgrade of them: docs/INSTALL.md' \
	'sudo make uninstall  removes them; data and settings only where that is wanted' \
	'make firmware   the pod: host and Cortex-M tests, fuzzer, then size and cost' \
	'make lint       ruff, mypy, clang-format, clang-tidy' \
	'make bench      packets in, strides out: speed and memory' \
	'make bench-radio  what ten pods over Bluetooth cost the hub' \
	'make bench-page  frames a second of the live page with 30 runners' \
	'make bench-load  30 runners for ten minutes through the real mosquitto' \
	'make soak       an hour of session with everything that goes wrong in it' \
	'make vm-test    the hub in virtual machines, with the real BlueZ and a gpiochip' \
	'make closed-loop  synthetic runners who feel their cues: does cueing work?' \
	'make accuracy   the kernel against the recordings in $(RECORDINGS)' \
	'make callgrind  instructions per pod sample' \
	'make picture    the pictures in docs/ drawn anew' \
	'make vendor     what the live page has of others, from npm, checked' \
	'make lock       versions and hashes of all libraries, anew' \
	'make audit      known holes in them, where the database is reached' \
	'make sbom       what the hub is made of: dist/stridehub.cdx.json, CycloneDX' \
	'make deb        a Debian package for machines such as this one, in dist/' \
	'make fuzz       the fuzzers for 5 minutes each (FUZZ_SECONDS=n for another time)' \
	'make clean      removes what was built, and the virtual environment'

install:
	@SHARE='$(SHARE)' WHEELS='$(WHEELS)' systemd/install

uninstall:
	@PURGE='$(PURGE)' systemd/uninstall

# For every machine and Python at once. Those of lgpio, too, where the first has none (Python 3.13).
lock: $(VENV)/with-release
	$(SAY) 'requirements*.lock'
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(LOCK) - --output-file requirements-gpio.lock <<< $$'lgpio>=0.2.2\nrpi-lgpio>=0.6'
	@$(LOCK) - --output-file requirements-build.lock <<< 'setuptools>=77'

# --strict: what could not be looked up is told, and is no success.
audit: $(VENV)/with-release
	$(SAY) 'pip-audit on requirements.lock'
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement requirements.lock

sbom: $(VENV)/with-release
	$(SAY) 'dist/stridehub.cdx.json'
	@$(BIN)/python .ci/sbom dist/stridehub.cdx.json

deb:
	@debian/build

demo: $(VENV)/with-run
	$(SAY) 'stridehub demo $(ARGS)'
	@$(BIN)/stridehub demo $(ARGS)

test: test-c test-aarch64 test-python
	$(SAY) 'all tests passed'

test-c:
	@.ci/install-missing $(NEED_C) python3
	$(SAY) 'C tests with sanitizers under gcc and clang'
	@$(MAKE) -C native --no-print-directory test
	$(SAY) 'fuzzers, $(FUZZ_SECONDS) s each'
	@$(MAKE) -C native --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

test-aarch64:
	@.ci/install-missing gcc libc6-dev $(NEED_ARM64) python3
	$(SAY) 'C tests built for the Cortex-A53'
	@$(MAKE) -C native --no-print-directory aarch64

test-python: $(VENV)/with-test
	@.ci/install-missing gcc libc6-dev $(NEED_RADIO) $(NEED_PAGE) $(NEED_INSTALL)
	$(SAY) 'Python tests'
	@$(BIN)/python -m pytest $(FAST_PODS)
	@$(BIN)/python -m pytest $(AT_ONCE) --deselect $(FAST_PODS)

firmware: $(VENV)/with-test
	@.ci/install-missing $(NEED_C) $(NEED_FIRMWARE) python3
	$(SAY) 'pod core with sanitizers under gcc and clang'
	@$(MAKE) -C firmware --no-print-directory test
	$(SAY) 'pod core on a Cortex-M4F'
	@$(MAKE) -C firmware --no-print-directory cortex-m
	$(SAY) 'pod fuzzer, $(FUZZ_SECONDS) s'
	@$(MAKE) -C firmware --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)
	$(SAY) 'virtual pods and energy'
	@$(BIN)/python -m pytest -q $(AT_ONCE) tests/integration/test_virtual_pod*.py tests/unit/test_energy.py \
		tests/contract/test_protocol.py
	$(SAY) 'size and cost of the pod core'
	@$(MAKE) -C firmware --no-print-directory report

bench-load: $(VENV)/with-test
	@.ci/install-missing $(NEED_PAGE)
	$(SAY) 'a group of 30 through mosquitto $(ARGS)'
	@$(BIN)/python tests/bench/load.py $(ARGS)

lint: $(VENV)/with-lint
	@.ci/install-missing clang-format clang-tidy
	$(SAY) 'ruff'
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	$(SAY) 'mypy --strict'
	@$(BIN)/mypy
	$(SAY) 'shellcheck'
	@$(BIN)/shellcheck --external-sources $(SHELL_FILES)
	$(SAY) 'clang-format'
	@clang-format --dry-run -Werror $(C_FILES)
	$(SAY) 'clang-tidy'
	@$(MAKE) -C native --no-print-directory tidy
	@$(MAKE) -C firmware --no-print-directory tidy

bench: $(VENV)/with-run
	$(SAY) 'stridehub bench $(ARGS)'
	@$(BIN)/stridehub bench $(ARGS)

bench-radio: $(VENV)/with-test
	@.ci/install-missing gcc libc6-dev $(NEED_RADIO)
	$(SAY) 'ten pods over Bluetooth $(ARGS)'
	@$(BIN)/python tests/bench/radio.py $(ARGS)

bench-page: $(VENV)/with-test
	@.ci/install-missing $(NEED_PAGE)
	$(SAY) 'the live page with 30 runners $(ARGS)'
	@$(BIN)/python tests/bench/page.py $(ARGS)

soak: $(VENV)/with-test
	@.ci/install-missing gcc libc6-dev $(NEED_RADIO)
	$(SAY) 'an hour of session, six times as fast $(ARGS)'
	@$(BIN)/python tests/bench/soak.py $(ARGS)

vm-test: $(VENV)/with-test
	$(SAY) 'the hub on the real BlueZ, in a virtual machine'
	@$(BIN)/python tests/vm/run.py $(ARGS)
ifeq ($(ARGS),)
	$(SAY) 'motors on simulated pins, in another one'
	@SUITE=bookworm VMRIG_DIR=$${VMRIG_DIR:+$$VMRIG_DIR-bookworm} $(BIN)/python tests/vm/run.py gpio
	$(SAY) 'make install in a virtual machine, and everything that goes wrong with an installed hub'
	@$(BIN)/python tests/vm/run_installed.py
	$(SAY) 'make install on Debian bookworm, and a buzz on a simulated pin'
	@SUITE=bookworm VMRIG_DIR=$${VMRIG_DIR:+$$VMRIG_DIR-bookworm} $(BIN)/python tests/vm/run_installed.py
endif

closed-loop: $(VENV)/with-test
	$(SAY) 'synthetic runners who feel their cues: hours of them, in some minutes'
	@$(BIN)/python tests/bench/closed_loop.py

accuracy: $(VENV)/with-run
	$(SAY) 'accuracy on $(RECORDINGS)'
	@$(BIN)/python tests/bench/accuracy.py $(RECORDINGS)

callgrind: $(VENV)/with-run
	@.ci/install-missing gcc libc6-dev valgrind
	$(SAY) 'instructions per pod sample'
	@$(BIN)/python tests/bench/callgrind.py

picture: $(VENV)/with-test
	@.ci/install-missing $(NEED_PAGE)
	$(SAY) 'docs/demo.svg, docs/board.png and docs/runner.png'
	@$(BIN)/python docs/picture.py
	@$(BIN)/python docs/page_pictures.py

vendor:
	@.ci/install-missing npm python3
	$(SAY) 'what the page has of others, as hub/stridehub/dashboard/page/vendor/vendor.json says'
	@.ci/vendor $(ARGS)

fuzz: FUZZ_SECONDS := 300
fuzz:
	@.ci/install-missing $(NEED_C) python3
	$(SAY) 'fuzzers, $(FUZZ_SECONDS) s each'
	@$(MAKE) -C native --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)
	@$(MAKE) -C firmware --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

clean:
	$(SAY) 'removing what was built'
	@$(MAKE) -C native --no-print-directory clean
	@$(MAKE) -C firmware --no-print-directory clean
	@rm -rf $(VENV) build dist hub/*.egg-info hub/stridehub/kernel/_native.*.so
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The environment with the package as it stands in hub/, built again when the kernel changes.
$(VENV)/with-%: pyproject.toml $(KERNEL) | $(VENV)/ready
	$(SAY) 'stridehub and what it needs to $*, into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable \
		'.$(if $(filter-out run,$*),[$*])'
	@touch $@

$(VENV)/ready:
	@.ci/install-missing $(NEED_DEMO)
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
		f"stridehub needs Python 3.11 or later; $(PYTHON) is {v[0]}.{v[1]}")'
	$(SAY) 'virtual environment $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@
