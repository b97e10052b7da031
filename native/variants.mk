# The C tests and fuzzers of a folder, built and run in several ways. Included by its Makefile,
# which gives
#
#   SOURCES         what every program is linked with; each base name once
#   INCLUDES        -I flags
#   TESTS_BESIDES   tests of the codecs that it runs too (may be empty)
#   corpus-NAME     rules that prepare what the fuzzer NAME starts from
#
# and takes from here: run-gcc, run-clang (sanitizers), fuzz, tidy, and `variant` for more.

PYTHON       ?= python3
FUZZ_SECONDS ?= 20

TESTS   ?= $(patsubst tests/%.c,%,$(sort $(wildcard tests/test_*.c))) $(TESTS_BESIDES)
FUZZERS ?= $(patsubst tests/%.c,%,$(sort $(wildcard tests/fuzz_*.c)))

BUILD   := build
VECTORS := $(BUILD)/generated/wire_vectors.h $(BUILD)/generated/link_vectors.h

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wdouble-promotion -Werror
CFLAGS   := -std=c11 -fno-math-errno $(WARNINGS) $(INCLUDES)
SANITIZE := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
            -fsanitize=address,undefined,float-cast-overflow

vpath %.c tests ../native/tests $(sort $(dir $(SOURCES)))
OBJECTS := $(notdir $(SOURCES:.c=.o))

.SECONDARY:

# variant NAME, COMPILER, FLAGS, how to run the programs, objects linked besides, linker flags
define variant
$(BUILD)/$(1)/%.o: %.c | $(VECTORS)
	@mkdir -p $$(@D)
	$(2) $(CFLAGS) $(3) -MMD -c $$< -o $$@

$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/test_%.o $(OBJECTS:%=$(BUILD)/$(1)/%) $(5:%=$(BUILD)/$(1)/%)
	$(2) $(3) $$^ $(6) -lm -o $$@

$(BUILD)/$(1)/fuzz_%: $(BUILD)/$(1)/fuzz_%.o $(OBJECTS:%=$(BUILD)/$(1)/%) $(5:%=$(BUILD)/$(1)/%)
	$(2) $(3) $$^ $(6) -lm -o $$@

.PHONY: run-$(1)
run-$(1): $(TESTS:%=$(BUILD)/$(1)/%)
	@set -e; for program in $$^; do echo "==> $$$$program"; $(4) ./$$$$program; done

-include $(wildcard $(BUILD)/$(1)/*.d)
endef

$(eval $(call variant,gcc,gcc,$(SANITIZE)))
$(eval $(call variant,clang,clang,$(SANITIZE)))
$(eval $(call variant,fuzz,clang,$(SANITIZE) -fsanitize=fuzzer))

$(BUILD)/generated/%_vectors.h: ../tests/vectors/generate.py $(wildcard ../tests/vectors/*.json)
	@mkdir -p $(@D)
	$(PYTHON) ../tests/vectors/generate.py header $* $@

# libFuzzer brings its own main; what it finds new is kept in the corpus for the next run.
run-fuzz_%: $(BUILD)/fuzz/fuzz_% corpus-%
	@echo "==> $< for $(FUZZ_SECONDS) s"
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=5 -max_len=512 -len_control=0 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/corpus/$*

.PHONY: fuzz tidy
fuzz: $(FUZZERS:%=run-%)

tidy: $(VECTORS)
	clang-tidy --quiet $(SOURCES) $(wildcard tests/*.c) -- $(CFLAGS)
