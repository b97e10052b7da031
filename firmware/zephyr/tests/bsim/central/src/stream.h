/* Checks every packet of a stream against the emulated IMU's pattern. */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

void stream_begin(uint16_t rate_hz);

void stream_receive(const uint8_t *bytes, size_t length);

void stream_tell(void);

#endif
