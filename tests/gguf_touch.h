/* Reads everything that an open GGUF file offers, through every look-up, and aborts when the answers contradict each other.
 * For the hostile-input test and the fuzz target: with a guard page or a sanitizer, a bad pointer shows here. */
#ifndef BITJOULE_TESTS_GGUF_TOUCH_H
#define BITJOULE_TESTS_GGUF_TOUCH_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf.h"

static inline void touch_require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "gguf_touch: %s\n", what);
        abort();
    }
}

static inline uint64_t touch_bytes(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

/* A name as C string; names have no NUL inside. */
static inline char *touch_c_string(struct gguf_str s)
{
    char *c = malloc(s.len + 1);
    touch_require(c != NULL, "out of memory");
    memcpy(c, s.ptr, s.len);
    c[s.len] = '\0';
    touch_require(strlen(c) == s.len, "NUL inside a name");
    return c;
}

static inline uint64_t touch_array(const struct gguf *g, const char *key)
{
    enum gguf_value_type elem = GGUF_VALUE_TYPES;
    uint64_t n = 0, seen = 0, sum = 0;
    touch_require(gguf_get_array(g, key, &elem, &n) == 0 && elem < GGUF_VALUE_TYPES, "array without type");
    struct gguf_str s;
    size_t pos = 0;
    for (; gguf_next_str(g, key, &pos, &s); seen++)
        sum += touch_bytes(s.ptr, s.len);
    touch_require(elem == GGUF_STRING ? seen == n : seen == 0, "strings found differ from the array's length");
    for (uint64_t i = 0; i < n && i < 1000; i++) {
        float f = 0;
        int64_t v = 0;
        const int at = (int)(gguf_array_f32(g, key, i, &f) == 0) + (int)(gguf_array_i64(g, key, n - 1 - i, &v) == 0);
        touch_require(at == 0 || (elem != GGUF_STRING && elem != GGUF_BOOL), "a number in an array of others");
        sum += (uint64_t)v + (uint64_t)(f > 0);
    }
    float f;
    touch_require(gguf_array_f32(g, key, n, &f) != 0, "an element past the end");
    return sum;
}

static inline uint64_t touch_key(const struct gguf *g, size_t i)
{
    enum gguf_value_type type;
    char *key = touch_c_string(gguf_key_at(g, i, &type));
    uint64_t u = 0;
    float f = 0;
    bool b = false;
    struct gguf_str s = {NULL, 0};
    uint64_t sum = 0;
    touch_require(gguf_get_u64(g, key, &u) != -ENOENT && gguf_get_f32(g, key, &f) != -ENOENT, "a listed key is not found");
    touch_require((gguf_get_bool(g, key, &b) == 0) == (type == GGUF_BOOL), "boolean or not");
    touch_require((gguf_get_str(g, key, &s) == 0) == (type == GGUF_STRING), "string or not");
    sum += u + (uint64_t)(f > 0) + b + touch_bytes(s.ptr, s.len);
    if (type == GGUF_ARRAY)
        sum += touch_array(g, key);
    free(key);
    return sum;
}

/* `bytes`, `len`: the file, to see that tensors lie inside it. A sum over everything, so that no read can be optimised away. */
static inline uint64_t gguf_touch(const struct gguf *g, const void *bytes, size_t len)
{
    uint64_t sum = touch_bytes(gguf_path(g), strlen(gguf_path(g)));
    touch_require(gguf_file_bytes(g) == len, "length of the file");
    for (size_t i = 0; i < gguf_n_keys(g); i++)
        sum += touch_key(g, i);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        char *name = touch_c_string(t->name);
        const uintptr_t start = (uintptr_t)bytes, data = (uintptr_t)t->data;
        touch_require(gguf_tensor_find(g, name) == t, "a listed tensor is not found");
        touch_require(t->bytes > 0 && t->bytes == gguf_tensor_bytes(t->type, t->dims), "size of a tensor");
        touch_require(data > start && data - start < len && t->bytes <= len - (data - start), "a tensor outside the file");
        touch_require((data - start) % 8 == 0, "a tensor that is not aligned");
        sum += touch_bytes(t->data, t->bytes) + strlen(gguf_type_name(t->type));
        free(name);
    }
    return sum;
}

#endif
