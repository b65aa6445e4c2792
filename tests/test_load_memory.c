/* Memory of loading, predicted and real. Real: a forked child loads a model and tells the peak of its resident memory (VmHWM),
 * which may be the weights and a few MiB more, from a file as from a seed, in the file's format as in another. Predicted: the
 * plan of a hundred billion parameters. And the mapping that weights lie in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine_cmds.h"
#include "engine/memory.h"
#include "engine/model.h"
#include "harness/plan.h"
#include "tests/sanitized.h"
#include "tests/under_qemu.h"

enum {
    MIB = 1 << 20,
    SPARE = 12 * MIB, /* rows under way of 2 threads, program and libraries that are touched, the last huge page */
};

static char dir[] = "/tmp/bitjoule-load-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

/* Whatever a test has left behind when it failed. */
static int remove_dir(void **state)
{
    static const char *const names[] = {"2.ini", "3.ini", "7.ini", "i2_s.gguf", "f16.gguf"};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* Resident memory of an emulator or a sanitizer is not that of the program. */
static void need_true_memory(void)
{
    if (sanitized() || under_qemu()) {
        print_message("resident memory is that of %s\n", sanitized() ? "the sanitizer" : "the emulator");
        skip();
    }
}

/* ---- real ------------------------------------------------------------------------------------------------------------------- */

struct footprint {
    size_t before, after, arena, weights; /* bytes; before, after: VmHWM */
    char err[MODEL_ERR_LEN];
};

static size_t peak_bytes(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && kib == 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lu kB", &kib) != 1)
            kib = 0;
    if (f)
        fclose(f);
    return (size_t)kib * 1024;
}

static struct footprint load_here(const char *spec, const char *format)
{
    struct footprint f = {.before = peak_bytes()};
    struct model *m = NULL;
    const struct model_options opt = {.format = format, .threads = 2};
    if (model_load(spec, &opt, &m, f.err) == 0) {
        f.after = peak_bytes();
        f.arena = m->arena_bytes;
        f.weights = m->linear_bytes + m->embd_bytes + m->norm_bytes;
        model_free(m);
    }
    return f;
}

/* In a child, so that its peak is of this model alone. */
static struct footprint load_in_child(const char *spec, const char *format)
{
    struct footprint f = {.before = 0};
    int fds[2], status = 0;
    assert_int_equal(pipe(fds), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        f = load_here(spec, format);
        _exit(write(fds[1], &f, sizeof f) == (ssize_t)sizeof f ? 0 : 1);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &f, sizeof f), sizeof f);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    if (f.err[0])
        fail_msg("%s", f.err);
    return f;
}

static void assert_no_second_copy(const char *spec, const char *format)
{
    const struct footprint f = load_in_child(spec, format);
    assert_true(f.before > 0 && f.after >= f.before + f.weights * 95 / 100);
    assert_true(f.arena >= f.weights && f.arena < f.weights + 2 * MIB);
    if (f.after - f.before > f.arena + SPARE)
        fail_msg("%s as %s: %zu MiB of weights took %zu MiB", spec, format ? format : "it is", f.weights / MIB,
                 (f.after - f.before) / MIB);
}

static void write_shape(const char *path, unsigned layers)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "[model]\narchitecture = bitnet-b1.58\nhidden = 2048\nffn = 5632\nlayers = %u\nheads = 16\nkv_heads = 16\n"
            "head_dim = 128\nvocab = 1024\ncontext = 64\nrope_theta = 10000\nrms_eps = 1e-5\nactivation = relu2\n"
            "sub_norm = yes\ntied_embedding = yes\n",
            layers);
    assert_int_equal(fclose(f), 0);
}

static void synth(const char *shape, const char *format, const char *path)
{
    char *argv[] = {(char *)(uintptr_t)"synth", (char *)(uintptr_t)shape, (char *)(uintptr_t)"-o", (char *)(uintptr_t)path,
                    (char *)(uintptr_t)"-f", (char *)(uintptr_t)format, NULL};
    assert_int_equal(cmd_synth(6, argv), 0);
}

/* 360 million weights: 86 MiB. The promise of 1.15 times the sum holds for the whole process. */
static void i2_s_file(void **state)
{
    (void)state;
    char shape[64], path[64];
    need_true_memory();
    snprintf(shape, sizeof shape, "%s/7.ini", dir);
    snprintf(path, sizeof path, "%s/i2_s.gguf", dir);
    write_shape(shape, 7);
    synth(shape, "i2_s", path);
    assert_no_second_copy(path, NULL);
    const struct footprint f = load_in_child(path, NULL);
    assert_true((double)f.after < 1.15 * (double)f.weights);
    unlink(path);
    unlink(shape);
}

