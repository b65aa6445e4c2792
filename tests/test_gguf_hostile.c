/* GGUF files that are wrong on purpose: each must be refused with one clear line, and none may crash or make the reader allocate.
 *
 * A row of the table overwrites a few fields of a small valid file (gguf_sample.h), cuts or lengthens it, and says which words the
 * error line must contain. Then the valid file is cut at every byte and damaged at
 * random. All inputs end at a page that cannot be read, so reading one byte too far is caught without a sanitizer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/gguf_internal.h"
#include "tests/gguf_sample.h"
#include "tests/gguf_touch.h"

/* ---- inputs that end at an unreadable page -------------------------------------------------------------------------------- */

enum { ARENA_BYTES = 256 * 1024 };
static unsigned char *arena; /* its last page cannot be read */
static size_t arena_usable;

static int make_arena(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    arena = mmap(NULL, ARENA_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || page > ARENA_BYTES)
        return -1;
    arena_usable = ARENA_BYTES / page * page;
    return mprotect(arena + arena_usable, page, PROT_NONE);
}

/* The first `keep` bytes of b and `grow` zeros after them, ending at the guard page. */
static unsigned char *against_guard(const unsigned char *b, size_t keep, size_t grow)
{
    unsigned char *p = arena + arena_usable - keep - grow;
    memset(p + keep, 0, grow);
    return keep ? memcpy(p, b, keep) : p;
}

/* ---- what every refusal must be like -------------------------------------------------------------------------------------- */

static const char name[] = "folder/hostile.gguf";
static size_t largest_request;

static void *watched_realloc(void *old, size_t bytes)
{
    if (bytes > largest_request)
        largest_request = bytes;
    return realloc(old, bytes);
}

