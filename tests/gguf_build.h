/* Builds GGUF bytes in memory, field by field, independently of the writer under test. Little-endian hosts only. */
#ifndef BITJOULE_TESTS_GGUF_BUILD_H
#define BITJOULE_TESTS_GGUF_BUILD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct blob {
    unsigned char v[8192];
    size_t n;
};

static inline void blob_bytes(struct blob *b, const void *bytes, size_t n)
{
    if (n > sizeof b->v - b->n)
        abort();
    memcpy(b->v + b->n, bytes, n);
    b->n += n;
}

static inline void blob_u32(struct blob *b, uint32_t v)
{
    blob_bytes(b, &v, sizeof v);
}

static inline void blob_u64(struct blob *b, uint64_t v)
{
    blob_bytes(b, &v, sizeof v);
}

static inline void blob_str(struct blob *b, const char *s)
{
    blob_u64(b, strlen(s));
    blob_bytes(b, s, strlen(s));
}

static inline void blob_header(struct blob *b, uint64_t n_tensors, uint64_t n_keys)
{
    blob_bytes(b, "GGUF", 4);
    blob_u32(b, 3);
    blob_u64(b, n_tensors);
    blob_u64(b, n_keys);
}

/* Name and type; the value follows. */
static inline void blob_key(struct blob *b, const char *key, uint32_t type)
{
    blob_str(b, key);
    blob_u32(b, type);
}

static inline void blob_pad(struct blob *b, size_t alignment)
{
    while (b->n % alignment)
        blob_bytes(b, "", 1);
}

#endif
