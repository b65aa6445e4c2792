/* Writes a GGUF version 3 file.
 *
 * Metadata and tensor descriptions collect in memory; the first byte of data (or the close) writes header, keys and descriptions,
 * then data streams through one buffer with the padding put in between, so a file of any size takes a few MiB. Nothing is ever
 * written twice or out of order. A regular file is written under "PATH.PID-N.tmp" and renamed when complete and synced; a path that
 * exists and is no regular file (a pipe, /dev/full) is written to as it is.
 *
 * Every tensor is padded to the alignment, the last one too, and offsets follow each other without gaps: llama.cpp insists on both.
 * A process that is killed leaves its .tmp file behind. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/gguf_internal.h"

enum { OUT_BYTES = 1 << 20, TMP_TRIES = 100 };

struct buffer {
    unsigned char *v;
    size_t n, cap;
};

/* Where a name lies in the buffer of its table; for a tensor, how much data it takes. */
struct written_name {
    size_t at, len;
    size_t bytes;
};

struct name_list {
    struct written_name *v;
    size_t n, cap;
};

struct gguf_writer {
    char *path, *tmp; /* tmp: NULL when path itself is written to */
    int fd;
    struct buffer keys, infos; /* the two tables as they go to the file */
    struct name_list key_names, tensors;
    uint64_t alignment, next_offset;
    bool data_begun;
    size_t current, done; /* tensor whose data comes next, and how much of it has come */
    struct buffer out;    /* not yet written; cap is OUT_BYTES */
    int rc;               /* the first error, with its line: it sticks */
    char err[GGUF_ERR_LEN];
};

__attribute__((format(printf, 3, 4))) static int fail(struct gguf_writer *w, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    w->rc = gguf_verror(w->err, code, w->path, fmt, ap);
    va_end(ap);
    return w->rc;
}

/* ---- opening -------------------------------------------------------------------------------------------------------------- */

/* A new file beside the target. O_EXCL: never somebody else's. */
static int create_tmp(struct gguf_writer *w, char err[GGUF_ERR_LEN])
{
    const size_t cap = strlen(w->path) + 40;
    w->tmp = gguf_realloc_hook(NULL, cap);
    if (!w->tmp)
        return gguf_error(err, -ENOMEM, w->path, "out of memory");
    for (int i = 0; i < TMP_TRIES && w->fd < 0; i++) {
        snprintf(w->tmp, cap, "%s.%ld-%d.tmp", w->path, (long)getpid(), i);
        w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd < 0 && errno != EEXIST)
            break;
    }
    if (w->fd >= 0)
        return 0;
    const int code = -errno;
    free(w->tmp); /* not ours: must not be unlinked */
    w->tmp = NULL;
    return gguf_error(err, code, w->path, "cannot create a file in its folder: %s", strerror(-code));
}

static int open_target(struct gguf_writer *w, char err[GGUF_ERR_LEN])
{
    struct stat st;
    if (stat(w->path, &st) != 0 || S_ISREG(st.st_mode))
        return create_tmp(w, err);
    w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
    return w->fd >= 0 ? 0 : gguf_error(err, -errno, w->path, "cannot be written to: %s", strerror(errno));
}

void gguf_writer_abort(struct gguf_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    if (w->tmp)
        unlink(w->tmp);
    free(w->keys.v);
    free(w->infos.v);
    free(w->key_names.v);
    free(w->tensors.v);
    free(w->out.v);
    free(w->tmp);
    free(w->path);
    free(w);
}

/* The path with symbolic links followed, so that renaming replaces the file and not the link; a copy where that fails. */
static char *real_path(const char *path)
{
    char *resolved = realpath(path, NULL);
    char *copy = gguf_copy_string(resolved ? resolved : path);
    free(resolved);
    return copy;
}

struct gguf_writer *gguf_writer_open(const char *path, char err[GGUF_ERR_LEN])
{
    err[0] = '\0';
    struct gguf_writer *w = gguf_realloc_hook(NULL, sizeof *w);
    if (!w) {
        gguf_error(err, -ENOMEM, path, "out of memory");
        return NULL;
    }
    *w = (struct gguf_writer){.fd = -1, .alignment = GGUF_DEFAULT_ALIGNMENT};
    w->path = real_path(path);
    w->out = (struct buffer){.v = gguf_realloc_hook(NULL, OUT_BYTES), .cap = OUT_BYTES};
    if (!w->path || !w->out.v)
        gguf_error(err, -ENOMEM, path, "out of memory");
    else if (open_target(w, err) == 0)
        return w;
    gguf_writer_abort(w);
    return NULL;
}

