/* Writing of GGUF files: byte for byte, copies of the golden files, and misuse of the writer.
 *
 * Expected bytes are built field by field (gguf_small.h) or are the golden files, which another program wrote. Running out of disk,
 * permission or memory is tested in test_gguf_write_errors.c. */
#include "tests/gguf_files.h"
#include "tests/gguf_small.h"

static void test_write_exact_bytes(void **state)
{
    (void)state;
    struct blob want = {.n = 0};
    build_small(&want);
    struct gguf_writer *w = create_ok(target);
    assert_int_equal(write_small(w), 0);
    assert_no_file(target); /* not before it is complete */
    close_ok(w);
    assert_file_is(target, want.v, want.n);
    struct stat st;
    const mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
}

/* The writer follows an alignment that is put or copied. */
static void test_write_alignment(void **state)
{
    (void)state;
    const uint64_t dims[4] = {3, 1, 1, 1};
    struct gguf_writer *w = create_ok(target);
    assert_int_equal(gguf_put_u32(w, "general.alignment", 128), 0);
    assert_int_equal(gguf_declare_tensor(w, "a", GGUF_T_F32, 1, dims), 0);
    assert_int_equal(gguf_declare_tensor(w, "b", GGUF_T_F32, 1, dims), 0);
    assert_int_equal(gguf_write_data(w, norm, sizeof norm), 0);
    assert_int_equal(gguf_write_data(w, norm, sizeof norm), 0);
    close_ok(w);
    struct gguf *g = open_ok(target);
    const struct gguf_tensor *a = gguf_tensor_find(g, "a"), *b = gguf_tensor_find(g, "b");
    assert_int_equal((const char *)b->data - (const char *)a->data, 128);
    assert_memory_equal(b->data, norm, sizeof norm);
    size_t len;
    unsigned char *first = read_file(target, &len);
    w = create_ok(target);
    assert_int_equal(copy_file(w, g, 4), 0);
    close_ok(w);
    gguf_close(g);
    assert_file_is(target, first, len);
    free(first);
}

/* More data than the writer's buffer, in pieces below and above its size. */
static void test_write_large(void **state)
{
    (void)state;
    enum { VALUES = 900001 };
    float *values = malloc(VALUES * sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < VALUES; i++)
        values[i] = (float)i;
    struct gguf_writer *w = create_ok(target);
    assert_int_equal(gguf_declare_tensor(w, "big", GGUF_T_F32, 1, (const uint64_t[4]){VALUES, 1, 1, 1}), 0);
    for (size_t at = 0, n = 1, part; at < VALUES; at += part, n *= 3) {
        part = n < VALUES - at ? n : VALUES - at;
        assert_int_equal(gguf_write_data(w, values + at, part * sizeof *values), 0);
    }
    close_ok(w);
    struct gguf *g = open_ok(target);
    assert_memory_equal(gguf_tensor_at(g, 0)->data, values, VALUES * sizeof *values);
    gguf_close(g);
    free(values);
}

static void test_link_is_followed(void **state)
{
    (void)state;
    char link_path[80];
    struct stat st;
    snprintf(link_path, sizeof link_path, "%s/link", dir);
    close_ok(create_ok(target));
    assert_int_equal(symlink("out.gguf", link_path), 0);
    struct gguf_writer *w = create_ok(link_path);
    assert_int_equal(write_small(w), 0);
    close_ok(w);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    struct blob want = {.n = 0};
    build_small(&want);
    assert_file_is(target, want.v, want.n);
    unlink(link_path);
}

static void test_abort_leaves_nothing(void **state)
{
    (void)state;
    struct gguf_writer *w = create_ok(target);
    assert_int_equal(write_small(w), 0);
    gguf_writer_abort(w);
    assert_no_file(target);
}

/* The golden files come from another writer; ours must arrive at the same bytes. */
static void test_copy_golden(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t piece; /* bytes per call */
    } rows[] = {
        {"tests/golden/kjv-tiny-f16.gguf", SIZE_MAX / 2},
        {"tests/golden/kjv-tiny-i2_s.gguf", 1000},
        {"tests/golden/kjv-tiny-tq1_0.gguf", 65536},
        {"tests/golden/kjv-tiny-tq2_0.gguf", 333},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gguf *g = open_ok(rows[i].path);
        struct gguf_writer *w = create_ok(target);
        assert_int_equal(copy_file(w, g, rows[i].piece), 0);
        close_ok(w);
        size_t len;
        unsigned char *want = read_file(rows[i].path, &len);
        assert_file_is(target, want, len);
        free(want);
        gguf_close(g);
    }
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------------- */

static const uint64_t dims_32[4] = {32, 1, 1, 1};

static int use_key_twice(struct gguf_writer *w)
{
    gguf_put_u32(w, "a", 1);
    gguf_put_u32(w, "b", 2);
    gguf_put_bool(w, "a", true);
    return gguf_write_data(w, NULL, 0);
}

