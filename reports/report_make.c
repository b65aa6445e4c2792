/* Makes a report: sorts the cells, draws the plots, fills the document, prints it three times.
 *
 * Nothing here depends on the clock, the host or the folder: the same record gives the same bytes. */
#include "reports/report_make.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/claims.h"
#include "reports/report_csv.h"
#include "reports/report_sections.h"

static int make_dir(const char *dir, char err[REPORT_ERR_LEN])
{
    if (mkdir(dir, 0777) == 0 || errno == EEXIST)
        return 0;
    const int rc = -errno;
    snprintf(err, REPORT_ERR_LEN, "%s: cannot make the directory: %s", dir, strerror(-rc));
    return rc;
}

static int write_part(struct arena *a, const char *dir, const char *name, struct textbuf *b, char err[REPORT_ERR_LEN])
{
    const char *path = arena_fmt(a, "%s/%s", dir, name);
    const int rc = a->oom ? -ENOMEM : write_text_file(path, b);
    if (rc != 0)
        snprintf(err, REPORT_ERR_LEN, "%s/%s: %s", dir, name, strerror(-rc));
    textbuf_free(b);
    return rc;
}

static void fill(struct report *r)
{
    section_summary(r);
    section_claims(r);
    section_hosts(r);
    section_compare(r);
    section_speed(r);
    section_memory(r);
    section_latency(r);
    section_requests(r);
    section_scenarios(r);
    section_energy(r);
    section_ops(r);
    section_lossless(r);
    section_quality(r);
    section_history(r);
    section_missing(r);
    section_figures(r);
    section_machine(r);
    section_guide(r);
    section_redo(r);
}

/* A missing registry costs the verdicts, not the report; a broken one is an error. */
static int load_claims(struct report_set *set, struct report_matrix *m, struct claim_registry *reg, char err[REPORT_ERR_LEN])
{
    const int rc = claims_load(&set->arena, NULL, reg, err);
    if (rc == 0)
        m->claims = reg;
    if (rc == -ENOENT)
        report_notice(set, "configs/claims is not there, so this report has no verdicts on published claims.");
    return rc == -ENOENT ? 0 : rc;
}

int report_make(struct report_set *set, const char *dir, struct report_result *result, char err[REPORT_ERR_LEN])
{
    struct arena *a = &set->arena;
    struct report_matrix m;
    struct claim_registry reg;
    struct report_plots plots;
    struct textbuf md = {0}, html = {0}, csv = {0};
    *result = (struct report_result){.no_png = result->no_png};
    int rc = report_matrix_build(set, &m, err);
    if (rc == 0)
        rc = load_claims(set, &m, &reg, err);
    if (rc == 0)
        rc = make_dir(dir, err);
    if (rc == 0)
        rc = make_dir(arena_fmt(a, "%s/plots", dir), err);
    if (rc == 0)
        rc = report_plots_make(&m, dir, result->no_png, &plots, err);
    if (rc != 0)
        return rc;
    struct report r = {.doc = {.arena = a}, .matrix = &m, .plots = &plots, .dir = dir};
    if (m.claims) {
        r.claims = claims_judge(&reg, &m);
        r.n_claims = reg.n;
    }
    fill(&r);
    if (plots.problem)
        snprintf(result->notice, sizeof(result->notice), "%s", plots.problem);
    result->plots_broken = plots.broken;
    doc_print_markdown(&r.doc, &md);
    rc = write_part(a, dir, "report.md", &md, err);
    if (rc == 0) {
        rc = doc_print_html(&r.doc, dir, &html);
        if (rc != 0)
            snprintf(err, REPORT_ERR_LEN, "%s/plots: a plot cannot be read back: %s", dir, strerror(-rc));
        else
            rc = write_part(a, dir, "report.html", &html, err);
        textbuf_free(&html);
    }
    if (rc == 0) {
        report_csv_print(set, &csv);
        rc = write_part(a, dir, "results.csv", &csv, err);
    }
    return rc;
}
