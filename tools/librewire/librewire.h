/* SPDX-License-Identifier: GPL-2.0 */
/* All of the library. */
#ifndef LIBREWIRE_H
#define LIBREWIRE_H

#include "address.h"
#include "codec.h"
#include "names.h"
#include "requests.h"
#include "socket.h"
#include "types.h"

#endif
