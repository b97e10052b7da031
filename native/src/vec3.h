/* Three-vectors of float. */
#ifndef VEC3_H
#define VEC3_H

#include <math.h>

static inline float vec3_dot(const float a[3], const float b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void vec3_cross(const float a[3], const float b[3], float out[3]) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static inline void vec3_copy(const float a[3], float out[3]) {
    out[0] = a[0];
    out[1] = a[1];
    out[2] = a[2];
}

static inline void vec3_scale(float a[3], float factor) {
    a[0] *= factor;
    a[1] *= factor;
    a[2] *= factor;
}

/* a += factor * b */
static inline void vec3_add_scaled(float a[3], const float b[3], float factor) {
    a[0] += factor * b[0];
    a[1] += factor * b[1];
    a[2] += factor * b[2];
}

static inline float vec3_norm(const float a[3]) { return sqrtf(vec3_dot(a, a)); }

/* Scales to length 1; false, and a unchanged, when it is too short to have a direction. */
static inline int vec3_normalise(float a[3]) {
    const float norm = vec3_norm(a);
    if (!(norm > 1e-6f)) {
        return 0;
    }
    vec3_scale(a, 1.0f / norm);
    return 1;
}

/* Takes the part along the unit vector away. */
static inline void vec3_reject(float a[3], const float unit[3]) {
    vec3_add_scaled(a, unit, -vec3_dot(a, unit));
}

/* A unit vector at a right angle to the given one. */
static inline void vec3_any_normal(const float unit[3], float out[3]) {
    const float x = fabsf(unit[0]), y = fabsf(unit[1]), z = fabsf(unit[2]);
    const float axis[3] = {x <= y && x <= z ? 1.0f : 0.0f, y < x && y <= z ? 1.0f : 0.0f,
                           z < x && z < y ? 1.0f : 0.0f};
    vec3_cross(unit, axis, out);
    (void)vec3_normalise(out);
}

#endif
