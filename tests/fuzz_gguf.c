/* libFuzzer target: any bytes are opened as a GGUF file; what opens is read through every look-up.
 *
 * A refusal must come with one printable line that starts with the file's name. Build with
 * clang -fsanitize=fuzzer,address,undefined; the golden GGUF files make good seeds once cut to their first kilobytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/gguf_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t sink;
    char err[GGUF_ERR_LEN];
    struct gguf *g;
    if (gguf_open_memory("fuzz.gguf", data, size, &g, err) == 0) {
        sink = gguf_touch(g, data, size);
        gguf_close(g);
        return 0;
    }
    touch_require(g == NULL && strncmp(err, "fuzz.gguf: ", 11) == 0 && strlen(err) > 11, "a refusal without its line");
    for (const char *c = err; *c; c++)
        touch_require(*c >= 0x20 && *c < 0x7f, "a refusal with a control character");
    (void)sink;
    return 0;
}
