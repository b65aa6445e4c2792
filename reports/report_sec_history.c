/* Section "History": speed by commit, where the set has runs of one machine from several commits. The plot says it all. */
#include "reports/report_sections.h"

void section_history(struct report *r)
{
    bool any = false;
    for (size_t i = 0; i < r->plots->n; i++)
        any |= r->plots->list[i].kind == PLOT_HISTORY;
    if (!any)
        return;
    doc_heading(&r->doc, 2, "History");
    doc_paragraph(
        &r->doc,
        "Decode on the most threads, of runs on one CPU model, by the commit that was measured; the oldest run comes first.");
    put_plots(r, PLOT_HISTORY);
}
