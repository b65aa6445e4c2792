/* Reading of valid GGUF files: sizes of tensor types, the golden files, every type of value and its conversion, no memory.
 *
 * Writing is tested in test_gguf_write.c, files that are wrong on purpose in test_gguf_hostile.c. */
#include <float.h>
#include <math.h>

#include "tests/gguf_build.h"
#include "tests/gguf_files.h"
#include "tests/gguf_touch.h"

#define GOLDEN "tests/golden/kjv-tiny-"

static struct gguf *open_blob(const struct blob *b)
{
    char err[GGUF_ERR_LEN];
    struct gguf *g;
    if (gguf_open_memory("blob", b->v, b->n, &g, err) != 0)
        fail_msg("%s", err);
    return g;
}

static void assert_str(struct gguf_str s, const char *want)
{
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.ptr, want, s.len);
}

/* ---- tensor types ---------------------------------------------------------------------------------------------------------- */

static void test_tensor_bytes(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *type_name;
        uint64_t dims[4];
        size_t bytes;
    } rows[] = {
        {0, "f32", {3, 5, 1, 1}, 60},
        {1, "f16", {3, 5, 1, 1}, 30},
        {30, "bf16", {3, 5, 7, 11}, 3 * 5 * 7 * 11 * 2},
        {2, "q4_0", {64, 3, 1, 1}, 6 * 18},
        {2, "q4_0", {48, 3, 1, 1}, 0},
        {8, "q8_0", {64, 3, 1, 1}, 6 * 34},
        {8, "q8_0", {33, 1, 1, 1}, 0},
        {14, "q6_k", {512, 3, 1, 1}, 6 * 210},
        {34, "tq1_0", {256, 4, 1, 1}, 4 * 54},
        {35, "tq2_0", {256, 4, 1, 1}, 4 * 66},
        {35, "tq2_0", {128, 4, 1, 1}, 0},
        {36, "i2_s", {2560, 640, 1, 1}, 2560 * 640 / 4 + 32},
        {36, "i2_s", {64, 2, 1, 1}, 0},
        {36, "i2_s", {128, 0, 1, 1}, 0},
        {0, "f32", {0, 1, 1, 1}, 0},
        {0, "f32", {UINT64_C(1) << 62, 1, 1, 1}, 0},
        {1, "f16", {UINT64_C(1) << 40, UINT64_C(1) << 40, 1, 1}, 0},
        {99, "unknown", {32, 1, 1, 1}, 0},
        {3, "unknown", {32, 1, 1, 1}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(gguf_tensor_bytes(rows[i].type, rows[i].dims), rows[i].bytes);
        assert_string_equal(gguf_type_name(rows[i].type), rows[i].type_name);
    }
}

/* ---- the golden files ------------------------------------------------------------------------------------------------------ */

static const struct golden {
    const char *path;
    uint32_t type; /* of the linear layers */
    uint64_t file_type;
} goldens[] = {
    {GOLDEN "f16.gguf", GGUF_T_F16, 1},
    {GOLDEN "i2_s.gguf", GGUF_T_I2_S, 40},
    {GOLDEN "tq1_0.gguf", GGUF_T_TQ1_0, 36},
    {GOLDEN "tq2_0.gguf", GGUF_T_TQ2_0, 37},
};

static void check_golden_metadata(const struct gguf *g, const struct golden *want)
{
    uint64_t u;
    float f;
    bool b;
    struct gguf_str s;
    assert_int_equal(gguf_n_keys(g), 25);
    assert_int_equal(gguf_get_str(g, "general.architecture", &s), 0);
    assert_str(s, "bitnet-b1.58");
    assert_int_equal(gguf_get_u64(g, "bitnet-b1.58.feed_forward_length", &u), 0);
    assert_int_equal(u, 768);
    assert_int_equal(gguf_get_u64(g, "general.file_type", &u), 0);
    assert_int_equal(u, want->file_type);
    assert_int_equal(gguf_get_f32(g, "bitnet-b1.58.rope.freq_base", &f), 0);
    assert_true(f == 500000.0f);
    assert_int_equal(gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &b), 0);
    assert_true(b);
    assert_int_equal(gguf_get_u64(g, "bitnet-b1.58.no_such_key", &u), -ENOENT);
}

