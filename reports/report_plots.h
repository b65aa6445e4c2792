/* Plots of a report: data (.tsv), gnuplot scripts (.gp) and, where gnuplot is installed, .svg and .png, all in DIR/plots.
 *
 * A script names its data and outputs without a folder, so `cd plots && gnuplot NAME.gp` redraws it anywhere. */
#ifndef BITJOULE_REPORT_PLOTS_H
#define BITJOULE_REPORT_PLOTS_H

#include "reports/report_matrix.h"

enum plot_kind {
    PLOT_THROUGHPUT,
    PLOT_SPEEDUP,
    PLOT_HEAT,
    PLOT_PARETO,
    PLOT_PARETO_ENERGY,
    PLOT_MEMORY,
    PLOT_LATENCY,
    PLOT_DEPTH,
    PLOT_OPS,
    PLOT_ENERGY,
    PLOT_POWER,
    PLOT_HISTORY
};

struct report_plot {
    enum plot_kind kind;
    const char *name; /* file name without folder and extension */
    const char *text; /* one line: what it shows */
    bool drawn;       /* the .svg and .png are there */
};

struct report_plots {
    const char *dir; /* of the report */
    struct report_plot *list;
    size_t n;
    const char *problem; /* why plots are missing, or NULL */
    bool broken;         /* gnuplot is there and failed */
    bool no_png;         /* keep SVG only */
};

/* Writes and draws all plots; the directory DIR/plots must exist. 0 or negative errno and a line in err. A missing gnuplot is
 * not an error. */
int report_plots_make(const struct report_matrix *m, const char *dir, bool no_png, struct report_plots *p,
                      char err[REPORT_ERR_LEN]);

/* One figure of up to FIGURE_PANELS panels on its way to the disk. */
enum { FIGURE_PANELS = 6 };
struct figure {
    struct report_plots *plots;
    struct arena *arena;
    const char *name;
    struct textbuf tsv, gp;
    size_t n_series; /* data sets in the .tsv so far */
    int rc;
};

void figure_begin(struct figure *f, enum plot_kind kind, const char *name, const char *title, size_t n_panels,
                  const char *tsv_head);
void figure_series(struct figure *f); /* starts a data set: index f->n_series - 1 */
/* Breaks the line of the current data set where a result is missing. */
void figure_gap(struct figure *f);
/* A text field of the .tsv: tabs, line breaks and quotes become spaces. */
void figure_field(struct figure *f, const char *text, const char *end);
/* Four columns: x, y, and the ends of y's interval (y itself where there is none). */
void figure_point(struct figure *f, double x, struct report_interval y);
/* The look of a format's line with its bars, and its title in the key. */
void figure_style(struct figure *f, const char *format, const char *label);
/* A logarithmic axis ('x' or 'y') from a little below lo to a little above hi, with two tics or more. */
void figure_log_axis(struct figure *f, char axis, double lo, double hi);
/* How far the k-th of n series is moved along x, so that intervals at the same place can be told apart: as a share of the axis. */
double figure_shift(size_t k, size_t n);
int figure_end(struct figure *f); /* writes both files; 0 or negative errno */

/* Figures with one panel per model: for every run and test, over the groups that `want` takes, in parts of FIGURE_PANELS. */
struct sweep {
    enum plot_kind kind;
    const char *what;     /* start of the file name */
    const char *subject;  /* of the title, before the test */
    const char *tsv_head; /* names of the columns */
    bool (*want)(const struct report_group *g);
    void (*panel)(struct figure *f, const struct report_group *g);
};
int figure_sweep(const struct report_matrix *m, struct report_plots *p, const struct sweep *s);
/* True if an earlier group has the same run and test. */
bool figure_seen(const struct report_matrix *m, size_t g);
bool figure_same(const struct report_group *a, const struct report_group *b);
const char *figure_name(struct arena *a, const struct report_matrix *m, const char *what, const struct report_group *g,
                        size_t part);
/* "i2_s", or "i2_s, emb. f16" where a group has the format with several embeddings. */
const char *figure_label(struct arena *a, const struct report_group *g, const struct report_cell *c);

int plot_throughput(const struct report_matrix *m, struct report_plots *p);
int plot_speedup(const struct report_matrix *m, struct report_plots *p);
int plot_memory(const struct report_matrix *m, struct report_plots *p);
int plot_latency(const struct report_matrix *m, struct report_plots *p);
int plot_heat(const struct report_matrix *m, struct report_plots *p);
int plot_pareto(const struct report_matrix *m, struct report_plots *p);
int plot_depth(const struct report_matrix *m, struct report_plots *p);
int plot_ops(const struct report_matrix *m, struct report_plots *p);
int plot_energy(const struct report_matrix *m, struct report_plots *p);
int plot_power(const struct report_matrix *m, struct report_plots *p);
int plot_history(const struct report_matrix *m, struct report_plots *p);

/* Full path of gnuplot, or NULL: looks through the absolute folders of PATH. */
const char *gnuplot_find(struct arena *a);
/* Runs one script inside `dir`; no_png: it draws SVG only. 0, or a negative errno and what gnuplot said. */
int gnuplot_run(const char *gnuplot, const char *dir, const char *script, bool no_png, char err[REPORT_ERR_LEN]);

#endif
