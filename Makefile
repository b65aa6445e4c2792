# bitjoule: one Makefile, no recursion into sub-folders. `make help` lists the targets and variables.
#
# How it works: config.mk is found out once per build folder (which ISAs the compiler has, where the libraries are) and found out
# again when the compiler changes. Objects depend on a stamp of their flags, so a build folder never mixes compilers,
# sanitizers or optimisation levels. A target that needs another set of flags (check-asan, check-arm, fuzz) calls make again
# with a build folder of its own. A source file of an ISA is compiled with the flags that belong to the suffix of its name.
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc) # a -j on the command line wins
endif

VERSION := 0.1.0
HOST_ARCH := $(shell uname -m)
#: CC=gcc            compiler; gcc or clang
#: ARCH=x86_64       machine to build for: x86_64 or aarch64 (cross-compiles with Debian's packages)
#: BUILD=build       build folder
#: SAN=              sanitizers, e.g. address,undefined
#: TWINS=1           build the tests whose instruction sets are emulated too; not with SAN
#: O=-O2             optimisation flags, -O1 with SAN; CFLAGS, CPPFLAGS and LDFLAGS are added too
#: SUITE=quick       what `bench` runs: configs/suites/SUITE.ini
#: OUT=out           where `bench` writes and `report` reads results
#: FUZZ_SECONDS=10   how long each fuzz target runs
#: TEST_TIMEOUT=300  seconds per test program
#: TEST_JOBS=1       test programs side by side: one, as some time things; as many as CPUs with SAN or another ARCH
#: PREFIX=/usr/local where `install` puts things
#: V=                1 shows every command
ARCH ?= $(HOST_ARCH)
CROSS := $(filter-out $(HOST_ARCH),$(ARCH))
BUILD ?= build$(addprefix -,$(CROSS))
SUITE ?= quick
OUT ?= out
FUZZ_SECONDS ?= 10
TEST_TIMEOUT ?= $(if $(CROSS),900,$(if $(SAN),600,300))
TEST_JOBS ?= $(if $(CROSS)$(SAN),$(shell nproc),1)
PREFIX ?= /usr/local
O ?= $(if $(SAN),-O1,-O2)

ifeq ($(filter $(ARCH),x86_64 aarch64),)
$(error bitjoule supports x86_64 and aarch64 (64-bit, little-endian), not '$(ARCH)')
endif
ifneq ($(CROSS),)
ifeq ($(origin CC),default)
CC := $(ARCH)-linux-gnu-gcc
endif
ifeq ($(origin AR),default)
AR := $(ARCH)-linux-gnu-ar
endif
TARGET := $(if $(findstring clang,$(CC)),--target=$(ARCH)-linux-gnu)
export PKG_CONFIG_LIBDIR := /usr/lib/$(ARCH)-linux-gnu/pkgconfig:/usr/share/pkgconfig
# the C library of the other architecture comes with its packages, so qemu needs no sysroot
RUN ?= qemu-$(ARCH)
else
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
endif

Q := $(if $(V),,@)
say = @printf '  %-5s %s\n'
# text as one word of the shell
quote = '$(subst ','\'',$(1))'
comma := ,

