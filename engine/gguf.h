/* GGUF version 3 files: reading and writing. (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)
 *
 * A file is mapped and checked once, whole: magic, version, counts, lengths, offsets, alignment, overflow, types, duplicate
 * keys and names, overlap of tensors, data inside the file. After gguf_open() has returned 0 every pointer it gives out may
 * be followed. Nothing is ever allocated in proportion to a number that the file merely claims. Little-endian hosts only.
 * Version 3 only; arrays of arrays and tensor types not listed below are refused. Out of scope: a file that another process
 * shortens while it is mapped (touching the lost part raises SIGBUS). */
#ifndef BITJOULE_GGUF_H
#define BITJOULE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GGUF_ERR_LEN = 512, GGUF_MAX_DIMS = 4, GGUF_DEFAULT_ALIGNMENT = 32 };

enum gguf_value_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_VALUE_TYPES
};

/* Tensor type ids this project reads or writes. */
enum gguf_tensor_type {
    GGUF_T_F32 = 0,
    GGUF_T_F16 = 1,
    GGUF_T_Q4_0 = 2,
    GGUF_T_Q8_0 = 8,
    GGUF_T_Q6_K = 14,
    GGUF_T_BF16 = 30,
    GGUF_T_TQ1_0 = 34,
    GGUF_T_TQ2_0 = 35,
    GGUF_T_I2_S = 36, /* bitnet.cpp; rows * cols / 4 + 32 bytes */
};

/* Text inside the mapped file: not NUL-terminated, lives as long as the file is open. */
struct gguf_str {
    const char *ptr;
    size_t len;
};

struct gguf_tensor {
    struct gguf_str name;
    uint32_t type;
    unsigned n_dims;
    uint64_t dims[GGUF_MAX_DIMS]; /* dims[0] varies fastest: a weight matrix is {cols, rows}; absent dimensions are 1 */
    const void *data;             /* in the mapped file, aligned to general.alignment (8 bytes or more; usually 32) */
    size_t bytes;
};

struct gguf;

/* Opens, maps and checks `path`. 0, or a negative errno and one line in err that names the file. */
int gguf_open(const char *path, struct gguf **out, char err[GGUF_ERR_LEN]);
/* The same for bytes in memory, which must outlive the result (tests, fuzzing). `name` stands for the path in messages; tensor
 * data is as aligned as `bytes` is. */
int gguf_open_memory(const char *name, const void *bytes, size_t len, struct gguf **out, char err[GGUF_ERR_LEN]);
void gguf_close(struct gguf *g);
/* Bytes [data, data + len) of a mapped file, and the pages around them. fetch: brings them into memory now, and has as many
 * more read meanwhile. release: they leave this process's memory; whoever touches them later gets them from the file again.
 * release_all: every page, metadata too. */
void gguf_fetch(const struct gguf *g, const void *data, size_t len);
void gguf_release(const struct gguf *g, const void *data, size_t len);
void gguf_release_all(const struct gguf *g);

const char *gguf_path(const struct gguf *g);
size_t gguf_file_bytes(const struct gguf *g);
size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i);
/* NULL when there is no tensor of that name. */
const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name);

/* Scalars. 0; -ENOENT: no such key; -EINVAL: another type, or the value does not fit. Integers convert between widths
 * when the value fits; f32 also takes f64 and integers. */
int gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out);
int gguf_get_f32(const struct gguf *g, const char *key, float *out);
int gguf_get_bool(const struct gguf *g, const char *key, bool *out);
int gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out);

/* Arrays. 0 and the number of elements; errors as above. */
int gguf_get_array(const struct gguf *g, const char *key, enum gguf_value_type *elem, uint64_t *n);
/* Walks an array of strings: *pos starts at 0 and is advanced; false at the end. Only after gguf_get_array said GGUF_STRING. */
bool gguf_next_str(const struct gguf *g, const char *key, size_t *pos, struct gguf_str *out);
/* Element i of an array of numbers, converted. -ERANGE when i is outside. */
int gguf_array_f32(const struct gguf *g, const char *key, uint64_t i, float *out);
int gguf_array_i64(const struct gguf *g, const char *key, uint64_t i, int64_t *out);

/* Number of keys, and the i-th key with its type: for `convert`, which copies metadata through. */
size_t gguf_n_keys(const struct gguf *g);
struct gguf_str gguf_key_at(const struct gguf *g, size_t i, enum gguf_value_type *type);

/* Bytes of a tensor of this type and dimensions; 0 when the type is unknown here or does not fit the dimensions or size_t. */
size_t gguf_tensor_bytes(uint32_t type, const uint64_t dims[GGUF_MAX_DIMS]);
const char *gguf_type_name(uint32_t type); /* "i2_s"; "type 99" is "unknown" */

/* Writing: metadata first, then declare every tensor, then the data of each, in the declared order. Every call returns 0 or
 * a negative errno; the first error sticks and gguf_writer_close() returns it with a message. The file appears under its name
 * only when it is complete (written beside it, then renamed); a path that exists and is no regular file is written to in place.
 * Tensors are aligned to 32 bytes, or to a general.alignment that is put or copied. Keys and tensor names must be unique. */
struct gguf_writer;
struct gguf_writer *gguf_writer_open(const char *path, char err[GGUF_ERR_LEN]);
int gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v);
int gguf_put_f32(struct gguf_writer *w, const char *key, float v);
int gguf_put_bool(struct gguf_writer *w, const char *key, bool v);
int gguf_put_str(struct gguf_writer *w, const char *key, const char *v);
int gguf_put_str_array(struct gguf_writer *w, const char *key, const char *const *v, size_t n);
int gguf_put_f32_array(struct gguf_writer *w, const char *key, const float *v, size_t n);
int gguf_put_i32_array(struct gguf_writer *w, const char *key, const int32_t *v, size_t n);
/* Copies key i of an open file unchanged. */
int gguf_put_copy(struct gguf_writer *w, const struct gguf *from, size_t i);
int gguf_declare_tensor(struct gguf_writer *w, const char *name, uint32_t type, unsigned n_dims,
                        const uint64_t dims[GGUF_MAX_DIMS]);
/* The next bytes of the tensor data; padding between tensors is written by itself. */
int gguf_write_data(struct gguf_writer *w, const void *bytes, size_t len);
/* Finishes and frees. 0, or the first error: then nothing is left behind under the final name. */
int gguf_writer_close(struct gguf_writer *w, char err[GGUF_ERR_LEN]);
/* Gives up: frees and removes the unfinished file. */
void gguf_writer_abort(struct gguf_writer *w);

#endif
