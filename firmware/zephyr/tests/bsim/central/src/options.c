#include "options.h"

#include "bs_cmd_line.h"
#include "bs_types.h"
#include "soc.h"

options wanted;

extern void bs_add_extra_dynargs(bs_args_struct_t *more);

#define NUMBER(NAME, MEMBER, TEXT)                                                                 \
    { .option = NAME, .name = "number", .type = 'u', .dest = &wanted.MEMBER, .descript = TEXT }
#define SWITCH(NAME, MEMBER, TEXT)                                                                 \
    { .is_switch = true, .option = NAME, .type = 'b', .dest = &wanted.MEMBER, .descript = TEXT }

static void add_options(void) {
    static bs_args_struct_t more[] = {
        SWITCH("stranger", stranger, "Try to get into a pod that is not ours"),
        SWITCH("mute", mute, "A stranger that connects and says nothing"),
        NUMBER("from", from_s, "Begin at this second"),
        NUMBER("until", until_s, "Tell the summary at this second"),
        NUMBER("leave", leave_s, "Disconnect at this second"),
        NUMBER("return", return_s, "Connect again at this second"),
        NUMBER("batch", batch, "Samples a packet"),
        NUMBER("rate", rate_hz, "Sampling rate, Hz"),
        NUMBER("interval", interval_ms, "Once it streams, insist on this connection interval, ms"),
        NUMBER("timeout", timeout_ms, "With that interval, its supervision timeout, ms"),
        NUMBER("end", end_s, "Gone at this second"),
        ARG_TABLE_ENDMARKER,
    };
    bs_add_extra_dynargs(more);
}

/* A number that was not given is UINT32_MAX. */
static void set_default(uint32_t *number, uint32_t value) {
    if (*number == UINT32_MAX) {
        *number = value;
    }
}

static void set_defaults(void) {
    set_default(&wanted.from_s, 0);
    set_default(&wanted.batch, 8);
    set_default(&wanted.rate_hz, 208);
    set_default(&wanted.timeout_ms, 10000);
}

NATIVE_TASK(add_options, PRE_BOOT_1, 1);
NATIVE_TASK(set_defaults, PRE_BOOT_2, 1);
