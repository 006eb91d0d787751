# SPDX-License-Identifier: GPL-2.0
# Entry to everything; the work is done by the scripts of ci/.

KVER  ?= 6.12
JOBS  ?= $(shell nproc)
ACCEL ?= tcg
CASE  ?=
GUEST_KERNEL ?=
GUEST_MODULES ?=
FORCE ?=
BUILD := $(CURDIR)/.build
export KVER JOBS ACCEL CASE GUEST_KERNEL GUEST_MODULES FORCE BUILD

KDIR := $(BUILD)/$(KVER)

ifeq ($(wildcard patches/$(KVER)/BASE),)
$(error KVER=$(KVER): there is no patches/$(KVER) (there is: $(notdir $(patsubst %/BASE,%,$(wildcard patches/*/BASE)))))
endif
ifeq ($(filter $(ACCEL),tcg kvm),)
$(error ACCEL=$(ACCEL): must be tcg or kvm)
endif
ifneq ($(GUEST_KERNEL),)
ifeq ($(wildcard $(GUEST_KERNEL)),)
$(error GUEST_KERNEL=$(GUEST_KERNEL): no such file)
endif
override GUEST_KERNEL := $(abspath $(GUEST_KERNEL))
endif
ifneq ($(GUEST_MODULES),)
ifeq ($(wildcard $(GUEST_MODULES)/.),)
$(error GUEST_MODULES=$(GUEST_MODULES): no such directory)
endif
override GUEST_MODULES := $(abspath $(GUEST_MODULES))
endif
cases := $(basename $(notdir $(wildcard ci/cases/*)))
ifneq ($(filter-out $(cases),$(CASE)),)
$(error CASE=$(filter-out $(cases),$(CASE)): no such case (there are: $(cases)))
endif
ifneq ($(shell test '$(JOBS)' -gt 0 2>/dev/null && echo y),y)
$(error JOBS=$(JOBS): must be a number above 0)
endif

# Nothing here is a file, and the stages share one build tree.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

help:	## this list
	@echo 'make TARGET [VARIABLE=value...]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables:'
	@sed -n 's/^#V /  /p' Makefile

#V KVER=6.12            kernel series, a directory of patches/
#V JOBS=N               parallel compilers, default all cores
#V ACCEL=tcg|kvm        what the outer virtual machine runs on
#V GUEST_KERNEL=FILE    demo, shell: another bzImage as the guest
#V GUEST_MODULES=DIR    its modules, default: those installed with it
#V CASE=NAME            cases: only this one of ci/cases/
#V FORCE=1              tree: give up work that was not exported (it is saved)

## the series
deps:	## install the Debian packages that are missing
	@ci/deps.sh test

deps-demo:
	@ci/deps.sh demo

source: deps-demo	## unpack linux-source-$(KVER) as a git repository
	@ci/source.sh

source-base: deps-demo
	@ci/source.sh base

tree: source	## work tree with both series applied as commits
	@ci/tree.sh

refresh: source	## work tree back to patches/, guest/, host/ and kunit/
	@ci/refresh.sh

## kernels
kernel: tree	## build the kernel with both series
	@ci/kernel.sh linux

kernel-base: tree	## build the unpatched kernel
	@ci/mainline.sh
	@ci/kernel.sh mainline

each-patch: deps kernel	## build and boot after every single patch (long)
	@ci/each-patch.sh

## the tool
encstat: deps-demo	## build tools/encstat
	@$(MAKE) -s -C tools/encstat O=$(BUILD)/encstat

## using it
demo: kernel encstat	## boot a tracked guest and show its page encryption status
	@ci/demo.sh

shell: kernel encstat	## a prompt in the host with such a guest running
	@ci/shell.sh

## judging it
check: deps tree source-base	## series, patches, style, static analysis
	@ci/check.sh

kunit: deps tree	## KUnit suites under QEMU
	@ci/kunit.sh

cases: deps kernel kernel-base encstat	## QEMU test cases
	@ci/cases.sh

test: deps	## check, kunit, encstat's tests, cases (half an hour, cold twice that)
	@ci/test.sh

test-long: deps	## test, each-patch and the cases that take long (hours)
	@ci/test.sh long

bench: deps kernel kernel-base encstat	## measure against the unpatched kernel, .build/bench.json
	@ci/bench.sh

numbers:	## make bench's last numbers into the tables of Documentation/
	@ci/numbers.sh record

pictures: encstat	## draw Documentation/pictures/ from the recording there
	@ci/pictures.sh write

## tidying
clean:	## remove build products; sources, work tree and ccache stay
	rm -rf $(KDIR)/*/obj* $(KDIR)/linux/.kunit $(KDIR)/selftests
	rm -rf $(BUILD)/encstat $(BUILD)/results $(BUILD)/logs $(BUILD)/times $(BUILD)/tsc-khz $(BUILD)/vmm.so

distclean:	## remove all of .build, after a look for unexported work
	@ci/distclean.sh

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)