/* ---- tables in memory ----------------------------------------------------------------------------------------------------- */

static int append(struct gguf_writer *w, struct buffer *b, const void *bytes, size_t n)
{
    while (b->cap - b->n < n) {
        unsigned char *grown = gguf_grow(b->v, &b->cap, 1);
        if (!grown)
            return fail(w, -ENOMEM, "out of memory");
        b->v = grown;
    }
    if (n > 0)
        memcpy(b->v + b->n, bytes, n);
    b->n += n;
    return 0;
}

static int append_u32(struct gguf_writer *w, struct buffer *b, uint32_t v)
{
    return append(w, b, &v, sizeof v);
}

static int append_str(struct gguf_writer *w, struct buffer *b, struct gguf_str s)
{
    const uint64_t len = s.len;
    const int rc = append(w, b, &len, sizeof len);
    return rc ? rc : append(w, b, s.ptr, s.len);
}

static int remember(struct gguf_writer *w, struct name_list *l, struct written_name name)
{
    if (l->n == l->cap) {
        struct written_name *grown = gguf_grow(l->v, &l->cap, sizeof *l->v);
        if (!grown)
            return fail(w, -ENOMEM, "out of memory");
        l->v = grown;
    }
    l->v[l->n++] = name;
    return 0;
}

static int check_name(struct gguf_writer *w, const char *what, struct gguf_str s, size_t max)
{
    if (s.len == 0 || s.len > max)
        return fail(w, -EINVAL, "%s %s has %zu bytes; 1 to %zu are allowed", what, gguf_quote(s).text, s.len, max);
    return 0;
}

static struct gguf_str from_c(const char *s)
{
    return (struct gguf_str){s, strlen(s)};
}

/* ---- metadata ------------------------------------------------------------------------------------------------------------- */

/* Whether a key may be added now. */
static int check_key(struct gguf_writer *w, struct gguf_str key)
{
    if (w->rc)
        return w->rc;
    if (w->tensors.n > 0 || w->data_begun)
        return fail(w, -EINVAL, "key %s comes after the first tensor; metadata must come before", gguf_quote(key).text);
    return check_name(w, "key", key, GGUF_MAX_KEY);
}

static int begin_key(struct gguf_writer *w, const char *key, enum gguf_value_type type)
{
    int rc = check_key(w, from_c(key));
    if (rc == 0)
        rc = remember(w, &w->key_names, (struct written_name){.at = w->keys.n + sizeof(uint64_t), .len = strlen(key)});
    if (rc == 0)
        rc = append_str(w, &w->keys, from_c(key));
    return rc ? rc : append_u32(w, &w->keys, type);
}

/* general.alignment is not only a note for readers: offsets must obey it. */
static int adopt_alignment(struct gguf_writer *w, struct gguf_str key, uint32_t v)
{
    static const char name[] = "general.alignment";
    if (key.len != sizeof name - 1 || memcmp(key.ptr, name, key.len) != 0)
        return 0;
    if (!gguf_alignment_ok(v))
        return fail(w, -EINVAL, "general.alignment %" PRIu32 " must be a power of two from %d to %d", v, GGUF_MIN_ALIGNMENT,
                    GGUF_MAX_ALIGNMENT);
    w->alignment = v;
    return 0;
}

int gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    int rc = begin_key(w, key, GGUF_U32);
    if (rc == 0)
        rc = adopt_alignment(w, from_c(key), v);
    return rc ? rc : append_u32(w, &w->keys, v);
}

int gguf_put_f32(struct gguf_writer *w, const char *key, float v)
{
    const int rc = begin_key(w, key, GGUF_F32);
    return rc ? rc : append(w, &w->keys, &v, sizeof v);
}

int gguf_put_bool(struct gguf_writer *w, const char *key, bool v)
{
    const unsigned char byte = v;
    const int rc = begin_key(w, key, GGUF_BOOL);
    return rc ? rc : append(w, &w->keys, &byte, 1);
}

int gguf_put_str(struct gguf_writer *w, const char *key, const char *v)
{
    const int rc = begin_key(w, key, GGUF_STRING);
    return rc ? rc : append_str(w, &w->keys, from_c(v));
}

static int begin_array(struct gguf_writer *w, const char *key, enum gguf_value_type elem, size_t n)
{
    const uint64_t count = n;
    int rc = begin_key(w, key, GGUF_ARRAY);
    if (rc == 0)
        rc = append_u32(w, &w->keys, elem);
    return rc ? rc : append(w, &w->keys, &count, sizeof count);
}

