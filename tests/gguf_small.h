/* A small GGUF file twice: as calls of the writer, and as the bytes that must come out.
 *
 * Every kind of value the writer has a call for, and two tensors with padding after each. */
#ifndef BITJOULE_TESTS_GGUF_SMALL_H
#define BITJOULE_TESTS_GGUF_SMALL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/gguf_build.h"

static const float norm[3] = {1.0f, -2.5f, 0.0f};

/* What write_small() must produce. */
static inline void build_small(struct blob *b)
{
    const int32_t types[2] = {-1, 7};
    blob_header(b, 2, 7);
    blob_key(b, "general.architecture", GGUF_STRING);
    blob_str(b, "llama");
    blob_key(b, "a.u32", GGUF_U32);
    blob_u32(b, 4000000000);
    blob_key(b, "a.f32", GGUF_F32);
    blob_u32(b, 0x3fc00000); /* 1.5 */
    blob_key(b, "a.bool", GGUF_BOOL);
    blob_bytes(b, "\1", 1);
    blob_key(b, "a.strings", GGUF_ARRAY);
    blob_u32(b, GGUF_STRING);
    blob_u64(b, 2);
    blob_str(b, "");
    blob_str(b, "\xc4\xa0the");
    blob_key(b, "a.scores", GGUF_ARRAY);
    blob_u32(b, GGUF_F32);
    blob_u64(b, 3);
    blob_bytes(b, norm, sizeof norm);
    blob_key(b, "a.types", GGUF_ARRAY);
    blob_u32(b, GGUF_I32);
    blob_u64(b, 2);
    blob_bytes(b, types, sizeof types);
    blob_str(b, "norm");
    blob_u32(b, 1);
    blob_u64(b, 3);
    blob_u32(b, 0);
    blob_u64(b, 0);
    blob_str(b, "w");
    blob_u32(b, 2);
    blob_u64(b, 32);
    blob_u64(b, 2);
    blob_u32(b, 2);
    blob_u64(b, 32); /* 12 bytes of norm, padded */
    blob_pad(b, 32);
    blob_bytes(b, norm, sizeof norm);
    blob_pad(b, 32);
    for (unsigned i = 0; i < 36; i++)
        blob_bytes(b, &(unsigned char){(unsigned char)(200 - i)}, 1);
    blob_pad(b, 32);
}

static inline int write_small(struct gguf_writer *w)
{
    static const char *const strings[] = {"", "\xc4\xa0the"};
    const uint64_t norm_dims[4] = {3, 99, 99, 99}, w_dims[4] = {32, 2, 1, 1}; /* only the first n_dims count */
    unsigned char data[sizeof norm + 36];
    memcpy(data, norm, sizeof norm);
    for (unsigned i = 0; i < 36; i++)
        data[sizeof norm + i] = (unsigned char)(200 - i);
    int rc = gguf_put_str(w, "general.architecture", "llama");
    rc = rc ? rc : gguf_put_u32(w, "a.u32", 4000000000);
    rc = rc ? rc : gguf_put_f32(w, "a.f32", 1.5f);
    rc = rc ? rc : gguf_put_bool(w, "a.bool", true);
    rc = rc ? rc : gguf_put_str_array(w, "a.strings", strings, 2);
    rc = rc ? rc : gguf_put_f32_array(w, "a.scores", norm, 3);
    rc = rc ? rc : gguf_put_i32_array(w, "a.types", (const int32_t[]){-1, 7}, 2);
    rc = rc ? rc : gguf_declare_tensor(w, "norm", GGUF_T_F32, 1, norm_dims);
    rc = rc ? rc : gguf_declare_tensor(w, "w", GGUF_T_Q4_0, 2, w_dims);
    rc = rc ? rc : gguf_write_data(w, data, 5); /* neither these pieces nor the tensors' borders coincide */
    return rc ? rc : gguf_write_data(w, data + 5, sizeof data - 5);
}

#endif
