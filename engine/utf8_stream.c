/* Decoded bytes -> whole UTF-8 characters, while they arrive in pieces.
 *
 * Bytes go one by one behind those held back; as soon as they are a character, or cannot become one, they are written or
 * replaced by U+FFFD. At most 3 bytes wait. Each longest wrong piece that began well counts as one U+FFFD, as in browsers, so
 * the result does not depend on where the pieces were cut. Control characters pass unchanged. */
#include <assert.h>
#include <string.h>

#include "engine/tok_internal.h"

static const char replacement[3] = {'\xef', '\xbf', '\xbd'}; /* U+FFFD */

/* Length of a character by its first byte, and the range of its second byte. Length 0: no character starts so. */
static unsigned utf8_lead(uint8_t c, uint8_t *lo, uint8_t *hi)
{
    *lo = 0x80;
    *hi = 0xbf;
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return 2;
    if (c < 0xf0) {
        if (c == 0xe0)
            *lo = 0xa0; /* below: could be shorter */
        if (c == 0xed)
            *hi = 0x9f; /* above: surrogates */
        return 3;
    }
    if (c == 0xf0)
        *lo = 0x90;
    if (c == 0xf4)
        *hi = 0x8f; /* above: beyond U+10FFFF */
    return 4;
}

int utf8_step(const char *p, size_t n)
{
    uint8_t lo, hi;
    const unsigned len = utf8_lead((uint8_t)p[0], &lo, &hi);
    if (len == 0)
        return -1;
    for (unsigned i = 1; i < len; i++) {
        if (i == n)
            return 0;
        const uint8_t c = (uint8_t)p[i];
        if (c < lo || c > hi)
            return -(int)i;
        lo = 0x80;
        hi = 0xbf;
    }
    return (int)len;
}

static size_t put(char *out, size_t n, size_t cap, const char *bytes, size_t len)
{
    assert(len <= cap - n);
    memcpy(out + n, bytes, len);
    return n + len;
}

size_t utf8_stream_push(struct utf8_stream *s, struct gguf_str piece, char *out, size_t out_cap)
{
    size_t n = 0;
    for (size_t i = 0; i < piece.len; i++) {
        s->held[s->n_held++] = piece.ptr[i];
        int step = utf8_step(s->held, s->n_held);
        while (step != 0) { /* twice when the last byte ends a wrong piece and is a character itself */
            const size_t used = (size_t)(step < 0 ? -step : step);
            n = step < 0 ? put(out, n, out_cap, replacement, sizeof replacement) : put(out, n, out_cap, s->held, used);
            s->n_held -= used;
            memmove(s->held, s->held + used, s->n_held);
            step = s->n_held ? utf8_step(s->held, s->n_held) : 0;
        }
    }
    return n;
}

size_t utf8_stream_end(struct utf8_stream *s, char *out, size_t out_cap)
{
    if (s->n_held == 0)
        return 0;
    s->n_held = 0;
    return put(out, 0, out_cap, replacement, sizeof replacement);
}
