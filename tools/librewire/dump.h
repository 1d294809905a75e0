/* SPDX-License-Identifier: GPL-2.0 */
/* Requests and dumps of one object, whose codec and caller's function differ. */
#ifndef RW_DUMP_H
#define RW_DUMP_H

#include "socket.h"

/* Room for a request with one object; a flow with all its copies is the largest. */
#define RW_REQUEST_MAX	8192

/* For an object that did not fit its request, which RW_REQUEST_MAX makes impossible. */
int rw_no_room(struct rw_error *error);

/* Define the answer function of a dump: decode an object, then call the caller's function. */
#define RW_DEFINE_EACH(noun)								\
struct noun##_each {									\
	rw_##noun##_fn *fn;								\
	void *data;									\
};											\
											\
static int each_##noun(const struct nlmsghdr *nlh, void *data)				\
{											\
	const struct noun##_each *each = data;						\
	struct rw_##noun noun;								\
	int ret = rw_get_##noun(nlh, &noun);						\
											\
	return ret ? ret : each->fn(&noun, each->data);					\
}

#endif
