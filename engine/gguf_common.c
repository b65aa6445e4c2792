/* What GGUF reading and writing have in common: tensor and value sizes, sorted names, error lines, allocation.
 *
 * Does not touch files; see gguf_read.c, gguf_get.c and gguf_write.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/gguf_internal.h"

void *(*gguf_realloc_hook)(void *, size_t) = realloc;
ssize_t (*gguf_write_hook)(int, const void *, size_t) = write;

/* A row of `cols` values takes cols / block * block_bytes; `tail` bytes follow the last row of the tensor. */
static const struct tensor_type {
    uint32_t type;
    const char *name;
    unsigned block, block_bytes, tail;
} tensor_types[] = {
    {GGUF_T_F32, "f32", 1, 4, 0},
    {GGUF_T_F16, "f16", 1, 2, 0},
    {GGUF_T_Q4_0, "q4_0", 32, 2 + 16, 0},             /* f16 scale, 32 x 4 bits */
    {GGUF_T_Q8_0, "q8_0", 32, 2 + 32, 0},             /* f16 scale, 32 x 8 bits */
    {GGUF_T_Q6_K, "q6_k", 256, 128 + 64 + 16 + 2, 0}, /* low 4 bits, high 2 bits, 16 scales, f16 scale */
    {GGUF_T_BF16, "bf16", 1, 2, 0},
    {GGUF_T_TQ1_0, "tq1_0", 256, 48 + 4 + 2, 0}, /* 5 trits per byte for 240, 4 per byte for 16, f16 scale */
    {GGUF_T_TQ2_0, "tq2_0", 256, 64 + 2, 0},     /* 256 x 2 bits, f16 scale */
    {GGUF_T_I2_S, "i2_s", 128, 32, 32},          /* 128 x 2 bits; the scale of the tensor in 32 bytes at its end */
};

static const struct tensor_type *find_type(uint32_t type)
{
    for (size_t i = 0; i < sizeof tensor_types / sizeof *tensor_types; i++)
        if (tensor_types[i].type == type)
            return &tensor_types[i];
    return NULL;
}

bool gguf_type_known(uint32_t type)
{
    return find_type(type) != NULL;
}

unsigned gguf_type_block(uint32_t type)
{
    return find_type(type)->block;
}

const char *gguf_type_name(uint32_t type)
{
    const struct tensor_type *t = find_type(type);
    return t ? t->name : "unknown";
}

size_t gguf_tensor_bytes(uint32_t type, const uint64_t dims[GGUF_MAX_DIMS])
{
    const struct tensor_type *t = find_type(type);
    if (!t || dims[0] % t->block)
        return 0;
    size_t bytes = 0;
    if (__builtin_mul_overflow(dims[0] / t->block, t->block_bytes, &bytes))
        return 0;
    for (unsigned i = 1; i < GGUF_MAX_DIMS; i++)
        if (__builtin_mul_overflow(bytes, dims[i], &bytes))
            return 0;
    if (bytes == 0 || __builtin_add_overflow(bytes, t->tail, &bytes))
        return 0;
    return bytes;
}

size_t gguf_scalar_bytes(uint32_t type)
{
    static const unsigned char bytes[GGUF_VALUE_TYPES] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_BOOL] = 1, [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4,
        [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_U64] = 8,  [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    return type < GGUF_VALUE_TYPES ? bytes[type] : 0;
}

bool gguf_alignment_ok(uint64_t alignment)
{
    return alignment >= GGUF_MIN_ALIGNMENT && alignment <= GGUF_MAX_ALIGNMENT && (alignment & (alignment - 1)) == 0;
}

/* ---- names ---------------------------------------------------------------------------------------------------------------- */

static int compare_names(const struct gguf_str *a, const struct gguf_str *b)
{
    const size_t common = a->len < b->len ? a->len : b->len;
    const int order = common ? memcmp(a->ptr, b->ptr, common) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_names(*(const struct gguf_str *const *)a, *(const struct gguf_str *const *)b);
}

const struct gguf_str *gguf_sort_names(const struct gguf_str **index, size_t n)
{
    if (n > 1)
        qsort(index, n, sizeof *index, compare_entries);
    for (size_t i = 1; i < n; i++)
        if (compare_names(index[i - 1], index[i]) == 0)
            return index[i];
    return NULL;
}

const struct gguf_str *gguf_find_name(const struct gguf_str *const *index, size_t n, const char *name)
{
    const struct gguf_str wanted = {name, strlen(name)};
    size_t lo = 0;
    for (size_t hi = n; lo < hi;) {
        const size_t mid = lo + (hi - lo) / 2;
        if (compare_names(index[mid], &wanted) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && compare_names(index[lo], &wanted) == 0 ? index[lo] : NULL;
}

/* ---- memory --------------------------------------------------------------------------------------------------------------- */

void *gguf_grow(void *v, size_t *cap, size_t elem_bytes)
{
    const size_t new_cap = *cap ? *cap * 2 : 16;
    void *grown = gguf_realloc_hook(v, new_cap * elem_bytes);
    if (grown)
        *cap = new_cap;
    return grown;
}

char *gguf_copy_string(const char *s)
{
    const size_t bytes = strlen(s) + 1;
    char *copy = gguf_realloc_hook(NULL, bytes);
    return copy ? memcpy(copy, s, bytes) : NULL;
}

/* ---- error lines ---------------------------------------------------------------------------------------------------------- */

struct gguf_quoted gguf_quote(struct gguf_str s)
{
    struct gguf_quoted q;
    const size_t room = sizeof q.text - sizeof "...'"; /* what must still fit after the last character */
    size_t n = 0;
    q.text[n++] = '\'';
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        const bool plain = c >= 0x20 && c < 0x7f && c != '\\' && c != '\'';
        if (n + (plain ? 1 : 4) > room) {
            memcpy(q.text + n, "...", 3);
            n += 3;
            break;
        }
        if (plain)
            q.text[n++] = (char)c;
        else
            n += (size_t)snprintf(q.text + n, sizeof q.text - n, "\\x%02x", c);
    }
    q.text[n++] = '\'';
    q.text[n] = '\0';
    return q;
}

/* The end of a path that is too long to show, from the start of a UTF-8 character on. */
static const char *path_end(const char *path, size_t keep)
{
    const size_t len = strlen(path);
    if (len <= keep)
        return path;
    const char *p = path + len - keep;
    while (((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

int gguf_verror(char err[GGUF_ERR_LEN], int code, const char *path, const char *fmt, va_list ap)
{
    const char *shown = path_end(path, 200);
    int n = snprintf(err, GGUF_ERR_LEN, "%s%s: ", shown == path ? "" : "...", shown);
    for (char *c = err; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    vsnprintf(err + n, (size_t)(GGUF_ERR_LEN - n), fmt, ap);
    return code;
}

int gguf_error(char err[GGUF_ERR_LEN], int code, const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    gguf_verror(err, code, path, fmt, ap);
    va_end(ap);
    return code;
}
