/* Opens a GGUF file: maps it, walks it once from the front and checks everything that later code relies on.
 *
 * A cursor (struct reader) goes over header, metadata and tensor descriptions; every length is compared with the bytes that are
 * left before it is used, so no arithmetic on numbers from the file can wrap. Tables grow as entries are really found, which
 * bounds memory by a small multiple of the file's size whatever its counts claim. Then the names are sorted, which finds
 * duplicates and serves the look-ups in gguf_get.c, and the tensors are placed and checked for overlap.
 *
 * Not done here: what keys and tensors a model needs (the model loader's business), and protection from a file that another
 * process shortens while it is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/gguf_internal.h"

enum {
    MIN_KEY_BYTES = 8 + 1 + 4 + 1,            /* length, one character, type, one byte of value */
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8, /* length, one character, n_dims, one dimension, type, offset */
};

struct reader {
    struct gguf *g;
    size_t pos;
    char what[GGUF_QUOTE_LEN + 32]; /* "key 'general.name'": what is being read, for messages */
    char *err;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct reader *r, int code, const char *fmt, ...)
{
    char text[GGUF_ERR_LEN];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return gguf_error(r->err, code, r->g->path, "%s%s%s", r->what, *r->what ? ": " : "", text);
}

static int no_memory(const struct reader *r)
{
    return fail(r, -ENOMEM, "out of memory while reading the file's tables");
}

/* ---- the cursor ----------------------------------------------------------------------------------------------------------- */

/* The next n bytes, or NULL with the error line written. */
static const unsigned char *take(struct reader *r, uint64_t n, const char *field)
{
    const size_t left = r->g->len - r->pos;
    if (n > left) {
        fail(r, -EINVAL, "%s of %" PRIu64 " bytes at byte %zu, but the file ends %zu bytes on: truncated or damaged", field, n,
             r->pos, left);
        return NULL;
    }
    const unsigned char *bytes = r->g->base + r->pos;
    r->pos += (size_t)n;
    return bytes;
}

/* A number of `size` bytes into *out. */
static int take_int(struct reader *r, const char *field, void *out, size_t size)
{
    const unsigned char *p = take(r, size, field);
    if (!p)
        return -EINVAL;
    memcpy(out, p, size);
    return 0;
}

static int take_str(struct reader *r, const char *field, struct gguf_str *out)
{
    uint64_t len = 0;
    const int rc = take_int(r, field, &len, sizeof len);
    if (rc)
        return rc;
    const unsigned char *p = take(r, len, field);
    *out = (struct gguf_str){(const char *)p, (size_t)len};
    return p ? 0 : -EINVAL;
}

/* A key or tensor name: 1..max bytes without NUL, since look-ups take C strings. */
static int take_name(struct reader *r, size_t max, struct gguf_str *out)
{
    const int rc = take_str(r, "name", out);
    if (rc)
        return rc;
    if (out->len == 0 || out->len > max)
        return fail(r, -EINVAL, "the name has %zu bytes; 1 to %zu are allowed", out->len, max);
    if (memchr(out->ptr, '\0', out->len))
        return fail(r, -EINVAL, "the name %s contains a NUL byte", gguf_quote(*out).text);
    return 0;
}

/* ---- metadata ------------------------------------------------------------------------------------------------------------- */

static int check_bools(const struct reader *r, const unsigned char *v, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (v[i] > 1)
            return fail(r, -EINVAL, "a boolean has the value %u; only 0 and 1 are allowed", v[i]);
    return 0;
}

static int read_scalar(struct reader *r, struct gguf_kv *kv)
{
    kv->value = take(r, gguf_scalar_bytes(kv->type), "value");
    if (!kv->value)
        return -EINVAL;
    return kv->type == GGUF_BOOL ? check_bools(r, kv->value, 1) : 0;
}