int gguf_put_str_array(struct gguf_writer *w, const char *key, const char *const *v, size_t n)
{
    int rc = begin_array(w, key, GGUF_STRING, n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = append_str(w, &w->keys, from_c(v[i]));
    return rc;
}

int gguf_put_f32_array(struct gguf_writer *w, const char *key, const float *v, size_t n)
{
    const int rc = begin_array(w, key, GGUF_F32, n);
    return rc ? rc : append(w, &w->keys, v, n * sizeof *v);
}

int gguf_put_i32_array(struct gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
    const int rc = begin_array(w, key, GGUF_I32, n);
    return rc ? rc : append(w, &w->keys, v, n * sizeof *v);
}

int gguf_put_copy(struct gguf_writer *w, const struct gguf *from, size_t i)
{
    const struct gguf_kv *kv = &from->keys[i];
    int rc = check_key(w, kv->key);
    if (rc == 0 && kv->type == GGUF_U32) {
        uint32_t v;
        memcpy(&v, kv->value, sizeof v);
        rc = adopt_alignment(w, kv->key, v);
    }
    if (rc == 0)
        rc = remember(w, &w->key_names, (struct written_name){.at = w->keys.n + sizeof(uint64_t), .len = kv->key.len});
    return rc ? rc : append(w, &w->keys, kv->raw, kv->raw_bytes);
}

/* ---- tensors -------------------------------------------------------------------------------------------------------------- */

static uint64_t align_up(const struct gguf_writer *w, uint64_t v)
{
    return (v + w->alignment - 1) & ~(w->alignment - 1);
}

static int append_info(struct gguf_writer *w, struct gguf_str name, uint32_t type, unsigned n_dims, const uint64_t *dims)
{
    struct buffer *b = &w->infos;
    int rc = append_str(w, b, name);
    if (rc == 0)
        rc = append_u32(w, b, n_dims);
    if (rc == 0)
        rc = append(w, b, dims, n_dims * sizeof *dims);
    if (rc == 0)
        rc = append_u32(w, b, type);
    return rc ? rc : append(w, b, &w->next_offset, sizeof w->next_offset);
}

int gguf_declare_tensor(struct gguf_writer *w, const char *name, uint32_t type, unsigned n_dims, const uint64_t dims[GGUF_MAX_DIMS])
{
    if (w->rc)
        return w->rc;
    const struct gguf_str s = from_c(name);
    if (w->data_begun)
        return fail(w, -EINVAL, "tensor %s is declared after the first data", gguf_quote(s).text);
    if (n_dims < 1 || n_dims > GGUF_MAX_DIMS)
        return fail(w, -EINVAL, "tensor %s has %u dimensions; 1 to %d are allowed", gguf_quote(s).text, n_dims, GGUF_MAX_DIMS);
    uint64_t all[GGUF_MAX_DIMS] = {1, 1, 1, 1};
    memcpy(all, dims, n_dims * sizeof *dims);
    const size_t bytes = gguf_tensor_bytes(type, all);
    if (bytes == 0 || bytes > INT64_MAX - w->next_offset - GGUF_MAX_ALIGNMENT)
        return fail(w, -EINVAL, "tensor %s: type %" PRIu32 " (%s) cannot hold %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64,
                    gguf_quote(s).text, type, gguf_type_name(type), all[0], all[1], all[2], all[3]);
    int rc = check_name(w, "tensor name", s, GGUF_MAX_NAME_WRITE);
    if (rc == 0)
        rc = remember(w, &w->tensors, (struct written_name){w->infos.n + sizeof(uint64_t), s.len, bytes});
    if (rc == 0)
        rc = append_info(w, s, type, n_dims, all);
    w->next_offset = align_up(w, w->next_offset + bytes);
    return rc;
}

/* ---- output --------------------------------------------------------------------------------------------------------------- */

static int write_out(struct gguf_writer *w, const unsigned char *p, size_t n)
{
    while (n > 0) {
        const ssize_t wrote = gguf_write_hook(w->fd, p, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            const int code = wrote < 0 ? errno : EIO;
            return fail(w, -code, "writing failed: %s", strerror(code));
        }
        p += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

static int flush(struct gguf_writer *w)
{
    const int rc = write_out(w, w->out.v, w->out.n);
    w->out.n = 0;
    return rc;
}

static int emit(struct gguf_writer *w, const void *bytes, size_t n)
{
    if (n > OUT_BYTES - w->out.n && flush(w) != 0)
        return w->rc;
    if (n >= OUT_BYTES)
        return write_out(w, bytes, n);
    if (n > 0)
        memcpy(w->out.v + w->out.n, bytes, n);
    w->out.n += n;
    return 0;
}

/* Zeros from `at`, counted from an aligned byte, to the next aligned byte. */
static int emit_padding(struct gguf_writer *w, uint64_t at)
{
    static const unsigned char zeros[4096];
    int rc = 0;
    for (uint64_t n = align_up(w, at) - at; n > 0 && rc == 0;) {
        const size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        rc = emit(w, zeros, part);
        n -= part;
    }
    return rc;
}

static int check_unique(struct gguf_writer *w, const char *what, const struct name_list *l, const struct buffer *b)
{
    if (l->n == 0)
        return 0;
    struct gguf_str *names = gguf_realloc_hook(NULL, l->n * sizeof *names);
    const struct gguf_str **index = gguf_realloc_hook(NULL, l->n * sizeof *index);
    int rc = 0;
    if (!names || !index) {
        rc = fail(w, -ENOMEM, "out of memory");
    } else {
        for (size_t i = 0; i < l->n; i++) {
            names[i] = (struct gguf_str){(const char *)b->v + l->v[i].at, l->v[i].len};
            index[i] = &names[i];
        }
        const struct gguf_str *twice = gguf_sort_names(index, l->n);
        if (twice)
            rc = fail(w, -EEXIST, "%s %s was given twice", what, gguf_quote(*twice).text);
    }
    free(names);
    free(index);
    return rc;
}

/* Everything before the data. */
static int begin_data(struct gguf_writer *w)
{
    const uint32_t version = GGUF_VERSION;
    const uint64_t counts[2] = {w->tensors.n, w->key_names.n};
    const struct {
        const void *v;
        size_t n;
    } parts[] = {
        {"GGUF", 4}, {&version, sizeof version}, {counts, sizeof counts}, {w->keys.v, w->keys.n}, {w->infos.v, w->infos.n}};
    size_t written = 0;
    w->data_begun = true;
    int rc = check_unique(w, "key", &w->key_names, &w->keys);
    if (rc == 0)
        rc = check_unique(w, "tensor", &w->tensors, &w->infos);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == 0; i++) {
        rc = emit(w, parts[i].v, parts[i].n);
        written += parts[i].n;
    }
    return rc ? rc : emit_padding(w, written);
}

int gguf_write_data(struct gguf_writer *w, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    int rc = w->rc;
    if (rc == 0 && !w->data_begun)
        rc = begin_data(w);
    while (rc == 0 && len > 0) {
        if (w->current == w->tensors.n)
            return fail(w, -EINVAL, "%zu bytes of data more than the declared tensors take", len);
        const size_t size = w->tensors.v[w->current].bytes;
        const size_t part = len < size - w->done ? len : size - w->done;
        rc = emit(w, p, part);
        p += part;
        len -= part;
        w->done += part;
        if (rc == 0 && w->done == size) {
            rc = emit_padding(w, size);
            w->current++;
            w->done = 0;
        }
    }
    return rc;
}

/* ---- closing -------------------------------------------------------------------------------------------------------------- */

static int check_complete(struct gguf_writer *w)
{
    if (w->current == w->tensors.n)
        return 0;
    const struct written_name *t = &w->tensors.v[w->current];
    const struct gguf_str name = {(const char *)w->infos.v + t->at, t->len};
    return fail(w, -EINVAL, "tensor %s got %zu of its %zu bytes", gguf_quote(name).text, w->done, t->bytes);
}

/* To the disk, then under its name: delayed errors (quota, network file systems) must show before the rename. */
static int publish(struct gguf_writer *w)
{
    const int fd = w->fd;
    if (w->tmp && fsync(fd) != 0)
        return fail(w, -errno, "writing failed: %s", strerror(errno));
    w->fd = -1;
    if (close(fd) != 0)
        return fail(w, -errno, "writing failed: %s", strerror(errno));
    if (!w->tmp)
        return 0;
    if (rename(w->tmp, w->path) != 0)
        return fail(w, -errno, "cannot rename the finished file to this name: %s", strerror(errno));
    free(w->tmp);
    w->tmp = NULL;
    return 0;
}

int gguf_writer_close(struct gguf_writer *w, char err[GGUF_ERR_LEN])
{
    err[0] = '\0';
    int rc = gguf_write_data(w, NULL, 0); /* a file without tensors still needs its header */
    if (rc == 0)
        rc = check_complete(w);
    if (rc == 0)
        rc = flush(w);
    if (rc == 0)
        rc = publish(w);
    if (rc)
        memcpy(err, w->err, GGUF_ERR_LEN);
    gguf_writer_abort(w);
    return rc;
}
