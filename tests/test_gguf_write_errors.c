/* Writing of GGUF files when the disk is full, the folder may not be written to, or there is no memory: one line, nothing left behind.
 *
 * Allocation and writing are made to fail through the hooks of gguf_internal.h, at every place in turn; real failures (/dev/full, a
 * file size limit, a folder without permission) are there too. */
#include <fcntl.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/resource.h>

#include "tests/gguf_files.h"
#include "tests/gguf_small.h"

/* Opens, writes and closes; returns the code and leaves the line in err. */
static int try_write(const char *path, char err[GGUF_ERR_LEN])
{
    struct gguf_writer *w = gguf_writer_open(path, err);
    if (!w)
        return -1;
    const int wrote = write_small(w);
    const int closed = gguf_writer_close(w, err);
    assert_true(wrote == 0 || wrote == closed);
    return closed;
}

/* Root may do anything, so for file access become another user for a while: setfsuid is per thread and needs no child process.
 * False where root may not do that. Undone by act_as_self(). */
static bool act_as_nobody(void)
{
    if (geteuid() == 0)
        setfsuid(65534);
    return setfsuid((uid_t)-1) != 0; /* an impossible id: only asks for the present one */
}

static void act_as_self(void)
{
    setfsuid(geteuid());
}

static void skip_as_root(void)
{
    print_message("# skip: root here may not act as another user\n");
    skip();
}

/* As nobody, who cannot create files in /dev: a writer that replaced devices by files must not get the chance to. */
static void test_dev_full(void **state)
{
    (void)state;
    char err[GGUF_ERR_LEN];
    if (!act_as_nobody())
        skip_as_root();
    const int rc = try_write("/dev/full", err);
    act_as_self();
    assert_int_equal(rc, -ENOSPC);
    assert_string_equal(err, "/dev/full: writing failed: No space left on device");
}

/* What is no regular file is written to, not replaced. */
static void test_pipe(void **state)
{
    (void)state;
    char err[GGUF_ERR_LEN];
    unsigned char got[1024];
    struct stat st;
    struct blob want = {.n = 0};
    build_small(&want);
    assert_int_equal(mkfifo(target, 0600), 0);
    const int fd = open(target, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(try_write(target, err), 0);
    assert_int_equal(read(fd, got, sizeof got), want.n); /* 448 bytes: fits any pipe at once */
    assert_memory_equal(got, want.v, want.n);
    assert_int_equal(stat(target, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    close(fd);
}

static void test_cannot_create(void **state)
{
    (void)state;
    char path[96], err[GGUF_ERR_LEN];
    snprintf(path, sizeof path, "%s/missing/out.gguf", dir);
    assert_int_equal(try_write(path, err), -1);
    assert_non_null(strstr(err, "missing/out.gguf: cannot create a file in its folder: No such file or directory"));
    assert_int_equal(try_write(dir, err), -1);
    assert_non_null(strstr(err, "cannot be written to: Is a directory"));
}

static void test_folder_without_permission(void **state)
{
    (void)state;
    char err[GGUF_ERR_LEN];
    assert_int_equal(chmod(dir, 0555), 0);
    const bool restricted = act_as_nobody();
    const int rc = restricted ? try_write(target, err) : 0;
    act_as_self();
    assert_int_equal(chmod(dir, 0755), 0);
    if (!restricted)
        skip_as_root();
    assert_int_equal(rc, -1);
    assert_non_null(strstr(err, "out.gguf: cannot create a file in its folder: Permission denied"));
}

static size_t space_left;
static unsigned write_calls;

/* A disk that takes a few bytes at a time, is interrupted now and then, and is full after space_left bytes. */
static ssize_t tight_write(int fd, const void *bytes, size_t len)
{
    write_calls++;
    if (write_calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (space_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    size_t n = len < 7 ? len : 7;
    n = n < space_left ? n : space_left;
    space_left -= n;
    return write(fd, bytes, n);
}

static void test_disk_full_anywhere(void **state)
{
    (void)state;
    struct blob want = {.n = 0};
    build_small(&want);
    char err[GGUF_ERR_LEN];
    gguf_write_hook = tight_write;
    for (size_t space = 0; space < want.n; space += 13) {
        space_left = space;
        assert_int_equal(try_write(target, err), -ENOSPC);
        assert_non_null(strstr(err, "out.gguf: writing failed: No space left on device"));
        assert_no_file(target);
        assert_int_equal(rmdir(dir), 0); /* the temporary file is gone as well */
        assert_int_equal(mkdir(dir, 0755), 0);
    }
    space_left = want.n;
    assert_int_equal(try_write(target, err), 0);
    assert_file_is(target, want.v, want.n);
}

/* A failed write must not harm the file that was there before. */
static void test_old_file_survives(void **state)
{
    (void)state;
    char err[GGUF_ERR_LEN];
    assert_int_equal(try_write(target, err), 0);
    struct blob want = {.n = 0};
    build_small(&want);
    space_left = 100;
    gguf_write_hook = tight_write;
    assert_int_equal(try_write(target, err), -ENOSPC);
    assert_file_is(target, want.v, want.n);
}

/* The kernel's own short write: a limit on the size of files. */
static void test_file_size_limit(void **state)
{
    (void)state;
    struct rlimit old, tight;
    char err[GGUF_ERR_LEN];
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){300, old.rlim_max};
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const int rc = try_write(target, err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, old_handler);
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(err, "out.gguf: writing failed: File too large"));
    assert_no_file(target);
}

/* ---- no memory ------------------------------------------------------------------------------------------------------------- */

static void test_write_without_memory(void **state)
{
    (void)state;
    struct blob want = {.n = 0};
    build_small(&want);
    char err[GGUF_ERR_LEN];
    unsigned failures = 0;
    for (;; failures++) {
        fail_allocation_after(failures);
        const int rc = try_write(target, err);
        gguf_realloc_hook = realloc;
        if (rc == 0)
            break;
        assert_non_null(strstr(err, "out.gguf: out of memory"));
        assert_no_file(target);
    }
    assert_true(failures >= 8); /* every allocation failed once */
    assert_file_is(target, want.v, want.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dev_full),
        cmocka_unit_test_setup_teardown(test_pipe, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_cannot_create, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_folder_without_permission, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_disk_full_anywhere, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_old_file_survives, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_file_size_limit, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_write_without_memory, make_dir, remove_dir),
    };
    return cmocka_run_group_tests_name("gguf_write_errors", tests, NULL, NULL);
}
