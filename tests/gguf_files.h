/* For tests that write GGUF files: a folder of their own in which nothing may be left behind, files as bytes, copying of a file.
 *
 * make_dir and remove_dir are setup and teardown of one test; `target` is the path to write to. */
#ifndef BITJOULE_TESTS_GGUF_FILES_H
#define BITJOULE_TESTS_GGUF_FILES_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/gguf_internal.h"

/* The folder of the running test and the file to write in it. */
static char dir[64], target[96];

static inline int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/bitjoule-gguf-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(target, sizeof target, "%s/out.gguf", dir);
    return 0;
}

static inline int remove_dir(void **state)
{
    (void)state;
    gguf_realloc_hook = realloc;
    gguf_write_hook = write;
    unlink(target);
    return rmdir(dir); /* fails when a temporary file is left */
}

static inline unsigned char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    *len = (size_t)st.st_size;
    unsigned char *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, f), *len);
    fclose(f);
    return bytes;
}

static inline void assert_file_is(const char *path, const void *want, size_t want_len)
{
    size_t len;
    unsigned char *bytes = read_file(path, &len);
    assert_int_equal(len, want_len);
    assert_memory_equal(bytes, want, want_len);
    free(bytes);
}

static inline void assert_no_file(const char *path)
{
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static inline struct gguf *open_ok(const char *path)
{
    char err[GGUF_ERR_LEN];
    struct gguf *g;
    if (gguf_open(path, &g, err) != 0)
        fail_msg("%s", err);
    return g;
}

static inline struct gguf_writer *create_ok(const char *path)
{
    char err[GGUF_ERR_LEN];
    struct gguf_writer *w = gguf_writer_open(path, err);
    if (!w)
        fail_msg("%s", err);
    return w;
}

static inline void close_ok(struct gguf_writer *w)
{
    char err[GGUF_ERR_LEN];
    if (gguf_writer_close(w, err) != 0)
        fail_msg("%s", err);
    assert_string_equal(err, "");
}

/* Metadata and tensors of g through the writer, the data in pieces of `piece` bytes. */
static inline int copy_file(struct gguf_writer *w, const struct gguf *g, size_t piece)
{
    int rc = 0;
    for (size_t i = 0; i < gguf_n_keys(g) && rc == 0; i++)
        rc = gguf_put_copy(w, g, i);
    for (size_t i = 0; i < gguf_n_tensors(g) && rc == 0; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        char name[GGUF_MAX_NAME_READ + 1];
        snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.ptr);
        rc = gguf_declare_tensor(w, name, t->type, t->n_dims, t->dims);
    }
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        for (size_t at = 0; at < t->bytes && rc == 0; at += piece)
            rc = gguf_write_data(w, (const char *)t->data + at, t->bytes - at < piece ? t->bytes - at : piece);
    }
    return rc;
}

/* ---- allocations that fail ---- */

static unsigned allocations_left;

static inline void *failing_realloc(void *old, size_t bytes)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return realloc(old, bytes);
}

/* n allocations of the GGUF code succeed, then none. Undone by gguf_realloc_hook = realloc. */
static inline void fail_allocation_after(unsigned n)
{
    allocations_left = n;
    gguf_realloc_hook = failing_realloc;
}

#endif
