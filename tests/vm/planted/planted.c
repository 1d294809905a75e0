// SPDX-License-Identifier: GPL-2.0
/* Bugs that a run must not pass with: a test of the test bed. */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "none, uaf, lockinv, leak, late, warn, busy or report");

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);

static void use_after_free(void)
{
	int *object = kmalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		return;
	kfree(object);
	WRITE_ONCE(*object, 1);
}

static void take(spinlock_t *outer, spinlock_t *inner)
{
	spin_lock(outer);
	spin_lock(inner);
	spin_unlock(inner);
	spin_unlock(outer);
}

static void lock_inversion(void)
{
	take(&first, &second);
	take(&second, &first);
}

/* Several, since a stale pointer may hide one from the search. */
#define OBJECTS	10

static void *objects[OBJECTS];

static void make(void)
{
	int i;

	for (i = 0; i < OBJECTS; i++) {
		objects[i] = kmalloc(64, GFP_KERNEL);
		if (objects[i])
			memset(objects[i], 0xa5, 64);
	}
}

static void leak(void)
{
	make();
	memset(objects, 0, sizeof(objects));
}

static int __init planted_init(void)
{
	if (!strcmp(bug, "uaf"))
		use_after_free();
	else if (!strcmp(bug, "lockinv"))
		lock_inversion();
	else if (!strcmp(bug, "leak"))
		leak();
	else if (!strcmp(bug, "late"))		/* lost when the module goes */
		make();
	else if (!strcmp(bug, "warn"))
		WARN_ON(1);
	else if (!strcmp(bug, "busy"))
		__module_get(THIS_MODULE);
	else if (strcmp(bug, "none") && strcmp(bug, "report"))
		return -EINVAL;
	return 0;
}

static void __exit planted_exit(void)
{
	if (!strcmp(bug, "report"))
		pr_info("rewire: 1 flow leaked\n");
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Bugs that a run must not pass with");