# ---- sources: the tree is the architecture -------------------------------------------------------------------------------
FOLDERS := kernels baselines engine profiles harness reports
ISA_DIR := $(if $(filter x86_64,$(ARCH)),x86,arm)
SRC := $(wildcard $(addsuffix /*.c,$(FOLDERS)) $(foreach d,kernels baselines,$(d)/$(ISA_DIR)/*.c))
MAIN := harness/main.c
TEST_SRC := $(filter-out $(if $(CROSS),tests/test_simde_%.c),$(wildcard tests/test_*.c))
FUZZ_SRC := $(wildcard tests/fuzz_*.c)
TEST_LIB := $(filter-out tests/test_%.c $(FUZZ_SRC),$(wildcard tests/*.c))
SHELL_TESTS := $(wildcard tests/*_test.sh)

# Kernels of instruction sets that this machine may lack: for each of these folders of kernels/ and baselines/ the tests below are built
# once more, with the ISAs of SIMDE_folder compiled as portable C by SIMDe: tests/simde/from_folder has the header that stands in
# for the compiler's. Such a twin of a test is called test_X_simde_folder and runs every kernel of these ISAs.
SIMDE_FOLDERS := $(if $(CROSS),,x86 arm)
SIMDE_TESTS_x86 := test_kernels test_ops test_tl2 test_pack test_peak_loops
SIMDE_TESTS_arm := test_kernels test_ops test_tl1
SIMDE_x86 := avx2 avxvnni avx512 avx512vnni avx512vbmi
SIMDE_arm := neon dotprod i8mm
SIMDE_HEADER_x86 := immintrin.h
SIMDE_HEADER_arm := arm_neon.h
# Half the time to compile, no longer to run; and lanes wrap, which SIMDe writes as an overflow of signed integers
SIMDE_FLAGS := -O1 -Wno-psabi $(if $(SAN),-fno-sanitize=all)
# With the address sanitizer the twins would take six minutes to compile, and their guard pages notice what it would.
TWINS ?= $(if $(SAN),,1)

# ---- dependencies: which goal needs which packages, and which goals may install them -------------------------------------------
GOALS := $(or $(MAKECMDGOALS),all)
GROUPS_bench := build bench
GROUPS_test := build test
GROUPS_tests-bin := build test
GROUPS_test-cpus := build test
GROUPS_lint := build test lint
GROUPS_fuzz-run := build fuzz
GROUPS_deps := build bench test
DEPS_GROUPS := $(sort $(foreach g,$(GOALS),$(or $(GROUPS_$(g)),build)) $(if $(findstring address,$(SAN)),asan))
# config.mk depends on `deps`, so they are looked for before anything is compiled
DEPS_CHECK := $(if $(filter bench test test-cpus lint fuzz-run deps,$(GOALS)),,--check)

deps: ## look for what bench and test need, and install what is missing
	@CC=$(call quote,$(CC)) .ci/deps $(DEPS_CHECK) $(if $(CROSS),arm,$(DEPS_GROUPS))

# ---- what this compiler and this machine offer: found once, kept in config.mk ---------------------------------------------
ISA_FLAGS_avx2 := -mavx2 -mfma -mf16c
ISA_FLAGS_avxvnni := $(ISA_FLAGS_avx2) -mavxvnni
ISA_FLAGS_avx512 := $(ISA_FLAGS_avx2) -mavx512f -mavx512bw -mavx512vl -mavx512dq
ISA_FLAGS_avx512vnni := $(ISA_FLAGS_avx512) -mavx512vnni
ISA_FLAGS_avx512vbmi := $(ISA_FLAGS_avx512vnni) -mavx512vbmi
ISA_FLAGS_neon :=
ISA_FLAGS_dotprod := -march=armv8.2-a+dotprod
ISA_FLAGS_i8mm := -march=armv8.2-a+dotprod+i8mm
ISA_FLAGS_sve := -march=armv8.2-a+sve
ALL_ISAS := avx2 avxvnni avx512 avx512vnni avx512vbmi neon dotprod i8mm sve

H := \#
ISA_TRY_avx2 := $(H)include <immintrin.h>\n__m256i f(__m256i a){return _mm256_abs_epi8(a);}
ISA_TRY_avxvnni := $(H)include <immintrin.h>\n__m256i f(__m256i a){return _mm256_dpbusd_avx_epi32(a,a,a);}
ISA_TRY_avx512 := $(H)include <immintrin.h>\n__m512i f(__m512i a){return _mm512_abs_epi8(a);}
ISA_TRY_avx512vnni := $(H)include <immintrin.h>\n__m512i f(__m512i a){return _mm512_dpbusd_epi32(a,a,a);}
ISA_TRY_avx512vbmi := $(H)include <immintrin.h>\n__m512i f(__m512i a){return _mm512_permutex2var_epi8(a,a,a);}
ISA_TRY_neon := $(H)include <arm_neon.h>\nint8x16_t f(int8x16_t a){return vabsq_s8(a);}
ISA_TRY_dotprod := $(H)include <arm_neon.h>\nint32x4_t f(int32x4_t s,int8x16_t a){return vdotq_s32(s,a,a);}
ISA_TRY_i8mm := $(H)include <arm_neon.h>\nint32x4_t f(int32x4_t s,int8x16_t a){return vmmlaq_s32(s,a,a);}
ISA_TRY_sve := $(H)include <arm_sve.h>\nsvint8_t f(svbool_t p,svint8_t a){return svabs_s8_x(p,a);}
# prints the name of the ISA when the compiler takes its flags and an intrinsic of it
try_isa = printf '$(ISA_TRY_$(1))\n' | $(CC) $(TARGET) -x c $(ISA_FLAGS_$(1)) -c -o /dev/null - 2>/dev/null && echo $(1);

REQUIRED_LIBS := jansson inih hwloc libpcre2-8 libcrypto sqlite3
# Counter libraries are optional: header, library, and the version from the shared object's file name (libpfm.so.4.13.0)
OPTIONAL_LIBS := libpfm4 papi likwid
HEADER_libpfm4 := perfmon/pfmlib.h
HEADER_papi := papi.h
HEADER_likwid := likwid.h
SONAME_libpfm4 := libpfm.so
SONAME_papi := libpapi.so
SONAME_likwid := liblikwid.so
# name=version, or name= when the header or the library is not there
find_optional = so=$$($(CC) $(TARGET) -print-file-name=$(SONAME_$(1))); printf '$(H)include <$(HEADER_$(1))>\n' | \
  $(CC) $(TARGET) -x c -E -o /dev/null - 2>/dev/null && [ -e "$$so" ] || so=; \
  echo "$(1)=$$([ -z "$$so" ] || readlink -f "$$so" | sed 's/.*\.so\.*//')";

ifneq ($(filter-out clean help deps check-asan check-arm fuzz,$(GOALS)),)
include $(BUILD)/config.mk
endif

$(BUILD)/toolchain: FORCE | deps
	@mkdir -p $(@D)
	@{ $(CC) --version | head -n 1; echo $(call quote,$(CC) $(ARCH) $(PKG_CONFIG_LIBDIR)); } > $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# What the machine is called says little about what the compiler makes: many a Raspberry Pi has a 64-bit kernel and 32-bit programs.
TARGET_TRY := $(H)if !(defined __x86_64__ || defined __aarch64__) || __SIZEOF_POINTER__ != 8 || \
  __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n$(H)error\n$(H)endif\n

$(BUILD)/config.mk: Makefile $(BUILD)/toolchain
	@printf '$(TARGET_TRY)' | $(CC) $(TARGET) $(CFLAGS) -x c -E -o /dev/null - 2>/dev/null || \
	{ echo "bitjoule: '$(CC)' compiles for $$($(CC) $(TARGET) -dumpmachine); bitjoule needs 64-bit little-endian x86-64 or aarch64: \
	install the 64-bit system, or give its compiler as CC=" >&2; exit 1; }
	@echo ISAS := $$( $(foreach i,$(ALL_ISAS),$(call try_isa,$(i))) ) > $@.new
	@echo "LIB_CFLAGS := $$(pkg-config --cflags $(REQUIRED_LIBS))" >> $@.new
	@echo "LIB_LIBS := $$(pkg-config --libs $(REQUIRED_LIBS))" >> $@.new
	@echo "LIB_VERSIONS :=" $$(for l in $(REQUIRED_LIBS); do echo $$l=$$(pkg-config --modversion $$l); done; \
	  $(foreach l,$(OPTIONAL_LIBS),$(call find_optional,$(l)))) >> $@.new
	@sed -n 's/^ISAS := */instruction sets: plain C, /; s/, *$$//; /^instr/p' $@.new
	@counters=; for l in $(OPTIONAL_LIBS); do v=$$(sed -n "s/^LIB_VERSIONS.* $$l=\([^ ]*\).*/\1/p" $@.new); \
	  counters="$$counters$${counters:+, }$$l$${v:+ }$${v:-: not found}"; done; echo "counters: $$counters"
	@mv $@.new $@

# HAVE_PFM, HAVE_PAPI, HAVE_LIKWID: 1 when the library is there
HAVE_PFM := $(if $(filter-out libpfm4=,$(filter libpfm4=%,$(LIB_VERSIONS))),1)
HAVE_PAPI := $(if $(filter-out papi=,$(filter papi=%,$(LIB_VERSIONS))),1)
HAVE_LIKWID := $(if $(filter-out likwid=,$(filter likwid=%,$(LIB_VERSIONS))),1)
# for the sources: defined when the library is there; of likwid, whose header does not say it, the version
OPTIONAL_DEFINES = $(if $(HAVE_PFM),-DHAVE_PFM=1) $(if $(HAVE_PAPI),-DHAVE_PAPI=1) $(patsubst likwid=%,-DHAVE_LIKWID=%,$(if $(HAVE_LIKWID),$(filter likwid=%,$(LIB_VERSIONS))))

# ---- compile and link ---------------------------------------------------------------------------------------------------------
# sources of an ISA that the compiler lacks are left out
SRC := $(filter-out $(foreach i,$(filter-out $(ISAS),$(ALL_ISAS)),%_$(i).c),$(SRC))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Werror
# messages are cut to their buffers on purpose, and no emulated vector passes between compilers; clang has no such warnings
GCC_ONLY := -Wno-format-truncation -Wno-psabi
WARN_ALL := $(WARN) $(if $(findstring clang,$(CC)),,$(GCC_ONLY))
CPPFLAGS_ALL = -D_GNU_SOURCE -I. $(OPTIONAL_DEFINES) $(foreach i,$(ISAS),-DHAVE_ISA_$(i)=1) $(LIB_CFLAGS) $(CPPFLAGS)
SAN_FLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
CFLAGS_ALL = $(TARGET) -std=c11 $(O) -g -fno-math-errno -ffp-contract=off -pthread $(WARN_ALL) $(SAN_FLAGS) $(CFLAGS)
LDLIBS_ALL = $(LIB_LIBS) -lm -pthread

# tests leave the ISAs of this list to the emulated tests
TEST_DEFINES := $(if $(SIMDE_FOLDERS),-DEMULATED_ISAS='"$(subst $() $(),$(comma),$(foreach f,$(SIMDE_FOLDERS),$(SIMDE_$(f))))"')

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJ := $(call obj,$(filter-out $(MAIN),$(SRC))) $(BUILD)/build_info.o
BIN := $(BUILD)/bitjoule
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
FUZZERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(FUZZ_SRC))

all: $(BIN) ## build the program (the default)

# flags of an object by the ISA suffix of its name
isa_of = $(lastword $(subst _, ,$(basename $(notdir $(1)))))
isa_flags = $(ISA_FLAGS_$(filter $(ALL_ISAS),$(call isa_of,$(1))))
compile = $(CC) $(strip $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(call isa_flags,$(1)) $(if $(filter tests/%,$(1)),$(TEST_DEFINES)) \
  $(if $(filter tests/test_simde_%,$(1)),$(SIMDE_FLAGS)))

# A stamp is rewritten only when its text changes, and then what depends on it is made again.
define stamp
$(BUILD)/$(1): FORCE
	@echo $$(call quote,$$(strip $(2))) | cmp -s - $$@ || echo $$(call quote,$$(strip $(2))) > $$@
endef
$(eval $(call stamp,flags.stamp,$$(call compile,)))
$(eval $(call stamp,link.stamp,$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS) $$(LDLIBS_ALL)))
$(eval $(call stamp,objects.stamp,$$(LIB_OBJ)))