static void check_golden_arrays(const struct gguf *g)
{
    enum gguf_value_type elem;
    uint64_t n, seen = 0;
    assert_int_equal(gguf_get_array(g, "tokenizer.ggml.merges", &elem, &n), 0);
    assert_int_equal(elem, GGUF_STRING);
    assert_int_equal(n, 1750);
    struct gguf_str s, first = {NULL, 0};
    size_t pos = 0;
    for (; gguf_next_str(g, "tokenizer.ggml.merges", &pos, &s); seen++)
        first = seen == 0 ? s : first;
    assert_int_equal(seen, n);
    assert_str(first, "t h");
    assert_str(s, "\xc4\xa0N o"); /* the last one stays */
    int64_t v;
    assert_int_equal(gguf_get_array(g, "tokenizer.ggml.token_type", &elem, &n), 0);
    assert_int_equal(n, 2048);
    assert_int_equal(gguf_array_i64(g, "tokenizer.ggml.token_type", 0, &v), 0);
    assert_int_equal(v, 1); /* normal */
    assert_int_equal(gguf_array_i64(g, "tokenizer.ggml.token_type", 2047, &v), 0);
    assert_int_equal(v, 3); /* control */
    assert_int_equal(gguf_array_i64(g, "tokenizer.ggml.token_type", 2048, &v), -ERANGE);
}

static void check_golden_tensors(const struct gguf *g, const struct golden *want, const unsigned char *file)
{
    assert_int_equal(gguf_n_tensors(g), 68);
    const struct gguf_tensor *t = gguf_tensor_find(g, "token_embd.weight");
    assert_ptr_equal(t, gguf_tensor_at(g, 0));
    assert_int_equal(t->type, GGUF_T_F16);
    assert_int_equal(t->bytes, 256 * 2048 * 2);
    assert_memory_equal(t->data, file + 65312, t->bytes); /* descriptions end at 65294: aligned to 32 */
    t = gguf_tensor_find(g, "blk.5.ffn_down.weight");
    assert_non_null(t);
    assert_int_equal(t->type, want->type);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->dims[0], 768);
    assert_int_equal(t->dims[1], 256);
    assert_int_equal(t->dims[2], 1);
    assert_int_equal((uintptr_t)t->data % 32, 0);
    t = gguf_tensor_find(g, "output_norm.weight");
    assert_non_null(t);
    assert_int_equal(t->n_dims, 1);
    assert_int_equal(t->bytes, 1024);
    assert_null(gguf_tensor_find(g, "output_norm"));
    assert_null(gguf_tensor_find(g, "output_norm.weight2"));
    assert_null(gguf_tensor_find(g, ""));
}

static void test_read_golden(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        struct gguf *g = open_ok(goldens[i].path);
        size_t len;
        unsigned char *file = read_file(goldens[i].path, &len);
        assert_string_equal(gguf_path(g), goldens[i].path);
        assert_int_equal(gguf_file_bytes(g), len);
        check_golden_metadata(g, &goldens[i]);
        check_golden_arrays(g);
        check_golden_tensors(g, &goldens[i], file);
        free(file);
        gguf_close(g);
    }
}

/* ---- values ----------------------------------------------------------------------------------------------------------------- */

