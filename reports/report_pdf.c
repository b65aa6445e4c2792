/* The converters, best first, and how each is called inside the report's folder. */
#include "reports/report_pdf.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/report_child.h"

enum { PDF_LIMIT_S = 180, PDF_ARGS = 16 };

/* Chromium in a profile of its own, so that a browser that is open is left alone; @ stands for that folder. As root it runs only
 * without its sandbox ("?": then alone), and the page holds no script. */
#define CHROMIUM_ARGS                                                                                        \
    {                                                                                                        \
        "--headless", "?--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", \
            "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", "--user-data-dir=@",   \
            "--print-to-pdf=report.pdf", "report.html"                                                       \
    }
static const struct converter {
    const char *name;
    const char *args[PDF_ARGS];
} converters[] = {
    {"chromium", CHROMIUM_ARGS},
    {"google-chrome", CHROMIUM_ARGS},
    {"weasyprint", {"report.html", "report.pdf"}},
    {"wkhtmltopdf", {"--quiet", "--print-media-type", "--disable-javascript", "report.html", "report.pdf"}},
};
enum { N_CONVERTERS = sizeof(converters) / sizeof(converters[0]) };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static void fill_args(struct arena *a, const struct converter *c, const char *profile, const char **argv)
{
    size_t n = 0;
    argv[n++] = c->name;
    for (size_t i = 0; i < PDF_ARGS && c->args[i]; i++) {
        const char *arg = c->args[i], *at = strchr(arg, '@');
        if (*arg == '?' && geteuid() != 0)
            continue;
        argv[n++] = at ? arena_fmt(a, "%.*s%s", (int)(at - arg), arg, profile) : arg + (*arg == '?');
    }
    argv[n] = NULL;
}

static int convert(struct arena *a, const struct converter *c, const char *file, const char *dir, char err[REPORT_ERR_LEN])
{
    const char *argv[PDF_ARGS + 2];
    char said[CHILD_SAID_LEN], profile[] = "/tmp/bitjoule-pdf-XXXXXX";
    struct stat st;
    if (!mkdtemp(profile)) {
        const int rc = -errno;
        snprintf(err, REPORT_ERR_LEN, "no report.pdf: no temporary folder: %s", strerror(-rc));
        return rc;
    }
    fill_args(a, c, profile, argv);
    const struct child child = {.file = file, .argv = argv, .dir = dir, .limit_s = PDF_LIMIT_S};
    int rc = a->oom ? -ENOMEM : child_run(&child, said);
    nftw(profile, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (rc < 0)
        snprintf(err, REPORT_ERR_LEN, "no report.pdf: %s: %s", c->name, strerror(-rc));
    else if (rc > 0)
        snprintf(err, REPORT_ERR_LEN, "no report.pdf: %s ended with status %d: %s", c->name, rc, said);
    else if (stat(arena_fmt(a, "%s/report.pdf", dir), &st) != 0 || st.st_size == 0)
        snprintf(err, REPORT_ERR_LEN, "no report.pdf: %s ended without an error and without a file", c->name);
    else
        return 0;
    return rc < 0 ? rc : -EIO;
}

int report_pdf_make(struct arena *a, const char *dir, char err[REPORT_ERR_LEN])
{
    unlink(arena_fmt(a, "%s/report.pdf", dir));
    for (size_t i = 0; i < N_CONVERTERS; i++) {
        const char *file = child_find(a, converters[i].name);
        if (file)
            return convert(a, &converters[i], file, dir, err);
    }
    snprintf(
        err, REPORT_ERR_LEN,
        "no report.pdf: neither chromium nor google-chrome, weasyprint or wkhtmltopdf is installed; a browser prints report.html");
    return -ENOENT;
}