static int read_string_elements(struct reader *r, uint64_t n)
{
    struct gguf_str s;
    int rc = 0;
    for (uint64_t i = 0; i < n && rc == 0; i++)
        rc = take_str(r, "string in array", &s);
    return rc;
}

static int read_array(struct reader *r, struct gguf_kv *kv)
{
    uint32_t elem = 0;
    int rc = take_int(r, "array element type", &elem, sizeof elem);
    if (rc == 0)
        rc = take_int(r, "array length", &kv->n, sizeof kv->n);
    if (rc)
        return rc;
    if (elem == GGUF_ARRAY)
        return fail(r, -ENOTSUP, "an array of arrays is not supported");
    if (elem >= GGUF_VALUE_TYPES)
        return fail(r, -EINVAL, "unknown array element type %" PRIu32 "; 0 to %d are known", elem, GGUF_VALUE_TYPES - 1);
    kv->elem = (enum gguf_value_type)elem;
    const size_t least = elem == GGUF_STRING ? sizeof(uint64_t) : gguf_scalar_bytes(elem); /* bytes per element */
    const size_t left = r->g->len - r->pos;
    if (kv->n > left / least)
        return fail(r, -EINVAL, "array of %" PRIu64 " elements at byte %zu, but the file ends %zu bytes on: truncated or damaged",
                    kv->n, r->pos, left);
    kv->value = r->g->base + r->pos;
    if (elem == GGUF_STRING)
        return read_string_elements(r, kv->n);
    r->pos += (size_t)kv->n * least;
    return elem == GGUF_BOOL ? check_bools(r, kv->value, kv->n) : 0;
}

static int read_value(struct reader *r, struct gguf_kv *kv)
{
    struct gguf_str s;
    uint32_t type = 0;
    const int rc = take_int(r, "value type", &type, sizeof type);
    if (rc)
        return rc;
    if (type >= GGUF_VALUE_TYPES)
        return fail(r, -EINVAL, "unknown value type %" PRIu32 "; 0 to %d are known", type, GGUF_VALUE_TYPES - 1);
    kv->type = (enum gguf_value_type)type;
    kv->value = r->g->base + r->pos;
    if (type == GGUF_STRING)
        return take_str(r, "string", &s);
    return type == GGUF_ARRAY ? read_array(r, kv) : read_scalar(r, kv);
}

static int read_key(struct reader *r, uint64_t i, uint64_t n)
{
    struct gguf *g = r->g;
    struct gguf_kv kv = {.raw = g->base + r->pos};
    snprintf(r->what, sizeof r->what, "metadata key %" PRIu64 " of %" PRIu64, i + 1, n);
    int rc = take_name(r, GGUF_MAX_KEY, &kv.key);
    if (rc)
        return rc;
    snprintf(r->what, sizeof r->what, "key %s", gguf_quote(kv.key).text);
    rc = read_value(r, &kv);
    if (rc)
        return rc;
    const unsigned char *end = g->base + r->pos;
    kv.value_bytes = (size_t)(end - kv.value);
    kv.raw_bytes = (size_t)(end - kv.raw);
    if (g->n_keys == g->cap_keys) {
        struct gguf_kv *grown = gguf_grow(g->keys, &g->cap_keys, sizeof *g->keys);
        if (!grown)
            return no_memory(r);
        g->keys = grown;
    }
    g->keys[g->n_keys++] = kv;
    return 0;
}

static int read_alignment(struct reader *r)
{
    struct gguf *g = r->g;
    const struct gguf_kv *kv = (const struct gguf_kv *)gguf_find_name(g->key_index, g->n_keys, "general.alignment");
    g->alignment = GGUF_DEFAULT_ALIGNMENT;
    if (!kv)
        return 0;
    uint32_t alignment;
    if (kv->type != GGUF_U32)
        return fail(r, -EINVAL, "key 'general.alignment' has value type %d; it must be uint32 (%d)", kv->type, GGUF_U32);
    memcpy(&alignment, kv->value, sizeof alignment);
    if (!gguf_alignment_ok(alignment))
        return fail(r, -EINVAL, "general.alignment is %" PRIu32 "; it must be a power of two from %d to %d", alignment,
                    GGUF_MIN_ALIGNMENT, GGUF_MAX_ALIGNMENT);
    g->alignment = alignment;
    return 0;
}

