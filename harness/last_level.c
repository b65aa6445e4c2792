#include "harness/last_level.h"

#include <unistd.h>

enum { UNKNOWN_BYTES = 32 << 20 };

size_t last_level_bytes(const json_t *host)
{
    size_t i;
    json_int_t level = 0, bytes = 0;
    const json_t *c;
    json_array_foreach(json_object_get(host, "caches"), i, c)
    {
        const json_int_t l = json_integer_value(json_object_get(c, "level"));
        const json_int_t size = json_integer_value(json_object_get(c, "bytes")) * json_integer_value(json_object_get(c, "count"));
        if (l >= level)
            bytes = l > level ? size : bytes + size;
        level = l > level ? l : level;
    }
    const long libc = sysconf(_SC_LEVEL3_CACHE_SIZE);
    bytes = libc > bytes ? libc : bytes;
    return bytes > 0 ? (size_t)bytes : UNKNOWN_BYTES;
}
