/* libFuzzer: whatever decodes must encode to the bytes it came from, and whatever encodes must
 * decode.
 */
#include <stdlib.h>
#include <string.h>

#include "link_codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) {
        abort();
    }
}

static void from_bytes(const link_codec *codec, const uint8_t *data, size_t size) {
    link_record record;
    if (codec->decode(data, size, &record) != POD_LINK_OK) {
        return;
    }
    uint8_t bytes[LINK_MAX_BYTES];
    require(codec->encode(&record, bytes, size - 1) == 0);
    require(codec->encode(&record, bytes, size) == size && memcmp(bytes, data, size) == 0);
}

/* Takes the data as a record in memory: values that no decoder lets through. */
static void from_memory(const link_codec *codec, const uint8_t *data, size_t size) {
    link_record record = {0};
    memcpy(&record, data, size < sizeof record ? size : sizeof record);
    uint8_t bytes[LINK_MAX_BYTES];
    const size_t length = codec->encode(&record, bytes, sizeof bytes);
    if (length > 0) {
        from_bytes(codec, bytes, length);
        require(codec->decode(bytes, length, &record) == POD_LINK_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (size_t kind = 0; kind < LINK_KINDS; kind++) {
        from_bytes(&link_codecs[kind], data, size);
        from_memory(&link_codecs[kind], data, size);
    }
    return 0;
}