/* 100 million weights: 200 MiB as they are, 26 as i2_s. */
static void f16_file(void **state)
{
    (void)state;
    char shape[64], path[64];
    need_true_memory();
    snprintf(shape, sizeof shape, "%s/2.ini", dir);
    snprintf(path, sizeof path, "%s/f16.gguf", dir);
    write_shape(shape, 2);
    synth(shape, "f16", path);
    assert_no_second_copy(path, NULL);
    const struct footprint f = load_in_child(path, NULL);
    assert_true((double)f.after < 1.15 * (double)f.weights);
    assert_no_second_copy(path, "i2_s");
    unlink(path);
    unlink(shape);
}

/* Made in place: nothing beside the weights but rows under way. */
static void seeds(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "tq1_0", "f16"};
    char shape[64], spec[80];
    need_true_memory();
    snprintf(shape, sizeof shape, "%s/3.ini", dir);
    snprintf(spec, sizeof spec, "synth:%s", shape);
    write_shape(shape, 3);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        assert_no_second_copy(spec, formats[i]);
    unlink(shape);
}

/* ---- predicted -------------------------------------------------------------------------------------------------------------- */

/* 72 layers of 4 x 8192^2 + 3 x 8192 x 45568 weights at 1.6 to 1.6875 bits, 32002 x 8192 at 6.5625, norms: 20.2 to 21.4 GB. The
 * tensors' alignment is under 2 MB. */
static void hundred_billion(void **state)
{
    (void)state;
    struct suite s;
    struct plan p;
    char err[SUITE_ERR_LEN] = "";
    const double linear = 72.0 * (4.0 * 8192 * 8192 + 3.0 * 8192 * 45568), embedding = 32002.0 * 8192 * 6.5625 / 8;
    const double norms = 4.0 * (72 * (3 * 8192 + 45568) + 8192);
    suite_init(&s);
    assert_int_equal(suite_set(&s, "matrix", "models", "synth:100b", err), 0);
    assert_int_equal(suite_set(&s, "matrix", "formats", "tq1_0", err), 0);
    assert_int_equal(suite_set(&s, "matrix", "threads", "2", err), 0);
    assert_int_equal(suite_set(&s, "matrix", "prompt", "0", err), 0);
    assert_int_equal(suite_set(&s, "matrix", "gen", "4", err), 0);
    const size_t free_of_24_gib = (size_t)(22.8 * 1024) * MIB;
    if (plan_make(&s, free_of_24_gib, &p, err) != 0)
        fail_msg("%s", err);
    assert_int_equal(p.n_cells, 1);
    assert_string_equal(p.cells[0].reason, "");
    const double weights = (double)p.groups[0].weight_bytes, need = p.cells[0].need_bytes;
    assert_true(weights >= linear * 1.6 / 8 + embedding + norms && weights < linear * 1.6875 / 8 + embedding + norms + 2e6);
    assert_true(need > weights && need < weights + 1e8);
    plan_free(&p);
    assert_int_equal(plan_make(&s, (size_t)need - 1, &p, err), 0);
    assert_non_null(strstr(p.cells[0].reason, " GB available"));
    plan_free(&p);
    suite_free(&s);
}

/* ---- the mapping ------------------------------------------------------------------------------------------------------------ */

/* The kernel refuses to read an address without access. */
static bool readable(const char *at)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    const bool ok = write(fds[1], at, 1) == 1;
    assert_true(ok || errno == EFAULT);
    close(fds[0]);
    close(fds[1]);
    return ok;
}

static void mapping(void **state)
{
    (void)state;
    struct huge_map a;
    assert_int_equal(huge_map_new(3 * MIB + 1, &a), 0);
    char *data = a.data;
    assert_int_equal((uintptr_t)data % (2 * MIB), 0);
    assert_int_equal(a.bytes, 4 * MIB);
    assert_true(readable(data) && readable(data + a.bytes - 1));
    assert_false(readable(data - 1) || readable(data + a.bytes));
    size_t resident = 1, huge = 1;
    memset(data, 1, a.bytes);
    if (huge_map_pages(&a, &resident, &huge) == 0 && resident > 0) { /* an emulator's smaps is empty */
        assert_int_equal(resident, a.bytes);
        assert_true(huge <= resident && huge % (2 * MIB) == 0);
    }
    huge_map_free(&a);
    assert_null(a.data);
    assert_int_equal(huge_map_new(SIZE_MAX / 2, &a), -ENOMEM);
    assert_null(a.map);
    huge_map_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i2_s_file),       cmocka_unit_test(f16_file), cmocka_unit_test(seeds),
        cmocka_unit_test(hundred_billion), cmocka_unit_test(mapping),
    };
    return cmocka_run_group_tests_name("memory of loading", tests, make_dir, remove_dir);
}