static int use_tensor_twice(struct gguf_writer *w)
{
    gguf_declare_tensor(w, "t", GGUF_T_F16, 1, dims_32);
    gguf_declare_tensor(w, "t", GGUF_T_F32, 1, dims_32);
    return gguf_write_data(w, NULL, 0);
}

static int use_key_after_tensor(struct gguf_writer *w)
{
    gguf_declare_tensor(w, "t", GGUF_T_F16, 1, dims_32);
    return gguf_put_u32(w, "late\n", 1);
}

static int use_tensor_after_data(struct gguf_writer *w)
{
    gguf_declare_tensor(w, "t", GGUF_T_F16, 1, dims_32);
    gguf_write_data(w, "", 1);
    return gguf_declare_tensor(w, "u", GGUF_T_F16, 1, dims_32);
}

static int use_too_much_data(struct gguf_writer *w)
{
    char data[70] = {0};
    gguf_declare_tensor(w, "t", GGUF_T_F16, 1, dims_32);
    return gguf_write_data(w, data, sizeof data);
}

static int use_empty_key(struct gguf_writer *w)
{
    return gguf_put_f32(w, "", 1);
}

static int use_long_name(struct gguf_writer *w)
{
    char long_name[65] = {0};
    memset(long_name, 'n', 64);
    return gguf_declare_tensor(w, long_name, GGUF_T_F16, 1, dims_32);
}

static int use_unknown_type(struct gguf_writer *w)
{
    return gguf_declare_tensor(w, "t", 99, 1, dims_32);
}

static int use_bad_shape(struct gguf_writer *w)
{
    return gguf_declare_tensor(w, "t", GGUF_T_TQ2_0, 1, dims_32);
}

static int use_endless_shape(struct gguf_writer *w)
{
    return gguf_declare_tensor(w, "t", GGUF_T_Q8_0, 1, (const uint64_t[4]){(UINT64_MAX >> 1) & ~UINT64_C(31), 1, 1, 1});
}

static int use_five_dims(struct gguf_writer *w)
{
    return gguf_declare_tensor(w, "t", GGUF_T_F16, 5, dims_32);
}

static int use_odd_alignment(struct gguf_writer *w)
{
    return gguf_put_u32(w, "general.alignment", 24);
}

static void test_misuse(void **state)
{
    (void)state;
    static const struct {
        int (*use)(struct gguf_writer *);
        int code;
        const char *expect;
    } rows[] = {
        {use_key_twice, -EEXIST, "key 'a' was given twice"},
        {use_tensor_twice, -EEXIST, "tensor 't' was given twice"},
        {use_key_after_tensor, -EINVAL, "key 'late\\x0a' comes after the first tensor"},
        {use_tensor_after_data, -EINVAL, "tensor 'u' is declared after the first data"},
        {use_too_much_data, -EINVAL, "6 bytes of data more than"},
        {use_empty_key, -EINVAL, "key '' has 0 bytes"},
        {use_long_name, -EINVAL, "has 64 bytes; 1 to 63"},
        {use_unknown_type, -EINVAL, "type 99 (unknown) cannot hold 32 x 1"},
        {use_bad_shape, -EINVAL, "type 35 (tq2_0) cannot hold 32 x 1 x 1 x 1"},
        {use_endless_shape, -EINVAL, "type 8 (q8_0) cannot hold"},
        {use_five_dims, -EINVAL, "5 dimensions; 1 to 4"},
        {use_odd_alignment, -EINVAL, "general.alignment 24 must be"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char err[GGUF_ERR_LEN];
        struct gguf_writer *w = create_ok(target);
        assert_int_equal(rows[i].use(w), rows[i].code);
        assert_int_equal(gguf_put_u32(w, "later", 1), rows[i].code); /* the first error sticks */
        assert_int_equal(gguf_write_data(w, "", 1), rows[i].code);
        assert_int_equal(gguf_writer_close(w, err), rows[i].code);
        if (strncmp(err, target, strlen(target)) != 0 || !strstr(err, rows[i].expect))
            fail_msg("line \"%s\"; wanted \"%s\"", err, rows[i].expect);
        assert_no_file(target);
    }
}

static void test_missing_data(void **state)
{
    (void)state;
    char err[GGUF_ERR_LEN];
    struct gguf_writer *w = create_ok(target);
    gguf_declare_tensor(w, "t", GGUF_T_F16, 1, dims_32);
    gguf_declare_tensor(w, "u", GGUF_T_F16, 1, dims_32);
    assert_int_equal(gguf_write_data(w, (const char[68]){0}, 68), 0);
    assert_int_equal(gguf_writer_close(w, err), -EINVAL);
    assert_non_null(strstr(err, "out.gguf: tensor 'u' got 4 of its 64 bytes"));
    assert_no_file(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_exact_bytes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_copy_golden, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_write_alignment, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_write_large, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_link_is_followed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_abort_leaves_nothing, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_misuse, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_missing_data, make_dir, remove_dir),
    };
    return cmocka_run_group_tests_name("gguf_write", tests, NULL, NULL);
}