$(BUILD)/%.o: %.c $(BUILD)/config.mk $(BUILD)/flags.stamp
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(call compile,$<) -MMD -MP -c -o $@ $<

$(BUILD)/build_info.o: $(BUILD)/build_info.c $(BUILD)/config.mk $(BUILD)/flags.stamp
	$(say) CC $<
	$(Q)$(call compile,$<) -MMD -MP -c -o $@ $<

$(BUILD)/build_info.c: FORCE
	@BI_VERSION=$(VERSION) BI_CC=$(call quote,$(CC)) BI_CFLAGS=$(call quote,$(strip $(CFLAGS_ALL))) \
	BI_LDFLAGS=$(call quote,$(strip $(LDFLAGS) $(LDLIBS_ALL))) BI_ARCH=$(ARCH) BI_ISAS=$(call quote,$(ISAS)) \
	BI_SAN=$(call quote,$(SAN)) BI_LIBS=$(call quote,$(LIB_VERSIONS)) harness/build_info.sh $@

$(BUILD)/libbitjoule.a: $(LIB_OBJ) $(BUILD)/objects.stamp
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(LIB_OBJ)

link = $(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS_ALL)

$(BIN): $(call obj,$(MAIN)) $(BUILD)/libbitjoule.a $(BUILD)/link.stamp
	$(say) LD $@
	$(Q)$(link)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(call obj,$(TEST_LIB)) $(BUILD)/libbitjoule.a $(BUILD)/link.stamp
	$(say) LD $@
	$(Q)$(link) -lcmocka

