/* The pages of a mapped file: brought in before they are used, so that reading can be told from computing, and let go
 * afterwards, so that a file never stays in memory beside what was made of it. (The system's cache of the file is its own
 * business.) */
#include <stdint.h>
#include <sys/mman.h>

#include "engine/gguf_internal.h"

/* Touching a page maps what the cache holds around it, before and behind: as far as a page table reaches where the cache has large
 * folios, else 64 KiB (fault_around_bytes). What has come in unasked must go too. */
enum { FETCH_WINDOW = 64 << 10, RELEASE_WINDOW = 2 << 20, PAGE = 4096 };

/* Whole windows around [data, data + len), inside the file; by addresses, since page tables are. */
struct span {
    char *at;
    size_t len;
};

static struct span windows(const struct gguf *g, const void *data, size_t len, size_t window)
{
    const uintptr_t base = (uintptr_t)g->base, file_end = base + g->len, at = (uintptr_t)data;
    const uintptr_t from = at / window * window, to = (at + len + window - 1) / window * window;
    const uintptr_t first = from > base ? from : base;
    return (struct span){(char *)first, (to < file_end ? to : file_end) - first};
}

static void touch(const struct span *s)
{
    for (size_t i = 0; i < s->len; i += PAGE)
        (void)*(volatile const char *)(s->at + i);
}

void gguf_fetch(const struct gguf *g, const void *data, size_t len)
{
    if (!g->mapped)
        return;
    const struct span s = windows(g, data, len, FETCH_WINDOW);
    const size_t left = g->len - (size_t)((const unsigned char *)s.at - g->base) - s.len;
    if (left > 0)
        madvise(s.at + s.len, left < s.len ? left : s.len, MADV_WILLNEED); /* the disk works while we compute; a hint */
#ifdef MADV_POPULATE_READ
    if (madvise(s.at, s.len, MADV_POPULATE_READ) == 0) /* Linux 5.14 */
        return;
#endif
    touch(&s);
}

void gguf_release(const struct gguf *g, const void *data, size_t len)
{
    if (!g->mapped)
        return;
    const struct span s = windows(g, data, len, RELEASE_WINDOW);
    madvise(s.at, s.len, MADV_DONTNEED); /* a clean private mapping: whoever still reads here gets the page again */
}

void gguf_release_all(const struct gguf *g)
{
    gguf_release(g, g->base, g->len);
}
