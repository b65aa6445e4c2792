/* Streaming of decoded text: whole characters only, the same result however the bytes are cut, U+FFFD as the Unicode standard
 * recommends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tok_internal.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* All of text in pieces of 0 to max_piece bytes. Each output buffer is as small as the header allows, in its own allocation, so
 * that a sanitizer sees an overflow. Returns the length; out takes 3 * len + 4. */
static size_t stream(const char *text, size_t len, uint32_t max_piece, char *out)
{
    struct utf8_stream s = {0};
    size_t n = 0;
    for (size_t pos = 0; pos < len;) {
        size_t piece = random_below(max_piece + 1);
        piece = piece < len - pos ? piece : len - pos;
        const size_t cap = 3 * piece + 4;
        char *part = malloc(cap);
        assert_non_null(part);
        const size_t got = utf8_stream_push(&s, (struct gguf_str){text + pos, piece}, part, cap);
        assert_true(got <= cap);
        for (size_t i = 0; i < got;) { /* only whole characters */
            const int step = utf8_step(part + i, got - i);
            assert_true(step > 0);
            i += (size_t)step;
        }
        memcpy(out + n, part, got);
        n += got;
        pos += piece;
        free(part);
    }
    char last[3];
    const size_t got = utf8_stream_end(&s, last, sizeof last);
    memcpy(out + n, last, got);
    assert_int_equal(utf8_stream_end(&s, last, sizeof last), 0);
    return n + got;
}

static void check(const char *text, size_t len, const char *want)
{
    char out[256];
    for (uint32_t max_piece = 1; max_piece < 6; max_piece++) {
        const size_t n = stream(text, len, max_piece, out);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(out, want, n);
    }
}

/* The Unicode standard 15, section 3.9, tables 3-8 to 3-11, and the ends of the valid ranges. */
static void replacement_of_wrong_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
         "A",
         BAD BAD BAD BAD BAD BAD BAD BAD "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
         "A",
         BAD BAD BAD BAD BAD BAD BAD BAD "A"},
        {"\xf4\x91\x92\x93\xff"
         "A\x80\xbf"
         "B",
         BAD BAD BAD BAD BAD "A" BAD BAD "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
         "A",
         BAD BAD BAD BAD "A"},
        {"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xe0\xa0\x80\xf0\x90\x80\x80\xc2\x80",
         "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xe0\xa0\x80\xf0\x90\x80\x80\xc2\x80"},
        {"\xf5\x80\xc1\xbf", BAD BAD BAD BAD},
        {"end\xf0\x9f\x99", "end" BAD},
        {"\xe4", BAD},
        {"", ""},
        {"\x01\x7f\n", "\x01\x7f\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].text, strlen(cases[i].text), cases[i].want);
}

static void valid_text_is_unchanged(void **state)
{
    (void)state;
    char text[4096], out[3 * sizeof text + 4];
    random_state = 1;
    for (int round = 0; round < 200; round++) {
        size_t len = 0;
        while (len + 4 <= sizeof text) {
            const uint32_t c = random_below(4) ? random_below(0x3000) : random_below(0x110000);
            if (c >= 0xd800 && c < 0xe000)
                continue;
            if (c < 0x80) {
                text[len++] = (char)c;
            } else if (c < 0x800) {
                text[len++] = (char)(0xc0 | c >> 6);
                text[len++] = (char)(0x80 | (c & 0x3f));
            } else {
                text[len++] = c < 0x10000 ? (char)(0xe0 | c >> 12) : (char)(0xf0 | c >> 18);
                if (c >= 0x10000)
                    text[len++] = (char)(0x80 | (c >> 12 & 0x3f));
                text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
                text[len++] = (char)(0x80 | (c & 0x3f));
            }
        }
        assert_int_equal(stream(text, len, 7, out), len);
        assert_memory_equal(out, text, len);
    }
}

/* Noise made of bytes that often begin characters. */
static void cutting_does_not_matter(void **state)
{
    (void)state;
    static const unsigned char often[] = {0xe0, 0xed, 0xf0, 0xf4, 0xc2, 0xe4, 0x80, 0x9f, 0xa0, 0xbf, 'A'};
    char text[512], whole[3 * sizeof text + 4], cut[3 * sizeof text + 4];
    random_state = 7;
    for (int round = 0; round < 2000; round++) {
        const size_t len = random_below(sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(random_below(3) ? often[random_below(sizeof often)] : random_below(256));
        struct utf8_stream s = {0};
        size_t n = utf8_stream_push(&s, (struct gguf_str){text, len}, whole, sizeof whole);
        n += utf8_stream_end(&s, whole + n, sizeof whole - n);
        assert_int_equal(stream(text, len, 5, cut), n);
        assert_memory_equal(cut, whole, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replacement_of_wrong_bytes),
        cmocka_unit_test(valid_text_is_unchanged),
        cmocka_unit_test(cutting_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
