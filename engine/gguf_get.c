/* Look-ups in an open GGUF file: tensors and metadata by name, with conversion of numbers.
 *
 * gguf_open() has checked every length, so nothing here can fail for the file's sake; the only failures are an absent key, another
 * type, or a value that does not fit. Values lie unaligned in the file and are copied out. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/gguf_internal.h"

const char *gguf_path(const struct gguf *g)
{
    return g->path;
}

size_t gguf_file_bytes(const struct gguf *g)
{
    return g->len;
}

size_t gguf_n_tensors(const struct gguf *g)
{
    return g->n_tensors;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
    return &g->tensors[i].t;
}

const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name)
{
    return (const struct gguf_tensor *)gguf_find_name(g->tensor_index, g->n_tensors, name); /* the name is its first member */
}

size_t gguf_n_keys(const struct gguf *g)
{
    return g->n_keys;
}

struct gguf_str gguf_key_at(const struct gguf *g, size_t i, enum gguf_value_type *type)
{
    *type = g->keys[i].type;
    return g->keys[i].key;
}

/* ---- numbers -------------------------------------------------------------------------------------------------------------- */

/* A number of any type: an integer as sign and magnitude, so that int64 and uint64 both fit, or a float. */
struct number {
    bool is_float, negative;
    uint64_t magnitude;
    double real;
};

static struct number from_signed(int64_t v)
{
    return (struct number){.negative = v < 0, .magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v};
}

static struct number from_unsigned(uint64_t v)
{
    return (struct number){.magnitude = v};
}

static struct number from_float(double v)
{
    return (struct number){.is_float = true, .real = v};
}

static int load_number(const unsigned char *p, enum gguf_value_type type, struct number *out)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } v;
    memcpy(&v, p, gguf_scalar_bytes(type));
    switch (type) {
    case GGUF_U8: *out = from_unsigned(v.u8); return 0;
    case GGUF_I8: *out = from_signed(v.i8); return 0;
    case GGUF_U16: *out = from_unsigned(v.u16); return 0;
    case GGUF_I16: *out = from_signed(v.i16); return 0;
    case GGUF_U32: *out = from_unsigned(v.u32); return 0;
    case GGUF_I32: *out = from_signed(v.i32); return 0;
    case GGUF_U64: *out = from_unsigned(v.u64); return 0;
    case GGUF_I64: *out = from_signed(v.i64); return 0;
    case GGUF_F32: *out = from_float((double)v.f32); return 0;
    case GGUF_F64: *out = from_float(v.f64); return 0;
    default: return -EINVAL; /* booleans, strings and arrays are no numbers */
    }
}

static int to_u64(const struct number *v, uint64_t *out)
{
    if (v->is_float || v->negative)
        return -EINVAL;
    *out = v->magnitude;
    return 0;
}

static int to_i64(const struct number *v, int64_t *out)
{
    if (v->is_float || v->magnitude > (uint64_t)INT64_MAX + (v->negative ? 1 : 0))
        return -EINVAL;
    /* -(magnitude - 1) - 1 reaches INT64_MIN without passing through +2^63 */
    *out = v->negative ? -(int64_t)(v->magnitude - 1) - 1 : (int64_t)v->magnitude;
    return 0;
}

static int to_f32(const struct number *v, float *out)
{
    const double real = v->is_float ? v->real : v->negative ? -(double)v->magnitude : (double)v->magnitude;
    if (isfinite(real) && fabs(real) > (double)FLT_MAX)
        return -EINVAL;
    *out = (float)real;
    return 0;
}

/* ---- scalars -------------------------------------------------------------------------------------------------------------- */

static const struct gguf_kv *find_key(const struct gguf *g, const char *key)
{
    return (const struct gguf_kv *)gguf_find_name(g->key_index, g->n_keys, key); /* the key is its first member */
}

static int get_number(const struct gguf *g, const char *key, struct number *out)
{
    const struct gguf_kv *kv = find_key(g, key);
    return kv ? load_number(kv->value, kv->type, out) : -ENOENT;
}

int gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out)
{
    struct number v;
    const int rc = get_number(g, key, &v);
    return rc ? rc : to_u64(&v, out);
}

int gguf_get_f32(const struct gguf *g, const char *key, float *out)
{
    struct number v;
    const int rc = get_number(g, key, &v);
    return rc ? rc : to_f32(&v, out);
}

int gguf_get_bool(const struct gguf *g, const char *key, bool *out)
{
    const struct gguf_kv *kv = find_key(g, key);
    if (!kv)
        return -ENOENT;
    if (kv->type != GGUF_BOOL)
        return -EINVAL;
    *out = kv->value[0] != 0;
    return 0;
}

/* The string whose length field is at p. */
static struct gguf_str string_at(const unsigned char *p)
{
    uint64_t len;
    memcpy(&len, p, sizeof len);
    return (struct gguf_str){(const char *)p + sizeof len, (size_t)len};
}

int gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out)
{
    const struct gguf_kv *kv = find_key(g, key);
    if (!kv)
        return -ENOENT;
    if (kv->type != GGUF_STRING)
        return -EINVAL;
    *out = string_at(kv->value);
    return 0;
}

/* ---- arrays --------------------------------------------------------------------------------------------------------------- */

int gguf_get_array(const struct gguf *g, const char *key, enum gguf_value_type *elem, uint64_t *n)
{
    const struct gguf_kv *kv = find_key(g, key);
    if (!kv)
        return -ENOENT;
    if (kv->type != GGUF_ARRAY)
        return -EINVAL;
    *elem = kv->elem;
    *n = kv->n;
    return 0;
}

bool gguf_next_str(const struct gguf *g, const char *key, size_t *pos, struct gguf_str *out)
{
    const struct gguf_kv *kv = find_key(g, key);
    if (!kv || kv->type != GGUF_ARRAY || kv->elem != GGUF_STRING)
        return false;
    if (*pos >= kv->value_bytes) /* *pos: bytes from the start of the elements */
        return false;
    *out = string_at(kv->value + *pos);
    *pos += sizeof(uint64_t) + out->len;
    return true;
}

static int array_number(const struct gguf *g, const char *key, uint64_t i, struct number *out)
{
    const struct gguf_kv *kv = find_key(g, key);
    if (!kv)
        return -ENOENT;
    const size_t bytes = gguf_scalar_bytes(kv->elem);
    if (kv->type != GGUF_ARRAY || bytes == 0)
        return -EINVAL;
    return i < kv->n ? load_number(kv->value + (size_t)i * bytes, kv->elem, out) : -ERANGE;
}

int gguf_array_f32(const struct gguf *g, const char *key, uint64_t i, float *out)
{
    struct number v;
    const int rc = array_number(g, key, i, &v);
    return rc ? rc : to_f32(&v, out);
}

int gguf_array_i64(const struct gguf *g, const char *key, uint64_t i, int64_t *out)
{
    struct number v;
    const int rc = array_number(g, key, i, &v);
    return rc ? rc : to_i64(&v, out);
}