$(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz_%.o $(BUILD)/libbitjoule.a $(BUILD)/link.stamp
	$(say) LD $@
	$(Q)$(link) -fsanitize=fuzzer

# Emulated tests of folder $(1): everything that depends on the list of ISAs is compiled again, and stands before the library, from
# which only the rest is taken.
define simde
SIMDE_SRC_$(1) := $$(filter-out kernels/cpu_detect.c,$$(wildcard kernels/*.c baselines/*.c)) tests/simde/emulated_cpu.c \
  $$(foreach i,$$(SIMDE_$(1)),$$(wildcard kernels/$(1)/*_$$(i).c baselines/$(1)/*_$$(i).c))
SIMDE_OBJ_$(1) := $$(patsubst %.c,$$(BUILD)/simde_$(1)/%.o,$$(SIMDE_SRC_$(1)))
SIMDE_PROGRAMS += $$(if $$(TWINS),$$(patsubst %,$$(BUILD)/tests/%_simde_$(1),$$(SIMDE_TESTS_$(1))))
SIMDE_DEPS += $$(SIMDE_OBJ_$(1):.o=.d) $$(patsubst %,$$(BUILD)/simde_$(1)/tests/%.d,$$(SIMDE_TESTS_$(1)))

$$(BUILD)/simde_$(1)/%.o: %.c $$(BUILD)/config.mk $$(BUILD)/flags.stamp
	@mkdir -p $$(@D)
	$$(say) SIMDE $$<
	$$(Q)$$(filter-out -DHAVE_ISA_%,$$(call compile,)) $$(foreach i,$$(SIMDE_$(1)),-DHAVE_ISA_$$(i)=1) -DEMULATED_RUN=1 \
	  $$(if $$(findstring /$(1)/,$$<),-Itests/simde/from_$(1) -include $$(SIMDE_HEADER_$(1)) $$(SIMDE_FLAGS)) -MMD -MP -c -o $$@ $$<

$$(BUILD)/tests/%_simde_$(1): $$(BUILD)/simde_$(1)/tests/%.o $$(call obj,$$(TEST_LIB)) $$(SIMDE_OBJ_$(1)) $$(BUILD)/libbitjoule.a $$(BUILD)/link.stamp
	$$(say) LD $$@
	$$(Q)$$(link) -lcmocka
endef
$(foreach f,$(SIMDE_FOLDERS),$(eval $(call simde,$(f))))

# The program, made slower on purpose by the linker: tests/slowed/README.md
SLOWED_OBJ := $(call obj,tests/slowed/slow_decode.c)
slowed: $(BUILD)/slowed/bitjoule ## link a program that is 5 % slower in decode, for trying the gate
$(BUILD)/slowed/bitjoule: $(call obj,$(MAIN)) $(SLOWED_OBJ) $(BUILD)/libbitjoule.a $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(link) -Wl,--wrap=session_decode

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(call obj,$(MAIN) $(TEST_SRC) $(TEST_LIB) $(FUZZ_SRC))) $(SIMDE_DEPS) $(SLOWED_OBJ:.o=.d)

# ---- run -------------------------------------------------------------------------------------------------------------------------
bench: $(BIN) ## run the suite SUITE on this machine and write a report to OUT
	$(Q)$(RUN) $(BIN) bench -c configs/suites/$(SUITE).ini -o $(OUT)

report: $(BIN) ## write the report of the results in OUT again
	$(Q)$(RUN) $(BIN) report $(OUT)/results.json -o $(OUT)

tests-bin: $(TESTS) $(SIMDE_PROGRAMS)

SAN_ENV := $(if $(SAN),ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
  LSAN_OPTIONS=suppressions=$(CURDIR)/tests/leaks_of_libraries.txt:print_suppressions=0)
test: $(BIN) $(TESTS) $(SIMDE_PROGRAMS) ## build and run every test
	$(Q)BITJOULE=$(BIN) RUN=$(call quote,$(RUN)) TEST_TIMEOUT=$(TEST_TIMEOUT) TEST_JOBS=$(TEST_JOBS) $(SAN_ENV) \
	tests/run.sh $(BUILD)/tests/logs $(TESTS) $(SIMDE_PROGRAMS) $(SHELL_TESTS)

check-asan: ## the same tests with the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) BUILD=$(BUILD)-asan SAN=address,undefined test

check-arm: ## the same tests, compiled for aarch64, under qemu on several CPUs
	$(Q)$(MAKE) BUILD=$(patsubst %-aarch64,%,$(BUILD))-aarch64 ARCH=aarch64 test-cpus

test-cpus: $(BIN) $(TESTS)
	$(Q)BITJOULE=$(BIN) RUN=$(call quote,$(RUN)) TEST_TIMEOUT=$(TEST_TIMEOUT) TEST_JOBS=$(TEST_JOBS) $(SAN_ENV) \
	tests/check_cpus.sh $(BUILD)/tests/logs $(TESTS) $(SHELL_TESTS)

lint: $(BUILD)/compile_commands.json ## include rule, file rules, clang-tidy, cppcheck
	$(Q)BUILD=$(BUILD) LINT_FLAGS=$(call quote,$(strip $(CPPFLAGS_ALL) -std=c11 $(WARN))) \
	LINT_ISA_FLAGS=$(call quote,$(foreach i,$(ISAS),$(ISA_FLAGS_$(i)))) tests/lint.sh

# one entry per source, with the flags it is compiled with, as clang knows them: for clang-tidy and editors
LINT_SRC = $(SRC) $(TEST_SRC) $(TEST_LIB) $(FUZZ_SRC)
define compile_command
$(if $(filter $(1),$(firstword $(LINT_SRC))),,$(comma)){"directory": "$(CURDIR)", "file": "$(1)", "command": "$(subst ",\",$(filter-out $(GCC_ONLY),$(call compile,$(1)))) -c $(1)"}
endef
$(BUILD)/compile_commands.json: FORCE
	$(file >$@,[)$(foreach s,$(LINT_SRC),$(file >>$@,$(call compile_command,$(s))))$(file >>$@,])@:

# One ISA: hostile input is refused before a kernel sees it, and instrumented AVX-512 kernels take minutes to compile
fuzz: ## run every tests/fuzz_*.c for FUZZ_SECONDS under libFuzzer and the sanitizers
	$(Q)$(MAKE) BUILD=$(BUILD)-fuzz CC=clang SAN=fuzzer-no-link,address,undefined ISAS=$(if $(filter x86_64,$(ARCH)),avx2,neon) fuzz-run

fuzz-run: $(FUZZERS)
	$(Q)$(SAN_ENV) tests/fuzz.sh $(FUZZ_SECONDS) $(BUILD)/fuzz $(FUZZERS)

install: $(BIN) ## copy the program, the configs and the counter groups to DESTDIR and PREFIX
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/bitjoule
	find configs -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/bitjoule/{} \;
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/bitjoule/groups profiles/groups/*.txt

clean: ## remove the build folders; results in OUT stay
	rm -rf build build-* $(BUILD) $(BUILD)-asan $(BUILD)-aarch64 $(BUILD)-fuzz

help: ## this list
	@echo 'bitjoule $(VERSION): make TARGET [VARIABLE=value]...'
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r t text; do printf '  %-11s %s\n' "$$t" "$$text"; done
	@echo 'Variables, with their defaults here:'
	@sed -n 's/^#: /  /p' Makefile

FORCE:
.PHONY: FORCE all slowed deps bench report tests-bin test test-cpus check-asan check-arm lint fuzz fuzz-run install clean help
