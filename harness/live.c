/* The shared counter. A worker that is another program has no such page: its tokens are not seen. */
#include "harness/live.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

static atomic_uint_fast64_t *page;

bool live_share(void)
{
    if (page)
        return true;
    void *p = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        page = p;
    return page;
}

bool live_shared(void)
{
    return page;
}

void live_add(uint64_t tokens)
{
    if (page)
        atomic_fetch_add_explicit(page, tokens, memory_order_relaxed);
}

uint64_t live_tokens(void)
{
    return page ? atomic_load_explicit(page, memory_order_relaxed) : 0;
}
