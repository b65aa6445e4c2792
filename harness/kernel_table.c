/* The table: peaks first, then one block for each shape, number of threads and number of tokens, one line per kernel. */
#include <math.h>

#include "harness/kernel_out.h"

int kernel_cell_time(const struct kernel_cell *c, struct interval *call_s, struct interval *over_c)
{
    const struct kernel_cell *plain = kernel_cell_c(c);
    const int rc = stats_median_interval(c->call_s, c->n_samples, call_s);
    *over_c = (struct interval){.value = NAN, .lo = NAN, .hi = NAN, .confidence = NAN, .method = "none"};
    const size_t n = plain->n_samples < c->n_samples ? plain->n_samples : c->n_samples; /* the rounds that both have */
    if (n > 0)
        stats_speed_ratio(plain->call_s, n, c->call_s, n, over_c);
    return rc;
}

static void print_peaks(FILE *f, const struct kernel_bench *b)
{
    static const char *const before[PEAK_KINDS] = {" read", "  int8", "  fma"};
    fprintf(f, "Peaks, best of %zu samples taken between those of the kernels; read in GB/s, the others in GMAC/s:\n",
            b->peaks.n ? b->peaks.list[0].n : 0);
    for (size_t t = 0; t < b->plan->req.threads.n; t++) {
        const unsigned threads = b->plan->req.threads.v[t];
        int kind = -1;
        fprintf(f, "  %u thread%s:", threads, threads == 1 ? "" : "s");
        for (size_t i = 0; i < b->peaks.n; i++) {
            const struct kernel_peak *p = &b->peaks.list[i];
            if (p->threads != threads)
                continue;
            fputs((int)p->kind == kind ? "," : before[p->kind], f);
            if (p->kind != PEAK_READ)
                fprintf(f, " %s", p->loops->isa);
            fprintf(f, " %.1f", kernel_peak_best(p, 0, p->n));
            kind = (int)p->kind;
        }
        fputc('\n', f);
    }
}

static void limit_text(const struct kernel_limit *l, char text[48])
{
    snprintf(text, 48, "%s%s%s", peak_kind_name(l->bound), l->isa ? " " : "", l->isa ? l->isa : "");
}

/* "412.3 [405.1, 431.0]" in microseconds; "~" marks what was scaled */
static void time_text(const struct interval *s, bool scaled, char text[64])
{
    const int digits = s->value >= 1e-3 ? 0 : s->value >= 1e-4 ? 1 : 2;
    if (s->hi >= s->lo)
        snprintf(text, 64, "%.*f [%.*f, %.*f]%s", digits, 1e6 * s->value, digits, 1e6 * s->lo, digits, 1e6 * s->hi,
                 scaled ? "~" : " ");
    else
        snprintf(text, 64, "%.*f%s", digits, 1e6 * s->value, scaled ? "~" : " ");
}

static int print_cell(FILE *f, const struct kernel_bench *b, const struct kernel_cell *c)
{
    struct interval call_s, over_c;
    char own[48], best[48], time[64];
    const bool scaled =
        kernel_cell_macs(b->plan, c) > (double)c->rows_timed * (double)b->plan->req.shapes[c->shape].cols * c->n_timed;
    if (c->status != KERNEL_OK) {
        fprintf(f, "  %-6s %-11s WRONG: %s\n", c->fmt->name, kernel_cell_isa(c), c->reason);
        return 0;
    }
    const int rc = kernel_cell_time(c, &call_s, &over_c);
    if (rc != 0)
        return rc;
    const struct kernel_limit o = kernel_cell_limit(b, c, call_s.value, false), m = kernel_cell_limit(b, c, call_s.value, true);
    limit_text(&o, own);
    limit_text(&m, best);
    time_text(&call_s, scaled, time);
    fprintf(f, "  %-6s %-11s %28s %8.4g %7.3g %7.3g  %-16s %5.1f%%  %-16s %5.1f%%\n", c->fmt->name, kernel_cell_isa(c), time,
            1e-9 * kernel_cell_macs(b->plan, c) / call_s.value, 1e-9 * (double)c->weight_bytes / call_s.value, over_c.value, own,
            100 * o.share, best, 100 * m.share);
    return 0;
}

static void print_heading(FILE *f, const struct kernel_bench *b, const struct kernel_cell *c)
{
    const struct kernel_shape *s = &b->plan->req.shapes[c->shape];
    const struct kernel_ruler r = kernel_cell_ruler(b, c, true);
    fprintf(f, "\n%zu x %zu (%s), %u thread%s, %s n = %u", s->rows, s->cols, s->tensors, c->threads, c->threads == 1 ? "" : "s",
            c->n == 1 ? "gemv" : "gemm", c->n);
    if (r.read_gb_s > 0)
        fprintf(f, "; read %.1f GB/s in these rounds", r.read_gb_s);
    fprintf(f, "\n  %-6s %-11s %28s %8s %7s %7s  %-16s %6s  %-16s %6s\n", "format", "isa", "us per call [95 %] ", "GMAC/s", "GB/s",
            "x C", "limit, own isa", "of it", "limit, best isa", "of it");
}

static void print_notes(FILE *f, const struct kernel_bench *b)
{
    const struct kernel_plan *p = b->plan;
    fputs("\nlimit: what the roofline allows, by the peaks of the same rounds: weights / read bandwidth or MACs / peak, whichever\n"
          "takes longer; with the kernel's own kind of instructions, and with the best ones of this CPU. GB/s: of weights.\n"
          "x C: times faster than plain C on the same data and threads.\n",
          f);
    fprintf(f, "~: plain C computes about %.0f million MACs a call (some rows, at most %d tokens), scaled to the whole by MACs.\n",
            1e-6 * KERNEL_C_MACS, KERNEL_C_TOKENS);
    if (b->in_cache)
        fputs("--in-cache: one copy of each matrix; bandwidth is left out of the limit.\n", f);
    else
        fprintf(f, "Weights come from memory: %.0f MB of copies for each shape; last-level caches: %.0f MB.\n",
                1e-6 * (double)b->arena_bytes, 1e-6 * (double)b->llc_bytes);
    for (size_t i = 0; i < p->n_skips; i++) {
        const struct kernel_skip *s = &p->skips[i];
        fprintf(f, "not run: %s%s%s", s->fmt->name, s->isa ? " " : "", s->isa ? s->isa : "");
        if (s->shape != KERNEL_ANY_SHAPE)
            fprintf(f, " on %zu x %zu", p->req.shapes[s->shape].rows, p->req.shapes[s->shape].cols);
        fprintf(f, ": %s\n", s->reason);
    }
}

int kernel_print_table(FILE *f, const struct kernel_bench *b)
{
    const struct kernel_plan *p = b->plan;
    int rc = 0;
    print_peaks(f, b);
    for (size_t i = 0; i < p->n_cells && rc == 0; i++) {
        const struct kernel_cell *c = &p->cells[i];
        if (i == 0 || c[-1].shape != c->shape || c[-1].threads != c->threads || c[-1].n != c->n)
            print_heading(f, b, c);
        rc = print_cell(f, b, c);
    }
    print_notes(f, b);
    if (b->n_wrong)
        fprintf(f, "%zu of %zu results are WRONG: they differ from plain C's and were not timed.\n", b->n_wrong, p->n_cells);
    else
        fprintf(f, "%zu results, each output equal to plain C's, bit for bit.\n", p->n_cells);
    return rc;
}
