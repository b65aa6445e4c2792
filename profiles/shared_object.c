#include "profiles/shared_object.h"

#include <dlfcn.h>
#include <string.h>

bool shared_object_load(const char *file, const struct so_symbol *symbols, size_t n)
{
    void *so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; so && i < n; i++) {
        void *symbol = dlsym(so, symbols[i].name);
        if (!symbol)
            return false;
        memcpy(symbols[i].slot, &symbol, sizeof symbol); /* POSIX lets a function pointer travel as void * */
    }
    return so != NULL;
}
