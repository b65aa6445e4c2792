/* load_s is the wall time of loading, of which load_read_s went into waiting for the file's pages and load_repack_s into
 * converting them to the memory layout; what is left is opening, metadata and scales. The model is loaded once for all cells of
 * a model and format, which then have the same figures. weights_huge_share is of the moment of the call. */
#include "harness/load_metrics.h"

#include <stdio.h>

static void set_seconds(struct metric *m, const char *name, double seconds)
{
    metric_set(m, name, "s", METRIC_MEASURED, seconds, "engine");
}

static void huge_share(const struct model *model, struct metric *m)
{
    static const char name[] = "weights_huge_share", source[] = "procfs smaps AnonHugePages / Rss of the weights";
    size_t resident, huge;
    if (huge_map_pages(&model->arena, &resident, &huge) == 0 && resident > 0)
        metric_set(m, name, "1", METRIC_DERIVED, (double)huge / (double)resident, source);
    else
        metric_unavailable(m, name, "1", source, "this kernel's smaps does not tell of huge pages");
}

size_t load_metrics(const struct model *m, struct metric out[LOAD_METRICS])
{
    set_seconds(&out[0], "load_s", m->load_s);
    set_seconds(&out[1], "load_read_s", m->read_s);
    if (!m->gguf)
        metric_unavailable(&out[1], "load_read_s", "s", "engine", "the weights are made from a seed: there is no file to read");
    set_seconds(&out[2], "load_repack_s", m->repack_s);
    if (!m->gguf)
        snprintf(out[2].reason, sizeof out[2].reason, "includes making the weights from the seed");
    huge_share(m, &out[3]);
    return LOAD_METRICS;
}
