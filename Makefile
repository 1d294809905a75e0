# SPDX-License-Identifier: GPL-2.0
# Rewire.  "make help" lists the targets.

KERNEL ?= 6.1
DESTDIR ?=
PREFIX ?= /usr
RUNNING := /lib/modules/$(shell uname -r)/build

all: tools ## build the command line and the daemon (build/bin)

tools:
	$(MAKE) -C tools

module: ## build rewire.ko for KERNEL (6.1, 6.12, 7 or debug; default 6.1)
	scripts/install-packages vm
	tests/vm/build-module $(KERNEL)

# Where kernels are emulated, amounts take most of the time; check-all has the full ones.
check: ## run the tests, on kernel 6.1 in a virtual machine
	REWIRE_TEST_NAMESPACES=$${REWIRE_TEST_NAMESPACES:-300} REWIRE_TEST_DOWNLOAD=$${REWIRE_TEST_DOWNLOAD:-30000000} \
		tests/check lint unit 6.1

check-all: ## run the tests on every kernel
	tests/check lint lint-all unit demo testbed native 6.1 6.12 7 debug planted stress

check-debug: ## run the tests on the debug kernel, and check its checkers
	tests/check debug planted

check-stress: ## on the debug kernel: ten minutes of everything at once, and a thousand namespaces
	tests/check stress

check-load: ## what needs a machine with nothing else to do: clocks, kills and millions of flows
	tests/check load

debug-kernel: ## build the debug kernel (User Mode Linux with KASAN and lockdep)
	scripts/install-packages vm
	scripts/build-uml-kernel debug

bench: ## measure Rewire and its peers side by side (QUICK=1: fewer loads and rounds)
	$(MAKE) -C tools
	tests/bench/run $(if $(QUICK),-q)

demo: ## see it work: NAT and load balancing in a virtual machine
	@scripts/check-host
	scripts/install-packages build vm test
	$(MAKE) -C tools
	tests/vm/run -k $(KERNEL) -t 600 -- tests/demo

lint: ## check the style of sources; prints nothing when clean
	@scripts/install-packages lint vm
	@tests/lint

generate: ## make the generated files anew from the netlink specification
	@scripts/install-packages lint vm
	scripts/generate

install: all ## install the tools; with RUNNING's headers, the module, too
	$(MAKE) -C tools install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	if [ -e $(RUNNING) ]; then \
		$(MAKE) -C $(RUNNING) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules modules_install; \
	fi

uninstall: ## remove what install installed
	$(MAKE) -C tools uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	rm -f $(DESTDIR)/lib/modules/*/updates/rewire.ko*

clean: ## remove what the builds made, but not downloaded kernels
	$(MAKE) -C tools clean
	rm -rf build/module build/results

help: ## show this
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | awk -F '\t' '{ printf "%-14s %s\n", $$1, $$2 }'

.PHONY: all tools module check check-all check-debug check-stress debug-kernel bench demo lint generate \
	install uninstall clean help