/* One line: the file's name first, then something; no control characters. */
static void assert_one_line(const char *err)
{
    if (strncmp(err, name, sizeof name - 1) != 0 || strncmp(err + sizeof name - 1, ": ", 2) != 0 || strlen(err) < sizeof name + 8)
        fail_msg("no proper error line: \"%s\"", err);
    assert_true(strlen(err) < GGUF_ERR_LEN - 1); /* nothing was cut off */
    for (const char *c = err; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            fail_msg("unprintable byte %d in: \"%s\"", *c, err);
}

/* Opens, and reads all of what opens. Returns gguf_open_memory's code. */
static int try_open(const unsigned char *bytes, size_t len, char err[GGUF_ERR_LEN])
{
    struct gguf *g = NULL;
    const int rc = gguf_open_memory(name, bytes, len, &g, err);
    if (rc == 0) {
        gguf_touch(g, bytes, len);
        gguf_close(g);
    } else {
        assert_null(g);
        assert_true(rc < 0);
        assert_one_line(err);
    }
    return rc;
}

/* ---- the table ------------------------------------------------------------------------------------------------------------ */

enum { MAX_PATCHES = 3 };
#define MAX64  UINT64_MAX
#define BIT(n) (UINT64_C(1) << (n))

struct row {
    const char *what;
    struct patch {
        int place;
        unsigned add, width; /* width 0: no patch */
        uint64_t value;
    } p[MAX_PATCHES];
    bool cut; /* to: the first byte of place p[0], plus p[0].add (then p[0].width is 0) */
    size_t grow;
    int code;
    const char *expect;
};

static const struct row rows[] = {
    {"empty file", {{0}}, .cut = true, .code = -EINVAL, .expect = "empty"},
    {"one byte", {{0, 1, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "not a GGUF file"},
    {"another magic", {{0, 0, 4, 0x46554747 ^ 1}}, .code = -EINVAL, .expect = "not a GGUF file"},
    {"lower-case magic", {{0, 0, 4, 0x66756767}}, .code = -EINVAL, .expect = "not a GGUF file"},
    {"magic only", {{0, 4, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "format version of 4 bytes"},
    {"cut in the version", {{0, 6, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "the file ends 2 bytes on"},
    {"cut in the tensor count", {{COUNT_TENSORS, 3, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "number of tensors"},
    {"cut in the key count", {{COUNT_KEYS, 7, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "number of keys"},
    {"cut before the keys", {{KEY_LEN(0), 0, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "can hold 0 at most"},
    {"version 0", {{VERSION, 0, 4, 0}}, .code = -ENOTSUP, .expect = "GGUF version 0"},
    {"version 1", {{VERSION, 0, 4, 1}}, .code = -ENOTSUP, .expect = "GGUF version 1"},
    {"version 2", {{VERSION, 0, 4, 2}}, .code = -ENOTSUP, .expect = "GGUF version 2; only version 3"},
    {"version 4", {{VERSION, 0, 4, 4}}, .code = -ENOTSUP, .expect = "GGUF version 4"},
    {"big-endian", {{VERSION, 0, 4, 0x03000000}}, .code = -ENOTSUP, .expect = "big-endian"},

    {"2^64-1 tensors", {{COUNT_TENSORS, 0, 8, MAX64}}, .code = -EINVAL, .expect = "counts 18446744073709551615 tensors"},
    {"2^63 tensors", {{COUNT_TENSORS, 0, 8, BIT(63)}}, .code = -EINVAL, .expect = "counts 9223372036854775808 tensors"},
    {"1000 tensors", {{COUNT_TENSORS, 0, 8, 1000}}, .code = -EINVAL, .expect = "counts 1000 tensors"},
    {"one tensor too many",
     {{COUNT_TENSORS, 0, 8, N_TENSORS + 1}},
     .code = -EINVAL,
     .expect = "tensor 5 of 5: the name has 0 bytes"},
    {"2^64-1 keys", {{COUNT_KEYS, 0, 8, MAX64}}, .code = -EINVAL, .expect = "counts 18446744073709551615 metadata keys"},
    {"a million keys", {{COUNT_KEYS, 0, 8, 1000000}}, .code = -EINVAL, .expect = "counts 1000000 metadata keys"},
    {"one key too many", {{COUNT_KEYS, 0, 8, N_KEYS + 1}}, .code = -EINVAL, .expect = "tensor 1 of 4"},
    {"one key too few", {{COUNT_KEYS, 0, 8, N_KEYS - 1}}, .code = -EINVAL, .expect = "tensor 't.last': 12 dimensions"},
    {"no keys counted", {{COUNT_KEYS, 0, 8, 0}}, .code = -EINVAL, .expect = "tensor 'general.architecture': 8 dimensions"},

    {"empty key", {{KEY_LEN(FLAG), 0, 8, 0}}, .code = -EINVAL, .expect = "metadata key 3 of 9: the name has 0 bytes"},
    {"key of 65536 bytes", {{KEY_LEN(FLAG), 0, 8, 65536}}, .grow = 70000, .code = -EINVAL, .expect = "has 65536 bytes; 1 to 65535"},
    {"key past the end", {{KEY_LEN(ARCH), 0, 8, 5000}}, .code = -EINVAL, .expect = "metadata key 1 of 9: name of 5000 bytes"},
    {"key of 2^64-1 bytes", {{KEY_LEN(ALIGN), 0, 8, MAX64}}, .code = -EINVAL, .expect = "name of 18446744073709551615 bytes"},
    {"key of 2^63 bytes", {{KEY_LEN(ALIGN), 0, 8, BIT(63)}}, .code = -EINVAL, .expect = "name of 9223372036854775808 bytes"},
    {"key that leads back to the start",
     {{KEY_LEN(ONE), 0, 8, 0 - UINT64_C(300)}},
     .code = -EINVAL,
     .expect = "metadata key 7 of 9"},
    {"NUL in a key", {{KEY_NAME(FLAG), 2, 1, 0}}, .code = -EINVAL, .expect = "'t.\\x00lag' contains a NUL"},
    {"duplicate key", {{KEY_NAME(TWO), 3, 1, '1'}}, .code = -EINVAL, .expect = "key 't.k1' occurs twice"},
    {"escape sequence in a duplicate key",
     {{KEY_NAME(ONE), 0, 4, 0x0a5b1b0d}, {KEY_NAME(TWO), 0, 4, 0x0a5b1b0d}},
     .code = -EINVAL,
     .expect = "key '\\x0d\\x1b[\\x0a' occurs twice"},
    {"value type 13", {{KEY_TYPE(ONE), 0, 4, 13}}, .code = -EINVAL, .expect = "key 't.k1': unknown value type 13"},
    {"value type 2^32-1", {{KEY_TYPE(ONE), 0, 4, MAX64}}, .code = -EINVAL, .expect = "unknown value type 4294967295"},
    {"value of another type", {{KEY_TYPE(LAST), 0, 4, GGUF_STRING}}, .code = -EINVAL, .expect = "key 't.last': string of"},
    {"value cut off", {{KEY_VALUE(LAST), 3, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "key 't.last': value of 8 bytes"},
    {"string past the end",
     {{KEY_VALUE(ARCH), 0, 8, 4000}},
     .code = -EINVAL,
     .expect = "'general.architecture': string of 4000 bytes"},
    {"string of 2^64-8 bytes", {{KEY_VALUE(ARCH), 0, 8, MAX64 - 7}}, .code = -EINVAL, .expect = "string of 18446744073709551608"},
    {"boolean 2", {{KEY_VALUE(FLAG), 0, 1, 2}}, .code = -EINVAL, .expect = "key 't.flag': a boolean has the value 2"},
    {"boolean 255 in an array",
     {{KEY_VALUE(BOOLS), 13, 1, 255}},
     .code = -EINVAL,
     .expect = "'t.bools': a boolean has the value 255"},
    {"array of arrays", {{KEY_VALUE(NUMBERS), 0, 4, GGUF_ARRAY}}, .code = -ENOTSUP, .expect = "'t.numbers': an array of arrays"},
    {"array element type 13", {{KEY_VALUE(NUMBERS), 0, 4, 13}}, .code = -EINVAL, .expect = "unknown array element type 13"},
    {"array of 2^64-1", {{KEY_VALUE(NUMBERS), 4, 8, MAX64}}, .code = -EINVAL, .expect = "array of 18446744073709551615 elements"},
    {"array whose bytes wrap to 0",
     {{KEY_VALUE(NUMBERS), 4, 8, BIT(62)}},
     .code = -EINVAL,
     .expect = "array of 4611686018427387904"},
    {"array past the end", {{KEY_VALUE(NUMBERS), 4, 8, 1000}}, .code = -EINVAL, .expect = "'t.numbers': array of 1000 elements"},
    {"array cut before its length", {{KEY_VALUE(NUMBERS), 5, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "array length"},
    {"strings whose bytes wrap to 0",
     {{KEY_VALUE(STRINGS), 4, 8, BIT(61)}},
     .code = -EINVAL,
     .expect = "array of 2305843009213693952"},
    {"one string too many", {{KEY_VALUE(STRINGS), 4, 8, 4}}, .code = -EINVAL, .expect = "metadata key 5 of 9"},
    {"string in an array past the end",
     {{KEY_VALUE(STRINGS), 12, 8, 9000}},
     .code = -EINVAL,
     .expect = "'t.strings': string in array"},
    {"string of 2^64-1 in an array",
     {{KEY_VALUE(STRINGS), 21, 8, MAX64}},
     .code = -EINVAL,
     .expect = "'t.strings': string in array of 184"},

    {"alignment 0", {{KEY_VALUE(ALIGN), 0, 4, 0}}, .code = -EINVAL, .expect = "general.alignment is 0"},
    {"alignment 4", {{KEY_VALUE(ALIGN), 0, 4, 4}}, .code = -EINVAL, .expect = "general.alignment is 4"},
    {"alignment 48", {{KEY_VALUE(ALIGN), 0, 4, 48}}, .code = -EINVAL, .expect = "must be a power of two from 8"},
    {"alignment 2^31", {{KEY_VALUE(ALIGN), 0, 4, BIT(31)}}, .code = -EINVAL, .expect = "general.alignment is 2147483648"},
    {"alignment as int32", {{KEY_TYPE(ALIGN), 0, 4, GGUF_I32}}, .code = -EINVAL, .expect = "must be uint32"},
    {"alignment that the offsets do not obey",
     {{KEY_VALUE(ALIGN), 0, 4, 128}},
     .code = -EINVAL,
     .expect = "multiple of the alignment 128"},
    {"alignment beyond the file", {{KEY_VALUE(ALIGN), 0, 4, BIT(21)}}, .code = -EINVAL, .expect = "the 0 bytes of data"},

    {"empty tensor name", {{T_LEN(T_I2S), 0, 8, 0}}, .code = -EINVAL, .expect = "tensor 2 of 4: the name has 0 bytes"},
    {"tensor name of 128 bytes", {{T_LEN(T_F32), 0, 8, 128}}, .code = -EINVAL, .expect = "the name has 128 bytes; 1 to 127"},
    {"tensor name past the end", {{T_LEN(T_Q4), 0, 8, 3000}}, .code = -EINVAL, .expect = "tensor 4 of 4: name of 3000 bytes"},
    {"tensor name of 2^64-1 bytes", {{T_LEN(T_Q4), 0, 8, MAX64}}, .code = -EINVAL, .expect = "name of 18446744073709551615 bytes"},
    {"NUL in a tensor name", {{T_NAME(T_Q4), 1, 1, 0}}, .code = -EINVAL, .expect = "'t\\x00d' contains a NUL"},
    {"duplicate tensor name", {{T_NAME(T_Q4), 2, 1, 'a'}}, .code = -EINVAL, .expect = "tensor 't.a' occurs twice"},
    {"line break in the name of a bad tensor",
     {{T_NAME(T_TQ1), 1, 1, '\n'}, {T_TYPE(T_TQ1), 0, 4, 7}},
     .code = -ENOTSUP,
     .expect = "tensor 't\\x0ac': unknown tensor type 7"},
    {"no dimensions", {{T_NDIMS(T_F32), 0, 4, 0}}, .code = -EINVAL, .expect = "tensor 't.a': 0 dimensions"},
    {"five dimensions", {{T_NDIMS(T_F32), 0, 4, 5}}, .code = -EINVAL, .expect = "tensor 't.a': 5 dimensions; 1 to 4"},
    {"2^32-1 dimensions", {{T_NDIMS(T_F32), 0, 4, MAX64}}, .code = -EINVAL, .expect = "4294967295 dimensions"},
    {"no columns", {{T_DIMS(T_F32), 0, 8, 0}}, .code = -EINVAL, .expect = "tensor 't.a': dimension 0 is 0"},
    {"no rows", {{T_DIMS(T_I2S), 8, 8, 0}}, .code = -EINVAL, .expect = "tensor 't.b': dimension 1 is 0"},
    {"one row too many", {{T_DIMS(T_F32), 8, 8, 3}}, .code = -EINVAL, .expect = "tensors 't.a' and 't.b' overlap"},
    {"2^63 columns",
     {{T_DIMS(T_F32), 0, 8, BIT(63)}},
     .code = -EINVAL,
     .expect = "dimensions 9223372036854775808 x 2 x 1 x 1 overflow"},
    {"dimensions whose product wraps to 0",
     {{T_DIMS(T_F32), 0, 8, BIT(32)}, {T_DIMS(T_F32), 8, 8, BIT(32)}},
     .code = -EINVAL,
     .expect = "dimensions 4294967296 x 4294967296 x 1 x 1 overflow"},
    {"bytes that wrap to 0", {{T_DIMS(T_F32), 0, 8, BIT(61)}}, .code = -EINVAL, .expect = "overflow the size of memory"},
    {"2^64-32 bytes and the 32 of the scale",
     {{T_DIMS(T_I2S), 0, 8, 128 * 179951}, {T_DIMS(T_I2S), 8, 8, 3203431780337}}, /* product of the two: 2^59 - 1 blocks of 32 */
     .code = -EINVAL,
     .expect = "tensor 't.b': dimensions 23033728 x 3203431780337 x 1 x 1 overflow"},
    {"bytes that wrap to 0 when the offset is added",
     {{T_TYPE(T_I2S), 0, 4, GGUF_T_F16}, {T_DIMS(T_I2S), 0, 8, BIT(62) - 16}}, /* 2 rows: 2^64 - 64 bytes at offset 64 */
     .code = -EINVAL,
     .expect = "tensor 't.b': its 18446744073709551552 bytes at offset 64 reach past"},
    {"a terabyte",
     {{T_DIMS(T_F32), 0, 8, BIT(37)}},
     .code = -EINVAL,
     .expect = "'t.a': its 1099511627776 bytes at offset 0 reach past"},
    {"i2_s row of 64", {{T_DIMS(T_I2S), 0, 8, 64}}, .code = -EINVAL, .expect = "rows of 64 values; i2_s needs a multiple of 128"},
    {"tq1_0 row of 128", {{T_DIMS(T_TQ1), 0, 8, 128}}, .code = -EINVAL, .expect = "tq1_0 needs a multiple of 256"},
    {"q4_0 row of 16", {{T_DIMS(T_Q4), 0, 8, 16}}, .code = -EINVAL, .expect = "q4_0 needs a multiple of 32"},
    {"tensor type 99", {{T_TYPE(T_F32), 0, 4, 99}}, .code = -ENOTSUP, .expect = "tensor 't.a': unknown tensor type 99"},
    {"tensor type of integers", {{T_TYPE(T_F32), 0, 4, 26}}, .code = -ENOTSUP, .expect = "unknown tensor type 26"},
    {"tensor type that was withdrawn", {{T_TYPE(T_F32), 0, 4, 4}}, .code = -ENOTSUP, .expect = "unknown tensor type 4"},
    {"tensor type 2^32-1", {{T_TYPE(T_F32), 0, 4, MAX64}}, .code = -ENOTSUP, .expect = "unknown tensor type 4294967295"},
    {"wider tensor type",
     {{T_TYPE(T_Q4), 0, 4, GGUF_T_F32}},
     .code = -EINVAL,
     .expect = "tensor 't.d': its 128 bytes at offset 224"},

    {"unaligned offset", {{T_OFFSET(T_I2S), 0, 8, 65}}, .code = -EINVAL, .expect = "data offset 65 is not a multiple"},
    {"offset past the end", {{T_OFFSET(T_Q4), 0, 8, 4096}}, .code = -EINVAL, .expect = "tensor 't.d': its 18 bytes at offset 4096"},
    {"offset 2^64-32, back into the tables",
     {{T_OFFSET(T_Q4), 0, 8, MAX64 - 31}},
     .code = -EINVAL,
     .expect = "offset 18446744073709551584"},
    {"offset 2^63", {{T_OFFSET(T_Q4), 0, 8, BIT(63)}}, .code = -EINVAL, .expect = "offset 9223372036854775808 reach past"},
    {"two tensors in one place", {{T_OFFSET(T_I2S), 0, 8, 0}}, .code = -EINVAL, .expect = "overlap"},
    {"half overlap", {{T_OFFSET(T_I2S), 0, 8, 32}}, .code = -EINVAL, .expect = "tensors 't.a' and 't.b' overlap"},
    {"overlap with the scale after i2_s",
     {{T_OFFSET(T_TQ1), 0, 8, 128}},
     .code = -EINVAL,
     .expect = "tensors 't.b' and 't.c' overlap"},
    {"one tensor inside another", {{T_OFFSET(T_Q4), 0, 8, 96}}, .code = -EINVAL, .expect = "tensors 't.b' and 't.d' overlap"},
    {"offsets in a cycle",
     {{T_OFFSET(T_F32), 0, 8, 64}, {T_OFFSET(T_I2S), 0, 8, 64}, {T_OFFSET(T_TQ1), 0, 8, 64}},
     .code = -EINVAL,
     .expect = "overlap"},
    {"cut in the tensor descriptions",
     {{T_OFFSET(T_Q4), 4, 0, 0}},
     .cut = true,
     .code = -EINVAL,
     .expect = "'t.d': data offset of 8"},
    {"no data", {{DATA, 0, 0, 0}}, .cut = true, .code = -EINVAL, .expect = "reach past the 0 bytes of data"},
    {"last byte of data missing",
     {{DATA, DATA_BYTES - 1, 0, 0}},
     .cut = true,
     .code = -EINVAL,
     .expect = "tensor 't.d': its 18 bytes at offset 224 reach past the 241 bytes"},
};

enum { N_ROWS = sizeof rows / sizeof *rows };
_Static_assert(N_ROWS >= 45, "rows must not be lost");

static void refuse_row(const struct row *row, const struct sample *valid)
{
    struct sample s = *valid;
    size_t keep = s.b.n;
    if (row->cut)
        keep = s.at[row->p[0].place] + row->p[0].add;
    for (int i = 0; i < MAX_PATCHES; i++) {
        const struct patch *p = &row->p[i];
        memcpy(s.b.v + s.at[p->place] + p->add, &p->value, p->width);
    }
    char err[GGUF_ERR_LEN];
    largest_request = 0;
    const int rc = try_open(against_guard(s.b.v, keep, row->grow), keep + row->grow, err);
    if (rc != row->code || !strstr(err, row->expect))
        fail_msg("%s: code %d, line \"%s\"; wanted %d and \"%s\"", row->what, rc, err, row->code, row->expect);
    if (largest_request > 16 * 1024)
        fail_msg("%s: the reader asked for %zu bytes", row->what, largest_request);
}

static void test_table(void **state)
{
    (void)state;
    struct sample valid;
    build_sample(&valid);
    gguf_realloc_hook = watched_realloc;
    for (size_t i = 0; i < N_ROWS; i++)
        refuse_row(&rows[i], &valid);
    gguf_realloc_hook = realloc;
    print_message("# %d invalid files refused\n", N_ROWS);
}

/* Without this the table could pass for a wrong reason. */
static void test_sample_is_valid(void **state)
{
    (void)state;
    struct sample s;
    char err[GGUF_ERR_LEN];
    build_sample(&s);
    assert_int_equal(try_open(against_guard(s.b.v, s.b.n, 0), s.b.n, err), 0);
    assert_int_equal(try_open(against_guard(s.b.v, s.b.n, 1000), s.b.n + 1000, err), 0); /* bytes after the data do no harm */
}

static void test_cut_everywhere(void **state)
{
    (void)state;
    struct sample s;
    char err[GGUF_ERR_LEN];
    build_sample(&s);
    const size_t needed = s.at[DATA] + DATA_BYTES; /* the padding of the last tensor may be missing */
    for (size_t len = 0; len <= s.b.n; len++) {
        const int rc = try_open(against_guard(s.b.v, len, 0), len, err);
        if ((rc == 0) != (len >= needed))
            fail_msg("cut to %zu of %zu bytes: code %d", len, s.b.n, rc);
    }
}

/* xorshift64*; the seed is printed when a test fails, through the position in the sequence */
static uint64_t next_random(uint64_t *x)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return *x * UINT64_C(0x2545f4914f6cdd1d);
}

static void test_random_damage(void **state)
{
    (void)state;
    enum { ROUNDS = 6000 };
    uint64_t rng = 20240601;
    unsigned refused = 0;
    struct sample valid;
    build_sample(&valid);
    for (int round = 0; round < ROUNDS; round++) {
        struct blob b = valid.b;
        for (uint64_t n = 1 + next_random(&rng) % 4; n > 0; n--) {
            const uint64_t r = next_random(&rng);
            b.v[r % b.n] = (unsigned char)(r & BIT(40) ? r >> 48 : b.v[r % b.n] ^ BIT((r >> 48) % 8));
        }
        char err[GGUF_ERR_LEN];
        refused += try_open(against_guard(b.v, b.n, 0), b.n, err) != 0;
    }
    assert_in_range(refused, ROUNDS / 10, ROUNDS - ROUNDS / 10); /* both outcomes were met often */
}

/* A real file's tables: thousands of strings in arrays. */
static void test_random_damage_of_golden(void **state)
{
    (void)state;
    enum { TABLE_BYTES = 65294, ROUNDS = 300 };
    static unsigned char head[TABLE_BYTES];
    FILE *f = fopen("tests/golden/kjv-tiny-i2_s.gguf", "rb");
    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    fclose(f);
    uint64_t rng = 7;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t len = (size_t)(next_random(&rng) % sizeof head); /* cut, so that it must be refused in any case */
        unsigned char *p = against_guard(head, len, 0);
        for (int n = 0; n < 8 && len > 0; n++)
            p[next_random(&rng) % len] = (unsigned char)next_random(&rng);
        char err[GGUF_ERR_LEN];
        assert_int_not_equal(try_open(p, len, err), 0);
    }
}

/* ---- paths ---------------------------------------------------------------------------------------------------------------- */

static void expect_open_error(const char *path, int code, const char *expect)
{
    char err[GGUF_ERR_LEN];
    struct gguf *g;
    assert_int_equal(gguf_open(path, &g, err), code);
    assert_null(g);
    if (!strstr(err, expect))
        fail_msg("%s: line \"%s\"; wanted \"%s\"", path, err, expect);
}

static void test_paths(void **state)
{
    (void)state;
    char dir[] = "/tmp/bitjoule-gguf-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/missing.gguf", dir);
    expect_open_error(path, -ENOENT, "missing.gguf: No such file or directory");
    expect_open_error(dir, -EINVAL, "not a regular file");
    expect_open_error("/dev/null", -EINVAL, "/dev/null: not a regular file");
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_open_error(path, -EINVAL, "pipe: not a regular file"); /* and does not wait for a writer */
    unlink(path);
    snprintf(path, sizeof path, "%s/empty\n.gguf", dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    expect_open_error(path, -EINVAL, "empty?.gguf: the file is empty");
    fclose(f);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

/* Only the end of a very long path is shown, from the start of a character on, so that the reason is never cut off. */
static void test_long_path(void **state)
{
    (void)state;
    char path[1000], err[GGUF_ERR_LEN];
    struct gguf *g;
    for (size_t i = 0; i + 2 < sizeof path - 20; i += 2)
        memcpy(path + i, "\xc3\xa4", 2);
    memcpy(path + 978, "/model.gguf", sizeof "/model.gguf");
    assert_int_equal(gguf_open_memory(path, "GGUF", 4, &g, err), -EINVAL);
    assert_memory_equal(err, "...\xc3\xa4", 5);
    assert_non_null(strstr(err, "/model.gguf: format version"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_is_valid),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_random_damage_of_golden),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests_name("gguf_hostile", tests, make_arena, NULL);
}
