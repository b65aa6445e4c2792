/* Named model shapes: configs/models/NAME.ini, for synthetic models. */
#ifndef BITJOULE_SHAPE_H
#define BITJOULE_SHAPE_H

#include "engine/model.h"

/* Reads the shape called `name` (or the file of that path). 0, or a negative errno and one line in err that names file, line
 * and what would be right. */
int shape_load(const char *name, struct hparams *hp, char err[MODEL_ERR_LEN]);

#endif
