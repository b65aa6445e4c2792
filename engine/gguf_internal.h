/* What the GGUF reader, its look-ups and the writer share; of it, other parts of engine/ use only gguf_error() and gguf_quote().
 *
 * Messages: a name that comes out of a file is shown through gguf_quote(), so that a hostile file can put neither line breaks nor
 * terminal escapes into an error line. The two hooks below exist so that tests can make allocation and writing fail. */
#ifndef BITJOULE_GGUF_INTERNAL_H
#define BITJOULE_GGUF_INTERNAL_H

#include <stdarg.h>
#include <sys/types.h>

#include "engine/gguf.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files are read and written in place: little-endian hosts only"
#endif

enum {
    GGUF_VERSION = 3,
    GGUF_MAX_KEY = 65535,         /* bytes; the specification's limit */
    GGUF_MAX_NAME_READ = 127,     /* bytes; some forks raise the usual limit of 63 to this */
    GGUF_MAX_NAME_WRITE = 63,     /* bytes; what every llama.cpp-family reader takes */
    GGUF_MAX_ALIGNMENT = 1 << 21, /* bytes; a huge page, beyond which an alignment has no use */
    GGUF_MIN_ALIGNMENT = 8,       /* bytes; the specification asks for a multiple of 8 */
    GGUF_QUOTE_LEN = 80,
};

/* One metadata entry. `key` comes first: the sorted index points at it. */
struct gguf_kv {
    struct gguf_str key;
    enum gguf_value_type type, elem; /* elem: of an array */
    uint64_t n;                      /* elements of an array */
    const unsigned char *value;      /* payload: a scalar, a string with its length, or the elements of an array */
    size_t value_bytes;
    const unsigned char *raw; /* the whole entry as it is in the file */
    size_t raw_bytes;
};

/* A tensor and where the file says it is. `t` comes first and t.name first in it: the sorted index points at it. */
struct gguf_entry {
    struct gguf_tensor t;
    uint64_t offset; /* from the start of the data section */
};

struct gguf {
    char *path;
    const unsigned char *base;
    size_t len;
    bool mapped;
    uint64_t alignment;
    struct gguf_kv *keys;
    size_t n_keys, cap_keys;
    struct gguf_entry *tensors;
    size_t n_tensors, cap_tensors;
    const struct gguf_str **key_index, **tensor_index; /* sorted by name */
};

/* Every allocation of reader and writer, and every write to a file, goes through these. Only tests change them. */
extern void *(*gguf_realloc_hook)(void *old, size_t bytes);
extern ssize_t (*gguf_write_hook)(int fd, const void *bytes, size_t len);

/* v with room for twice as many elements (*cap is updated), or NULL with v as it was. */
void *gguf_grow(void *v, size_t *cap, size_t elem_bytes);
/* A copy of s, made through the hook; NULL when there is no memory. */
char *gguf_copy_string(const char *s);

/* Text of a file made fit to print: 'name', other than printable ASCII as \xNN, cut with "..." when long. */
struct gguf_quoted {
    char text[GGUF_QUOTE_LEN];
};
struct gguf_quoted gguf_quote(struct gguf_str s);
/* "PATH: message" into err; a long path keeps its end. Returns code. */
int gguf_error(char err[GGUF_ERR_LEN], int code, const char *path, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int gguf_verror(char err[GGUF_ERR_LEN], int code, const char *path, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

/* Sorts pointers to names. Returns one that occurs twice, or NULL. */
const struct gguf_str *gguf_sort_names(const struct gguf_str **index, size_t n);
const struct gguf_str *gguf_find_name(const struct gguf_str *const *index, size_t n, const char *name);

/* Bytes of a scalar of this type; 0 for strings, arrays and unknown types. */
size_t gguf_scalar_bytes(uint32_t type);
bool gguf_type_known(uint32_t type);
/* cols of a tensor of this type must be a multiple of this. The type must be known. */
unsigned gguf_type_block(uint32_t type);
bool gguf_alignment_ok(uint64_t alignment);

#endif
