/* Source "rpi5": the power chip of a Raspberry Pi 5, read with `vcgencmd pmic_read_adc` (group `video`).
 *
 * The command prints pairs of lines, "VDD_CORE_A current(7)=1.5A" and "VDD_CORE_V volt(15)=0.87V"; a rail's power is volt * ampere.
 * The sum over the rails is what the chip delivers to processor and memory. It is not the board: USB, fan and the chip's own
 * losses are fed beside it, and of the 5 V input (EXT5V) only the voltage can be read. One process per sample: once per second, and
 * even that belongs into a pass of its own, not into a timed one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profiles/energy_source.h"
#include "profiles/sysfile.h"
#include "profiles/vcgencmd.h"

enum { MAX_RAILS = 32, OUTPUT_LEN = 8192 };

struct rails {
    struct rail {
        char name[24];
        double volt, ampere; /* negative: not printed */
    } rail[MAX_RAILS];
    size_t n;
    int rc; /* of the last command */
};

static struct rail *find_rail(struct rails *r, const char *name, size_t len)
{
    for (size_t i = 0; i < r->n; i++)
        if (strlen(r->rail[i].name) == len && strncmp(r->rail[i].name, name, len) == 0)
            return &r->rail[i];
    if (r->n == MAX_RAILS || len >= sizeof r->rail[0].name)
        return NULL;
    struct rail *rail = &r->rail[r->n++];
    *rail = (struct rail){.volt = -1, .ampere = -1};
    memcpy(rail->name, name, len);
    return rail;
}

/* One line: "   VDD_CORE_A current(7)=1.50A". */
static void parse_line(struct rails *r, const char *line)
{
    line += strspn(line, " \t");
    const size_t len = strcspn(line, " ");
    const char *equal = strchr(line, '=');
    if (len < 3 || line[len - 2] != '_' || !equal)
        return;
    char *end;
    const double value = strtod(equal + 1, &end);
    const char kind = line[len - 1];
    if (end == equal + 1 || (kind != 'A' && kind != 'V') || *end != kind)
        return;
    struct rail *rail = find_rail(r, line, len - 2);
    if (rail && kind == 'A')
        rail->ampere = value;
    else if (rail)
        rail->volt = value;
}

static void rpi5_refresh(struct energy_channels *c)
{
    struct rails *r = c->own;
    char text[OUTPUT_LEN], *save = NULL;
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        r->rail[i].volt = r->rail[i].ampere = -1;
    r->rc = vcgencmd_run("pmic_read_adc", text, sizeof text);
    if (r->rc)
        return;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        parse_line(r, line);
}

/* A channel's id is the index of its rail. */
static int rpi5_watts(const struct energy_channels *c, size_t i, double *watts)
{
    const struct rails *r = c->own;
    const struct rail *rail = &r->rail[c->ch[i].id];
    *watts = rail->volt * rail->ampere;
    return r->rc ? r->rc : rail->volt < 0 || rail->ampere < 0 ? -ENODATA : 0;
}

static int add_rails(struct energy_channels *c, const struct rails *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->rail[i].volt < 0 || r->rail[i].ampere < 0) /* EXT5V, BATT: volts only */
            continue;
        struct energy_channel *ch = energy_add(c);
        if (!ch)
            return -ENOMEM;
        snprintf(ch->label, sizeof ch->label, "%s", r->rail[i].name);
        snprintf(ch->name, sizeof ch->name, "PMIC output");
        ch->domain = ENERGY_PMIC;
        ch->die = (int)i;
        ch->id = i;
    }
    return 0;
}

static int rpi5_open(struct energy_channels *c)
{
    char model[96];
    sysfile_text(model, sizeof model, env_sysfs(&c->env), "firmware/devicetree/base/model");
    c->period_s = 1;
    if (strncmp(model, "Raspberry Pi 5", 14) != 0 && strncmp(model, "Raspberry Pi Compute Module 5", 29) != 0) {
        energy_trouble(c, ENERGY_ABSENT, "this is no Raspberry Pi 5");
        return 0;
    }
    struct rails *r = calloc(1, sizeof *r);
    c->own = r;
    if (!r)
        return -ENOMEM;
    rpi5_refresh(c);
    if (r->rc)
        energy_trouble(c, ENERGY_DENIED,
                       "vcgencmd pmic_read_adc: %s. Install it (libraspberrypi-bin) and let root type: usermod -aG video USER",
                       strerror(-r->rc));
    const int rc = r->rc ? 0 : add_rails(c, r);
    if (!rc && !r->rc && c->n == 0)
        energy_trouble(c, ENERGY_DENIED, "vcgencmd pmic_read_adc printed no rail with volts and amperes");
    return rc;
}

static void rpi5_close(struct energy_channels *c)
{
    free(c->own);
}

const struct energy_source energy_rpi5 = {
    .name = "rpi5",
    .title = "power chip of the Raspberry Pi 5 (vcgencmd pmic_read_adc): processor and memory, not the board",
    .kind = ENERGY_POWER,
    .open = rpi5_open,
    .refresh = rpi5_refresh,
    .watts = rpi5_watts,
    .close = rpi5_close,
};
