/* A small valid GGUF file, with the place of each of its fields, for tests that damage it.
 *
 * Nine keys (string, numbers, booleans, arrays) and four tensors of different types without gaps. Places are named by macros:
 * at[KEY_LEN(ARCH)] is where the length of the first key's name stands. */
#ifndef BITJOULE_TESTS_GGUF_SAMPLE_H
#define BITJOULE_TESTS_GGUF_SAMPLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/gguf_build.h"

enum { ARCH, ALIGN, FLAG, STRINGS, NUMBERS, BOOLS, ONE, TWO, LAST, N_KEYS };
enum { T_F32, T_I2S, T_TQ1, T_Q4, N_TENSORS };
enum { DATA_BYTES = 224 + 18 }; /* end of the last tensor's data, from the start of the data */

/* Names of places. A key's and a tensor's fields follow each other in the order given here. */
enum { VERSION = 1, COUNT_TENSORS, COUNT_KEYS, DATA, KEYS = 8, TENSORS = KEYS + 4 * N_KEYS, PLACES = TENSORS + 6 * N_TENSORS };
#define KEY_LEN(k)   (KEYS + 4 * (k))
#define KEY_NAME(k)  (KEYS + 4 * (k) + 1)
#define KEY_TYPE(k)  (KEYS + 4 * (k) + 2)
#define KEY_VALUE(k) (KEYS + 4 * (k) + 3) /* of an array: element type, +4 length, +12 elements */
#define T_LEN(t)     (TENSORS + 6 * (t))
#define T_NAME(t)    (TENSORS + 6 * (t) + 1)
#define T_NDIMS(t)   (TENSORS + 6 * (t) + 2)
#define T_DIMS(t)    (TENSORS + 6 * (t) + 3)
#define T_TYPE(t)    (TENSORS + 6 * (t) + 4)
#define T_OFFSET(t)  (TENSORS + 6 * (t) + 5)

struct sample {
    struct blob b;
    size_t at[PLACES];
};

static inline void put_key(struct sample *s, int k, const char *name, uint32_t type)
{
    s->at[KEY_LEN(k)] = s->b.n;
    s->at[KEY_NAME(k)] = s->b.n + 8;
    s->at[KEY_TYPE(k)] = s->b.n + 8 + strlen(name);
    blob_key(&s->b, name, type);
    s->at[KEY_VALUE(k)] = s->b.n;
}

static inline void put_array(struct sample *s, int k, const char *name, uint32_t elem, uint64_t n)
{
    put_key(s, k, name, GGUF_ARRAY);
    blob_u32(&s->b, elem);
    blob_u64(&s->b, n);
}

static inline void put_tensor(struct sample *s, int t, const char *name, uint64_t cols, uint64_t rows, uint32_t type,
                              uint64_t offset)
{
    s->at[T_LEN(t)] = s->b.n;
    s->at[T_NAME(t)] = s->b.n + 8;
    blob_str(&s->b, name);
    s->at[T_NDIMS(t)] = s->b.n;
    blob_u32(&s->b, 2);
    s->at[T_DIMS(t)] = s->b.n;
    blob_u64(&s->b, cols);
    blob_u64(&s->b, rows);
    s->at[T_TYPE(t)] = s->b.n;
    blob_u32(&s->b, type);
    s->at[T_OFFSET(t)] = s->b.n;
    blob_u64(&s->b, offset);
}

static inline void put_metadata(struct sample *s)
{
    const int32_t numbers[4] = {1, -2, 3, -4};
    const double last = 0.5;
    put_key(s, ARCH, "general.architecture", GGUF_STRING);
    blob_str(&s->b, "llama");
    put_key(s, ALIGN, "general.alignment", GGUF_U32);
    blob_u32(&s->b, 32);
    put_key(s, FLAG, "t.flag", GGUF_BOOL);
    blob_bytes(&s->b, "\1", 1);
    put_array(s, STRINGS, "t.strings", GGUF_STRING, 3);
    blob_str(&s->b, "a");
    blob_str(&s->b, "bc");
    blob_str(&s->b, "");
    put_array(s, NUMBERS, "t.numbers", GGUF_I32, 4);
    blob_bytes(&s->b, numbers, sizeof numbers);
    put_array(s, BOOLS, "t.bools", GGUF_BOOL, 2);
    blob_bytes(&s->b, "\0\1", 2);
    put_key(s, ONE, "t.k1", GGUF_U8);
    blob_bytes(&s->b, "\1", 1);
    put_key(s, TWO, "t.k2", GGUF_U8);
    blob_bytes(&s->b, "\2", 1);
    put_key(s, LAST, "t.last", GGUF_F64);
    blob_bytes(&s->b, &last, sizeof last);
}

static inline void build_sample(struct sample *s)
{
    memset(s, 0, sizeof *s);
    s->at[VERSION] = 4;
    s->at[COUNT_TENSORS] = 8;
    s->at[COUNT_KEYS] = 16;
    blob_header(&s->b, N_TENSORS, N_KEYS);
    put_metadata(s);
    put_tensor(s, T_F32, "t.a", 8, 2, GGUF_T_F32, 0);       /* 64 bytes */
    put_tensor(s, T_I2S, "t.b", 128, 2, GGUF_T_I2_S, 64);   /* 64 + 32 bytes */
    put_tensor(s, T_TQ1, "t.c", 256, 1, GGUF_T_TQ1_0, 160); /* 54 bytes */
    put_tensor(s, T_Q4, "t.d", 32, 1, GGUF_T_Q4_0, 224);    /* 18 bytes */
    blob_pad(&s->b, 32);
    s->at[DATA] = s->b.n;
    for (unsigned i = 0; i < DATA_BYTES; i++)
        blob_bytes(&s->b, &(unsigned char){(unsigned char)(i * 7)}, 1);
    blob_pad(&s->b, 32);
}

#endif
