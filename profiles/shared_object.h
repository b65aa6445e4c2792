/* An optional library, looked for at run time: the program starts without it and says so. Internal to profiles/. */
#ifndef BITJOULE_SHARED_OBJECT_H
#define BITJOULE_SHARED_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

struct so_symbol {
    const char *name;
    void *slot; /* address of a function pointer of the symbol's type */
};

/* Opens `file` (by its SONAME) for the life of the process and fills every slot; false: the file or one of the symbols is not there. */
bool shared_object_load(const char *file, const struct so_symbol *symbols, size_t n);

#endif
