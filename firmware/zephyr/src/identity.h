/* Who this pod is, from the chip's own number. */
#ifndef IDENTITY_H
#define IDENTITY_H

enum { IDENTITY_NAME_BYTES = sizeof "pod-0000" };

void identity_open(void);

/* "pod-XXXX", for a pod without a name of its own. */
const char *identity_name(void);

#endif