/* One key of every scalar type with the value -3 or 3 (1 for the boolean), and an array {value, value} of each. */
static void build_all_types(struct blob *b)
{
    static const struct {
        const char *scalar, *array;
        uint32_t type;
        unsigned bytes;
        uint64_t bits;
    } rows[] = {
        {"u8", "[u8]", GGUF_U8, 1, 3},
        {"i8", "[i8]", GGUF_I8, 1, 0xfd},
        {"u16", "[u16]", GGUF_U16, 2, 3},
        {"i16", "[i16]", GGUF_I16, 2, 0xfffd},
        {"u32", "[u32]", GGUF_U32, 4, 3},
        {"i32", "[i32]", GGUF_I32, 4, 0xfffffffd},
        {"f32", "[f32]", GGUF_F32, 4, 0xc0400000},
        {"bool", "[bool]", GGUF_BOOL, 1, 1},
        {"u64", "[u64]", GGUF_U64, 8, 3},
        {"i64", "[i64]", GGUF_I64, 8, 0 - UINT64_C(3)},
        {"f64", "[f64]", GGUF_F64, 8, UINT64_C(0xc008) << 48},
    };
    const size_t n = sizeof rows / sizeof *rows;
    blob_header(b, 0, 2 * n + 3);
    for (size_t i = 0; i < n; i++) {
        blob_key(b, rows[i].scalar, rows[i].type);
        blob_bytes(b, &rows[i].bits, rows[i].bytes);
        blob_key(b, rows[i].array, GGUF_ARRAY);
        blob_u32(b, rows[i].type);
        blob_u64(b, 2);
        blob_bytes(b, &rows[i].bits, rows[i].bytes);
        blob_bytes(b, &rows[i].bits, rows[i].bytes);
    }
    blob_key(b, "str", GGUF_STRING);
    blob_str(b, "s\xc3\xa4tze\n");
    blob_key(b, "[str]", GGUF_ARRAY);
    blob_u32(b, GGUF_STRING);
    blob_u64(b, 3);
    blob_str(b, "");
    blob_str(b, "x");
    blob_str(b, "yz");
    blob_key(b, "[]", GGUF_ARRAY);
    blob_u32(b, GGUF_STRING);
    blob_u64(b, 0);
    blob_pad(b, 32);
}

static void test_read_all_types(void **state)
{
    (void)state;
    static const char *const positive[] = {"u8", "u16", "u32", "u64"}, *const negative[] = {"i8", "i16", "i32", "i64"};
    struct blob b = {.n = 0};
    build_all_types(&b);
    struct gguf *g = open_blob(&b);
    gguf_touch(g, b.v, b.n);
    uint64_t u;
    float f;
    int64_t v;
    char array[8];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gguf_get_u64(g, positive[i], &u), 0);
        assert_int_equal(u, 3);
        assert_int_equal(gguf_get_u64(g, negative[i], &u), -EINVAL);
        assert_int_equal(gguf_get_f32(g, negative[i], &f), 0);
        assert_true(f == -3.0f);
        snprintf(array, sizeof array, "[%s]", negative[i]);
        assert_int_equal(gguf_array_i64(g, array, 1, &v), 0);
        assert_int_equal(v, -3);
        assert_int_equal(gguf_array_f32(g, array, 1, &f), 0);
        assert_true(f == -3.0f);
        assert_int_equal(gguf_array_i64(g, array, 2, &v), -ERANGE);
    }
    assert_int_equal(gguf_get_f32(g, "f32", &f), 0);
    assert_true(f == -3.0f);
    assert_int_equal(gguf_get_f32(g, "f64", &f), 0);
    assert_true(f == -3.0f);
    assert_int_equal(gguf_get_u64(g, "f64", &u), -EINVAL);
    assert_int_equal(gguf_array_i64(g, "[f64]", 0, &v), -EINVAL);
    gguf_close(g);
}

static void test_read_other_types(void **state)
{
    (void)state;
    struct blob b = {.n = 0};
    build_all_types(&b);
    struct gguf *g = open_blob(&b);
    struct gguf_str s;
    enum gguf_value_type type;
    bool flag = false;
    uint64_t u;
    float f;
    size_t pos = 0;
    assert_int_equal(gguf_get_bool(g, "bool", &flag), 0);
    assert_true(flag);
    assert_int_equal(gguf_get_bool(g, "u8", &flag), -EINVAL);
    assert_int_equal(gguf_get_u64(g, "bool", &u), -EINVAL);
    assert_int_equal(gguf_array_f32(g, "[bool]", 0, &f), -EINVAL);
    assert_int_equal(gguf_get_str(g, "str", &s), 0);
    assert_str(s, "s\xc3\xa4tze\n");
    assert_int_equal(gguf_get_str(g, "[str]", &s), -EINVAL);
    assert_int_equal(gguf_get_f32(g, "str", &f), -EINVAL);
    assert_int_equal(gguf_get_str(g, "none", &s), -ENOENT);
    assert_int_equal(gguf_get_bool(g, "none", &flag), -ENOENT);
    assert_int_equal(gguf_array_f32(g, "none", 0, &f), -ENOENT);
    assert_int_equal(gguf_array_f32(g, "f32", 0, &f), -EINVAL);
    assert_int_equal(gguf_get_array(g, "f32", &type, &u), -EINVAL);
    assert_int_equal(gguf_get_array(g, "none", &type, &u), -ENOENT);
    assert_true(gguf_next_str(g, "[str]", &pos, &s));
    assert_str(s, "");
    assert_true(gguf_next_str(g, "[str]", &pos, &s) && gguf_next_str(g, "[str]", &pos, &s));
    assert_str(s, "yz");
    assert_false(gguf_next_str(g, "[str]", &pos, &s));
    pos = 0;
    assert_false(gguf_next_str(g, "[]", &pos, &s));
    assert_int_equal(gguf_get_array(g, "[]", &type, &u), 0);
    assert_int_equal(u, 0);
    assert_str(gguf_key_at(g, 0, &type), "u8");
    assert_int_equal(type, GGUF_U8);
    gguf_close(g);
}

