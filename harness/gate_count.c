/* Runs valgrind as a subprocess, its report in a temporary file of which the line with the count is looked for. */
#include "harness/gate_count.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_TOKEN = 3, LINE_LEN = 1024 };

static const struct tool {
    const char *name, *options, *line, *after; /* the number stands behind `after` in the line that holds `line` */
} callgrind = {"callgrind", "--callgrind-out-file=/dev/null", "Collected", ": "},
  memcheck = {"memcheck", "--leak-check=no", "total heap usage", "usage: "};

/* "3,4,5,..."; NULL: out of memory */
static char *token_list(unsigned n)
{
    char *text = malloc((size_t)n * 8 + 1);
    size_t used = 0;
    for (unsigned i = 0; text && i < n; i++)
        used += (size_t)snprintf(text + used, 8, "%s%u", i ? "," : "", FIRST_TOKEN + i % 60);
    return text;
}

/* Whether `program` ended well. Its output is dropped. */
static int run(char *const argv[], char reason[GATE_COUNT_REASON_LEN])
{
    int status = 0;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(errno == ENOENT ? 127 : 126);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
        snprintf(reason, GATE_COUNT_REASON_LEN, "valgrind is not installed (Debian: apt install valgrind)");
    else
        snprintf(reason, GATE_COUNT_REASON_LEN, "the program failed under valgrind (%s)",
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "its exit status is not 0");
    return -ECHILD;
}

/* "==123==   total heap usage: 1,234 allocs": 1234. NAN: no such line. */
static double find_number(FILE *f, const struct tool *tool)
{
    char line[LINE_LEN];
    double value = NAN;
    while (fgets(line, sizeof line, f)) {
        const char *p = strstr(line, tool->line);
        p = p ? strstr(p, tool->after) : NULL;
        if (!p)
            continue;
        value = 0;
        for (p += strlen(tool->after); (*p >= '0' && *p <= '9') || *p == ','; p++)
            value = *p == ',' ? value : 10 * value + (*p - '0');
    }
    return value;
}

static double count(const struct tool *tool, const char *program, const char *model, const char *format, unsigned tokens,
                    char reason[GATE_COUNT_REASON_LEN])
{
    char path[] = "/tmp/bitjoule-countXXXXXX", log[64], name[64];
    char *ids = token_list(tokens);
    const int fd = mkstemp(path);
    double value = NAN;
    snprintf(log, sizeof log, "--log-file=%s", path);
    snprintf(name, sizeof name, "--tool=%s", tool->name);
    char *const argv[] = {"valgrind",
                          name,
                          (char *)tool->options,
                          log,
                          (char *)program,
                          "logits",
                          "-m",
                          (char *)model,
                          "--format",
                          (char *)format,
                          "-t",
                          "1",
                          "--chunk",
                          "1",
                          "--ctx",
                          "512",
                          "--tokens",
                          ids,
                          "-o",
                          "/dev/null",
                          NULL};
    if (fd < 0 || !ids) {
        snprintf(reason, GATE_COUNT_REASON_LEN, "no temporary file: %s", strerror(errno));
    } else if (!run(argv, reason)) {
        FILE *f = fdopen(dup(fd), "r");
        value = f ? find_number(f, tool) : (double)NAN;
        if (f)
            fclose(f);
        if (isnan(value))
            snprintf(reason, GATE_COUNT_REASON_LEN, "no '%s' in the report of valgrind's %s", tool->line, tool->name);
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(ids);
    return value;
}

static double per_token(const struct tool *tool, const char *program, const char *model, const char *format, unsigned tokens,
                        char reason[GATE_COUNT_REASON_LEN])
{
    const double once = count(tool, program, model, format, tokens, reason);
    return isnan(once) ? once : (count(tool, program, model, format, 2 * tokens, reason) - once) / tokens;
}

void gate_count_tokens(const char *program, const char *model, const char *format, unsigned tokens, struct gate_count *out)
{
    out->reason[0] = 0;
    out->instructions_per_token = per_token(&callgrind, program, model, format, tokens, out->reason);
    out->allocations_per_token = out->reason[0] ? (double)NAN : per_token(&memcheck, program, model, format, tokens, out->reason);
}

double gate_binary_bytes(const char *program)
{
    Elf64_Ehdr head;
    double bytes = 0;
    FILE *f = fopen(program, "re");
    bool ok = f && fread(&head, sizeof head, 1, f) == 1 && !memcmp(head.e_ident, ELFMAG, SELFMAG) &&
              head.e_ident[EI_CLASS] == ELFCLASS64 && !fseek(f, (long)head.e_phoff, SEEK_SET);
    for (unsigned i = 0; ok && i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        ok = fread(&segment, sizeof segment, 1, f) == 1;
        if (ok && segment.p_type == PT_LOAD)
            bytes += (double)segment.p_filesz;
    }
    if (f)
        fclose(f);
    return ok && bytes > 0 ? bytes : (double)NAN;
}
