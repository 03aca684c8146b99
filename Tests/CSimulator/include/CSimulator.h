#ifndef CSIMULATOR_H
#define CSIMULATOR_H

#include <stdint.h>

/// Lets the generator behind Swift's `SystemRandomNumberGenerator` and UUIDs draw from `next`.
void simulator_take_random(uint64_t (*next)(void));

#endif