static void test_range_of_values(void **state)
{
    (void)state;
    struct blob b = {.n = 0};
    const uint64_t big[2] = {UINT64_MAX, INT64_MAX};
    const int64_t least = INT64_MIN;
    const double reals[3] = {1e300, (double)INFINITY, (double)FLT_MAX};
    blob_header(&b, 0, 3);
    blob_key(&b, "u64", GGUF_ARRAY);
    blob_u32(&b, GGUF_U64);
    blob_u64(&b, 2);
    blob_bytes(&b, big, sizeof big);
    blob_key(&b, "i64", GGUF_ARRAY);
    blob_u32(&b, GGUF_I64);
    blob_u64(&b, 1);
    blob_bytes(&b, &least, sizeof least);
    blob_key(&b, "f64", GGUF_ARRAY);
    blob_u32(&b, GGUF_F64);
    blob_u64(&b, 3);
    blob_bytes(&b, reals, sizeof reals);
    struct gguf *g = open_blob(&b);
    int64_t v;
    float f;
    assert_int_equal(gguf_array_i64(g, "u64", 0, &v), -EINVAL);
    assert_int_equal(gguf_array_i64(g, "u64", 1, &v), 0);
    assert_true(v == INT64_MAX);
    assert_int_equal(gguf_array_i64(g, "i64", 0, &v), 0);
    assert_true(v == INT64_MIN);
    assert_int_equal(gguf_array_f32(g, "u64", 0, &f), 0);
    assert_true(f == 18446744073709551616.0f);
    assert_int_equal(gguf_array_f32(g, "f64", 0, &f), -EINVAL);
    assert_int_equal(gguf_array_f32(g, "f64", 1, &f), 0);
    assert_true(isinf(f));
    assert_int_equal(gguf_array_f32(g, "f64", 2, &f), 0);
    assert_true(f == FLT_MAX);
    gguf_close(g);
}

static void test_copy_all_types(void **state)
{
    (void)state;
    struct blob b = {.n = 0};
    build_all_types(&b);
    struct gguf *g = open_blob(&b);
    struct gguf_writer *w = create_ok(target);
    assert_int_equal(copy_file(w, g, 1), 0);
    close_ok(w);
    assert_file_is(target, b.v, b.n);
    gguf_close(g);
}

/* Every allocation fails once: one line, nothing leaked (the sanitizer build sees to that), then success. */
static void test_read_without_memory(void **state)
{
    (void)state;
    struct gguf *g;
    char err[GGUF_ERR_LEN];
    unsigned failures = 0;
    for (;; failures++) {
        fail_allocation_after(failures);
        const int rc = gguf_open(goldens[1].path, &g, err);
        gguf_realloc_hook = realloc;
        if (rc == 0)
            break;
        assert_int_equal(rc, -ENOMEM);
        assert_null(g);
        assert_int_equal(strncmp(err, goldens[1].path, strlen(goldens[1].path)), 0);
        assert_non_null(strstr(err, ": out of memory"));
    }
    gguf_close(g);
    gguf_close(NULL);
    assert_in_range(failures, 8, 100); /* file, path, two tables that grow, two indexes, the order of offsets */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensor_bytes),
        cmocka_unit_test(test_read_golden),
        cmocka_unit_test(test_read_all_types),
        cmocka_unit_test(test_read_other_types),
        cmocka_unit_test(test_range_of_values),
        cmocka_unit_test(test_read_without_memory),
        cmocka_unit_test_setup_teardown(test_copy_all_types, make_dir, remove_dir),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
