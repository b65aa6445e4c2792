/* Whether this program was compiled with the address sanitizer: its memory and its times are then not those of the code. */
#ifndef BITJOULE_SANITIZED_H
#define BITJOULE_SANITIZED_H

#include <stdbool.h>

static inline bool sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

#endif
