# The C tests and fuzzers of a folder, built and run in several ways. Included by its Makefile,
# which gives
#
#   SOURCES     what every program is linked with; each base name once
#   INCLUDES    -I flags
#   GENERATED   headers that have to be there before anything is compiled (may be empty)
#
# and takes from here: run-gcc, run-clang (sanitizers), run-fuzz_NAME, and `variant` for more.

FUZZ_SECONDS ?= 20

TESTS   ?= $(patsubst tests/%.c,%,$(sort $(wildcard tests/test_*.c)))
FUZZERS ?= $(patsubst tests/%.c,%,$(sort $(wildcard tests/fuzz_*.c)))

BUILD := build

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wdouble-promotion -Werror
CFLAGS   := -std=c11 -fno-math-errno $(WARNINGS) $(INCLUDES)
SANITIZE := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
            -fsanitize=address,undefined,float-cast-overflow

vpath %.c tests $(sort $(dir $(SOURCES)))
OBJECTS := $(notdir $(SOURCES:.c=.o))

.SECONDARY:

# variant NAME, COMPILER, FLAGS, how to run the programs, objects linked besides, linker flags
define variant
$(BUILD)/$(1)/%.o: %.c | $(GENERATED)
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

# libFuzzer brings its own main; what it finds new is kept in the corpus for the next run.
run-fuzz_%: $(BUILD)/fuzz/fuzz_% corpus-%
	@echo "==> $< for $(FUZZ_SECONDS) s"
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=5 -max_len=$(or $(MAX_LEN_$*),512) -len_control=0 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/corpus/$*

.PHONY: fuzz tidy
fuzz: $(FUZZERS:%=run-%)

tidy: $(GENERATED)
	clang-tidy --quiet $(SOURCES) $(wildcard tests/*.c) -- $(CFLAGS)
