/* libFuzzer: whatever decodes must encode to the bytes it came from (info: but its reserved bytes).
 */
#include <stdlib.h>
#include <string.h>

#include "pod_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INFO_RESERVED_OFFSET = 17 };

static void require(int holds) {
    if (!holds) {
        abort();
    }
}

static void round_trip_samples(const uint8_t *data, size_t size) {
    pod_wire_packet packet;
    if (pod_wire_decode(data, size, &packet) != POD_WIRE_OK) {
        return;
    }
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    size_t length = 0;
    require(pod_wire_encode(&packet, bytes, sizeof bytes, &length) == POD_WIRE_OK);
    require(length == size && memcmp(bytes, data, size) == 0);
    require(pod_wire_encode(&packet, bytes, size - 1, &length) == POD_WIRE_NO_ROOM && length == 0);
}

static void round_trip_info(const uint8_t *data, size_t size) {
    pod_wire_info info;
    if (pod_wire_decode_info(data, size, &info) != POD_WIRE_OK) {
        return;
    }
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    size_t length = 0;
    require(pod_wire_encode_info(&info, bytes, sizeof bytes, &length) == POD_WIRE_OK);
    require(length == size && memcmp(bytes, data, INFO_RESERVED_OFFSET) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    round_trip_samples(data, size);
    round_trip_info(data, size);
    return 0;
}
