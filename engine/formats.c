/* All formats of kernels/ and baselines/ by name and by GGUF type. */
#include <stdio.h>
#include <string.h>

#include "baselines/baselines.h"
#include "engine/model.h"

static const struct format *const *const registries[] = {ternary_formats, baseline_formats};
enum { N_REGISTRIES = sizeof registries / sizeof registries[0] };

const struct format *format_find(const char *name)
{
    for (size_t r = 0; r < N_REGISTRIES; r++)
        for (const struct format *const *f = registries[r]; *f; f++)
            if (strcmp((*f)->name, name) == 0)
                return *f;
    return NULL;
}

const struct format *format_of_type(uint32_t gguf_type)
{
    for (size_t r = 0; r < N_REGISTRIES; r++)
        for (const struct format *const *f = registries[r]; *f; f++)
            if ((*f)->gguf_type == gguf_type)
                return *f;
    return NULL;
}

const struct format *format_at(size_t i)
{
    for (size_t r = 0; r < N_REGISTRIES; r++)
        for (const struct format *const *f = registries[r]; *f; f++)
            if (i-- == 0)
                return *f;
    return NULL;
}

const char *format_names(char *buf, size_t len)
{
    const struct format *f;
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; (f = format_at(i)) && used < len; i++)
        used += (size_t)snprintf(buf + used, len - used, "%s%s", used ? "," : "", f->name);
    return buf;
}

const struct format *format_default_embedding(const struct format *fmt, size_t cols)
{
    if (fmt->act == ACT_F32)
        return format_find("f16");
    return strcmp(fmt->name, "q8_0") == 0 || cols % 256 != 0 ? format_find("q8_0") : format_find("q6_k");
}
