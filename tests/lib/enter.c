// SPDX-License-Identifier: GPL-2.0
/*
 * enter NAMESPACE COMMAND...: run a command in a network namespace that has a name.
 *
 * "ip netns exec" mounts /sys anew each time as well, which takes longer than most commands of
 * a test do.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	char path[256];
	int fd;

	if (argc < 3)
		errx(2, "a namespace and a command are needed");
	snprintf(path, sizeof(path), "/run/netns/%s", argv[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(255, "namespace %s", argv[1]);
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
