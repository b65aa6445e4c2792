/* load_s is the wall time of loading. Of it, load_read_s went into waiting for the file's pages (the mean over the threads, and what
 * comparing the block scales of tq files took, which reads them whole), load_repack_s is the rest of the time in which all threads
 * convert them to the memory layout; what is left is opening, metadata and memory. The model is loaded once for all cells of
 * a model and format, which then have the same figures. weights_huge_share is of the moment of the call. */
#include "harness/load_metrics.h"

#include <stdio.h>

static void huge_share(const struct model *model, struct metric *m)
{
    static const char name[] = "weights_huge_share", source[] = "procfs smaps AnonHugePages / Rss of the weights";
    size_t resident, huge;
    if (huge_map_pages(&model->arena, &resident, &huge) == 0 && resident > 0)
        metric_set(m, name, "1", METRIC_DERIVED, (double)huge / (double)resident, source);
    else
        metric_unavailable(m, name, "1", source, "this kernel's smaps does not tell of huge pages");
}

void load_metrics(const struct model *m, struct metric out[LOAD_METRICS])
{
    metric_set(&out[0], "load_s", "s", METRIC_MEASURED, m->load_s, "engine");
    if (m->gguf)
        metric_set(&out[1], "load_read_s", "s", METRIC_MEASURED, m->read_s, "engine");
    else
        metric_unavailable(&out[1], "load_read_s", "s", "engine", "the weights are made from a seed: there is no file to read");
    metric_set(&out[2], "load_repack_s", "s", METRIC_DERIVED, m->repack_s, "engine: time of filling less waiting for pages");
    if (!m->gguf)
        snprintf(out[2].reason, sizeof out[2].reason, "includes making the weights from the seed");
    huge_share(m, &out[3]);
}