static int read_metadata(struct reader *r, uint64_t n)
{
    struct gguf *g = r->g;
    int rc = 0;
    for (uint64_t i = 0; i < n && rc == 0; i++)
        rc = read_key(r, i, n);
    if (rc)
        return rc;
    r->what[0] = '\0';
    if (g->n_keys > 0) {
        g->key_index = gguf_realloc_hook(NULL, g->n_keys * sizeof *g->key_index);
        if (!g->key_index)
            return no_memory(r);
        for (size_t i = 0; i < g->n_keys; i++)
            g->key_index[i] = &g->keys[i].key;
        const struct gguf_str *twice = gguf_sort_names(g->key_index, g->n_keys);
        if (twice)
            return fail(r, -EINVAL, "key %s occurs twice", gguf_quote(*twice).text);
    }
    return read_alignment(r);
}

/* ---- tensors -------------------------------------------------------------------------------------------------------------- */

static int read_dims(struct reader *r, struct gguf_tensor *t)
{
    uint32_t n = 0;
    int rc = take_int(r, "number of dimensions", &n, sizeof n);
    if (rc)
        return rc;
    if (n < 1 || n > GGUF_MAX_DIMS)
        return fail(r, -EINVAL, "%" PRIu32 " dimensions; 1 to %d are supported", n, GGUF_MAX_DIMS);
    t->n_dims = n;
    for (unsigned i = 0; i < GGUF_MAX_DIMS; i++)
        t->dims[i] = 1;
    for (unsigned i = 0; i < n && rc == 0; i++) {
        rc = take_int(r, "dimension", &t->dims[i], sizeof t->dims[i]);
        if (rc == 0 && t->dims[i] == 0)
            rc = fail(r, -EINVAL, "dimension %u is 0", i);
    }
    return rc;
}

static int check_size(const struct reader *r, struct gguf_tensor *t)
{
    if (!gguf_type_known(t->type))
        return fail(r, -ENOTSUP,
                    "unknown tensor type %" PRIu32 "; f32, f16, bf16, q4_0, q8_0, q6_k, tq1_0, tq2_0 and i2_s are supported",
                    t->type);
    const unsigned block = gguf_type_block(t->type);
    if (t->dims[0] % block)
        return fail(r, -EINVAL, "rows of %" PRIu64 " values; %s needs a multiple of %u", t->dims[0], gguf_type_name(t->type),
                    block);
    t->bytes = gguf_tensor_bytes(t->type, t->dims);
    if (t->bytes == 0)
        return fail(r, -EINVAL, "dimensions %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64 " overflow the size of memory",
                    t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
    return 0;
}

static int read_tensor(struct reader *r, uint64_t i, uint64_t n)
{
    struct gguf *g = r->g;
    struct gguf_entry e = {.offset = 0};
    snprintf(r->what, sizeof r->what, "tensor %" PRIu64 " of %" PRIu64, i + 1, n);
    int rc = take_name(r, GGUF_MAX_NAME_READ, &e.t.name);
    if (rc)
        return rc;
    snprintf(r->what, sizeof r->what, "tensor %s", gguf_quote(e.t.name).text);
    rc = read_dims(r, &e.t);
    if (rc == 0)
        rc = take_int(r, "tensor type", &e.t.type, sizeof e.t.type);
    if (rc == 0)
        rc = take_int(r, "data offset", &e.offset, sizeof e.offset);
    if (rc == 0)
        rc = check_size(r, &e.t);
    if (rc)
        return rc;
    if (g->n_tensors == g->cap_tensors) {
        struct gguf_entry *grown = gguf_grow(g->tensors, &g->cap_tensors, sizeof *g->tensors);
        if (!grown)
            return no_memory(r);
        g->tensors = grown;
    }
    g->tensors[g->n_tensors++] = e;
    return 0;
}

/* Sets the data pointer of each tensor: offsets count from the first aligned byte after the descriptions. */
static int place_tensors(struct reader *r)
{
    struct gguf *g = r->g;
    const uint64_t start = (r->pos + g->alignment - 1) & ~(g->alignment - 1); /* cannot wrap: pos <= len <= PTRDIFF_MAX */
    const uint64_t room = start < g->len ? g->len - start : 0;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct gguf_entry *e = &g->tensors[i];
        snprintf(r->what, sizeof r->what, "tensor %s", gguf_quote(e->t.name).text);
        if (e->offset % g->alignment)
            return fail(r, -EINVAL, "data offset %" PRIu64 " is not a multiple of the alignment %" PRIu64, e->offset, g->alignment);
        if (e->offset > room || e->t.bytes > room - e->offset)
            return fail(r, -EINVAL,
                        "its %zu bytes at offset %" PRIu64 " reach past the %" PRIu64
                        " bytes of data in the file: truncated or damaged",
                        e->t.bytes, e->offset, room);
        e->t.data = g->base + start + e->offset;
    }
    r->what[0] = '\0';
    return 0;
}

