#ifndef ROTATE_H
#define ROTATE_H

#include <math.h>

#include "vec3.h"

/* The vector turned by the angle about the unit axis (Rodrigues). */
static inline void turned(const float in[3], const float axis[3], double angle, float out[3]) {
    float across[3];
    vec3_cross(axis, in, across);
    const double along = (double)vec3_dot(axis, in) * (1.0 - cos(angle));
    for (int i = 0; i < 3; i++) {
        out[i] = (float)((double)in[i] * cos(angle) + (double)across[i] * sin(angle) +
                         (double)axis[i] * along);
    }
}

#endif
