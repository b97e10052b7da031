/* What the core costs: instructions per sample and packet, and memory. One "name value" a line.
 *
 * Meant for qemu -icount shift=5: every instruction then takes 32 ns of the time that SysTick,
 * clocked at 25 MHz, counts in steps of 40 ns.
 */
#include <stdio.h>

#include "pod_bench.h"

enum { RUNS = 400, NS_PER_INSTRUCTION = 32, NS_PER_TICK = 40, STACK_BYTES = 4096, PAINT = 0xA5 };

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010U)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014U)
#define SYSTICK_NOW (*(volatile uint32_t *)0xE000E018U)
#define SYSTICK_LONGEST 0xFFFFFFU
#define SYSTICK_ON_CPU_CLOCK 5U

static pod_bench bench;

static void start_ticks(void) {
    SYSTICK_RELOAD = SYSTICK_LONGEST;
    SYSTICK_NOW = 0;
    SYSTICK_CONTROL = SYSTICK_ON_CPU_CLOCK;
}

static uint32_t ticks_since(uint32_t then) { return (then - SYSTICK_NOW) & SYSTICK_LONGEST; }

static double instructions(double ticks) { return ticks * NS_PER_TICK / NS_PER_INSTRUCTION; }

static size_t fill(uint8_t *bytes, sampler_format format, unsigned first, unsigned count) {
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        const pod_wire_sample sample = numbered(first + i);
        if (format == SAMPLER_TAGGED_FIFO) {
            put_tagged(bytes + length, first + i, &sample);
            length += SAMPLE_BYTES;
        } else {
            put_plain(bytes + length, &sample);
            length += IMU_FIFO_PLAIN_SLOT_BYTES;
        }
    }
    return length;
}

typedef struct {
    double read; /* one FIFO read that makes one packet */
    double take; /* that packet handed to the radio */
} cost;

static cost measure(sampler_format format, uint8_t batch) {
    bench_fresh(&bench, format);
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_SHANK_L);
    bench_control(&bench, POD_LINK_BATCH, batch);
    bench_control(&bench, POD_LINK_START, 0);
    uint8_t fifo[POD_WIRE_MAX_SAMPLES * SAMPLE_BYTES];
    uint8_t packet[POD_WIRE_MAX_BYTES];
    uint32_t nothing = SYSTICK_NOW;
    nothing = ticks_since(nothing);
    cost sum = {0};
    for (unsigned run = 0; run < RUNS; run++) {
        const size_t length = fill(fifo, format, run * batch, batch);
        bench_wait(&bench, batch * 4808U);
        uint32_t then = SYSTICK_NOW;
        pod_core_imu_read(&bench.core, fifo, length, batch, bench.now_us, bench.now_us);
        sum.read += ticks_since(then) - nothing;
        then = SYSTICK_NOW;
        pod_core_take_packet(&bench.core, packet, sizeof packet);
        sum.take += ticks_since(then) - nothing;
    }
    return (cost){.read = instructions(sum.read) / RUNS, .take = instructions(sum.take) / RUNS};
}

static void tell(const char *fifo, sampler_format format) {
    const cost eight = measure(format, 8);
    const cost sixteen = measure(format, 16);
    const double all_of_eight = eight.read + eight.take;
    const double per_sample = (sixteen.read + sixteen.take - all_of_eight) / 8;
    printf("%s_instructions_per_sample %.1f\n", fifo, per_sample);
    printf("%s_instructions_per_packet %.1f\n", fifo, all_of_eight - 8 * per_sample);
    printf("%s_instructions_in_all %.1f\n", fifo, all_of_eight / 8);
}

/* The deepest the stack gets over a session's calls: paint below, then look what was overwritten.
 */
static size_t stack_used(void) {
    volatile uint8_t *const here = (volatile uint8_t *)__builtin_frame_address(0);
    volatile uint8_t *const lowest = here - STACK_BYTES;
    for (volatile uint8_t *at = lowest; at < here - 64; at++) {
        *at = PAINT;
    }
    bench_start(&bench);
    bench_buzz(&bench, 100);
    bench_sample(&bench, 8);
    bench_status(&bench);
    pod_core_disconnected(&bench.core, bench.now_us);
    volatile uint8_t *deepest = lowest;
    while (*deepest == PAINT) {
        deepest++;
    }
    return (size_t)(here - deepest);
}

int main(void) {
    start_ticks();
    tell("tagged", SAMPLER_TAGGED_FIFO);
    tell("plain", SAMPLER_PLAIN_FIFO);
    bench_fresh(&bench, SAMPLER_TAGGED_FIFO);
    printf("pod_core_bytes %u\n", (unsigned)sizeof(pod_core));
    printf("stack_bytes %u\n", (unsigned)stack_used());
    return 0;
}