static int compare_data(const void *a, const void *b)
{
    const struct gguf_entry *x = *(const struct gguf_entry *const *)a, *y = *(const struct gguf_entry *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Sorted by offset, no tensor may reach the next one's start. */
static int check_overlap(const struct reader *r)
{
    const struct gguf *g = r->g;
    const struct gguf_entry **sorted = gguf_realloc_hook(NULL, g->n_tensors * sizeof *sorted);
    if (!sorted)
        return no_memory(r);
    for (size_t i = 0; i < g->n_tensors; i++)
        sorted[i] = &g->tensors[i];
    qsort(sorted, g->n_tensors, sizeof *sorted, compare_data);
    int rc = 0;
    for (size_t i = 1; i < g->n_tensors && rc == 0; i++)
        if (sorted[i]->offset - sorted[i - 1]->offset < sorted[i - 1]->t.bytes)
            rc = fail(r, -EINVAL, "the data of tensors %s and %s overlap", gguf_quote(sorted[i - 1]->t.name).text,
                      gguf_quote(sorted[i]->t.name).text);
    free(sorted);
    return rc;
}

static int read_tensors(struct reader *r, uint64_t n)
{
    struct gguf *g = r->g;
    int rc = 0;
    for (uint64_t i = 0; i < n && rc == 0; i++)
        rc = read_tensor(r, i, n);
    if (rc || n == 0)
        return rc;
    r->what[0] = '\0';
    g->tensor_index = gguf_realloc_hook(NULL, g->n_tensors * sizeof *g->tensor_index);
    if (!g->tensor_index)
        return no_memory(r);
    for (size_t i = 0; i < g->n_tensors; i++)
        g->tensor_index[i] = &g->tensors[i].t.name;
    const struct gguf_str *twice = gguf_sort_names(g->tensor_index, g->n_tensors);
    if (twice)
        return fail(r, -EINVAL, "tensor %s occurs twice", gguf_quote(*twice).text);
    rc = place_tensors(r);
    return rc ? rc : check_overlap(r);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------- */

static int check_version(const struct reader *r, uint32_t version)
{
    if (version == GGUF_VERSION)
        return 0;
    if (version == __builtin_bswap32(GGUF_VERSION))
        return fail(r, -ENOTSUP, "big-endian GGUF file; convert it to little-endian");
    return fail(r, -ENOTSUP, "GGUF version %" PRIu32 "; only version %d is supported: convert the model again with a current tool",
                version, GGUF_VERSION);
}

/* A claimed count against what the rest of the file could hold. */
static int check_count(const struct reader *r, const char *of, uint64_t n, size_t min_bytes)
{
    const size_t most = (r->g->len - r->pos) / min_bytes;
    if (n > most)
        return fail(r, -EINVAL,
                    "the header counts %" PRIu64 " %s, but the file's %zu bytes can hold %zu at most: truncated or damaged", n, of,
                    r->g->len, most);
    return 0;
}

static int parse(struct reader *r)
{
    const struct gguf *g = r->g;
    uint32_t version = 0;
    uint64_t n_tensors = 0, n_keys = 0;
    if (g->len == 0 || !g->base)
        return fail(r, -EINVAL, "the file is empty");
    if (g->len < 4 || memcmp(g->base, "GGUF", 4) != 0)
        return fail(r, -EINVAL, "not a GGUF file: it does not start with the letters GGUF");
    r->pos = 4;
    int rc = take_int(r, "format version", &version, sizeof version);
    if (rc == 0)
        rc = check_version(r, version);
    if (rc == 0)
        rc = take_int(r, "number of tensors", &n_tensors, sizeof n_tensors);
    if (rc == 0)
        rc = take_int(r, "number of keys", &n_keys, sizeof n_keys);
    if (rc == 0)
        rc = check_count(r, "tensors", n_tensors, MIN_TENSOR_BYTES);
    if (rc == 0)
        rc = check_count(r, "metadata keys", n_keys, MIN_KEY_BYTES);
    if (rc == 0)
        rc = read_metadata(r, n_keys);
    return rc ? rc : read_tensors(r, n_tensors);
}

static int open_bytes(const char *name, const void *bytes, size_t len, bool mapped, struct gguf **out, char err[GGUF_ERR_LEN])
{
    struct gguf *g = gguf_realloc_hook(NULL, sizeof *g);
    char *path = gguf_copy_string(name);
    if (!g || !path) {
        free(g);
        free(path);
        if (mapped)
            munmap((void *)(uintptr_t)bytes, len);
        return gguf_error(err, -ENOMEM, name, "out of memory");
    }
    *g = (struct gguf){.path = path, .base = bytes, .len = len, .mapped = mapped};
    struct reader r = {.g = g, .err = err};
    const int rc = parse(&r);
    if (rc)
        gguf_close(g);
    else
        *out = g;
    return rc;
}

int gguf_open_memory(const char *name, const void *bytes, size_t len, struct gguf **out, char err[GGUF_ERR_LEN])
{
    *out = NULL;
    err[0] = '\0';
    return open_bytes(name, bytes, len, false, out, err);
}

/* Maps a regular file. */
static int map_file(int fd, const char *path, void **bytes, size_t *len, char err[GGUF_ERR_LEN])
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return gguf_error(err, -errno, path, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return gguf_error(err, -EINVAL, path, "not a regular file");
    *len = (size_t)st.st_size;
    if (*len == 0)
        return gguf_error(err, -EINVAL, path, "the file is empty");
    void *map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return gguf_error(err, -errno, path, "cannot map %zu bytes: %s", *len, strerror(errno));
    *bytes = map;
    return 0;
}

int gguf_open(const char *path, struct gguf **out, char err[GGUF_ERR_LEN])
{
    *out = NULL;
    err[0] = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not blocking: a pipe must be refused, not waited for */
    if (fd < 0)
        return gguf_error(err, -errno, path, "%s", strerror(errno));
    void *bytes = NULL;
    size_t len = 0;
    const int rc = map_file(fd, path, &bytes, &len, err);
    close(fd);
    return rc ? rc : open_bytes(path, bytes, len, true, out, err);
}

void gguf_close(struct gguf *g)
{
    if (!g)
        return;
    if (g->mapped)
        munmap((void *)(uintptr_t)g->base, g->len);
    free(g->tensor_index);
    free(g->tensors);
    free(g->key_index);
    free(g->keys);
    free(g->path);
    free(g);
}
