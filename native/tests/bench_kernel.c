/* Drives the packets of a file through a kernel, for a profiler to count:
 *
 *   bench_kernel FILE
 *
 * FILE, little-endian, as tests/bench/callgrind.py writes it: the number of pods (1 byte), their
 * encoded info records, then for each packet its pod (1 byte), its length (1 byte), its arrival (8
 * bytes, IEEE double) and its bytes. Prints samples, packets and strides; exits 1 when the file
 * cannot be read, or a packet is refused for anything but being stale.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pod_wire.h"
#include "stride_kernel.h"

typedef struct {
    uint64_t samples, packets, strides;
} counts;

static int add_pods(stride_kernel *kernel, FILE *file) {
    const int pods = getc(file);
    for (int i = 0; i < pods; i++) {
        uint8_t info[POD_WIRE_INFO_BYTES];
        int32_t pod;
        if (fread(info, 1, sizeof info, file) != sizeof info ||
            stride_kernel_add_pod(kernel, info, sizeof info, &pod) != STRIDE_KERNEL_OK) {
            return 0;
        }
    }
    return pods > 0;
}

static void count_strides(stride_kernel *kernel, stride_kernel_output *output, counts *c) {
    c->strides += (uint64_t)output->stride_count;
    while (output->more) {
        stride_kernel_take(kernel, output);
        c->strides += (uint64_t)output->stride_count;
    }
}

/* One packet; 1 at the end of the file, -1 when something is wrong. */
static int push_next(stride_kernel *kernel, FILE *file, counts *c) {
    const int pod = getc(file), length = getc(file);
    if (pod == EOF) {
        return 1;
    }
    double arrival_s;
    uint8_t packet[UINT8_MAX];
    stride_kernel_output output;
    if (length == EOF || fread(&arrival_s, sizeof arrival_s, 1, file) != 1 ||
        fread(packet, 1, (size_t)length, file) != (size_t)length) {
        return -1;
    }
    const stride_kernel_result result =
        stride_kernel_push(kernel, pod, packet, (size_t)length, arrival_s, &output);
    c->packets++;
    count_strides(kernel, &output, c);
    return result == STRIDE_KERNEL_OK || result == STRIDE_KERNEL_STALE ? 0 : -1;
}

static int run(stride_kernel *kernel, FILE *file, counts *c) {
    if (!add_pods(kernel, file)) {
        return -1;
    }
    int state = 0;
    while (state == 0) {
        state = push_next(kernel, file, c);
    }
    stride_kernel_pod_status status;
    for (int32_t pod = 0; stride_kernel_status(kernel, pod, &status) == STRIDE_KERNEL_OK; pod++) {
        c->samples += status.samples - status.filled_samples;
    }
    return state;
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        (void)fprintf(stderr, "bench_kernel FILE: a file of packets\n");
        return 1;
    }
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.height_m = 1.78;
    stride_kernel *kernel = stride_kernel_create(&settings);
    counts c = {0, 0, 0};
    const int state = kernel != NULL ? run(kernel, file, &c) : -1;
    stride_kernel_destroy(kernel);
    (void)fclose(file);
    if (state < 0) {
        (void)fprintf(stderr, "bench_kernel: %s is broken\n", argv[1]);
        return 1;
    }
    printf("%llu %llu %llu\n", (unsigned long long)c.samples, (unsigned long long)c.packets,
           (unsigned long long)c.strides);
    return 0;
}
