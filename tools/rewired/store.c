// SPDX-License-Identifier: GPL-2.0
/* The configuration in a file, replaced as a whole or not at all. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

#define CONFIG_BYTES_MAX	(64 << 20)

struct file_store {
	struct store store;
	int needed;
	char path[];
};

static struct file_store *file_of(struct store *store)
{
	return (struct file_store *)((char *)store - offsetof(struct file_store, store));
}

static char *read_all(int fd)
{
	size_t room = 4096, length = 0;
	char *text = malloc(room), *larger;
	ssize_t got = 1;

	while (text && got > 0) {
		got = read(fd, text + length, room - length - 1);
		if (got > 0)
			length += got;
		if (length + 1 < room)
			continue;
		room *= 2;
		larger = room <= CONFIG_BYTES_MAX ? realloc(text, room) : NULL;
		if (!larger) {
			free(text);
			errno = EFBIG;
			return NULL;
		}
		text = larger;
	}
	if (got < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[length] = 0;
	/* What is behind it would be ignored */
	if (text && strlen(text) < length) {
		free(text);
		errno = EBADMSG;
		return NULL;
	}
	return text;
}

static char *file_load(struct store *store, struct error *error)
{
	struct file_store *file = file_of(store);
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0 && errno == ENOENT && !file->needed)
		return strdup("{}");
	if (fd < 0) {
		refuse_errno(error, file->path);
		return NULL;
	}
	text = read_all(fd);
	if (!text && errno == EBADMSG)
		refuse(error, "%s: holds a null character", file->path);
	else if (!text)
		refuse_errno(error, file->path);
	else
		file->needed = 1;	/* one that goes away is no empty configuration */
	close(fd);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t done;

	for (; left; left -= done, text += done) {
		done = write(fd, text, left);
		if (done < 0)
			return -1;
	}
	return fsync(fd);
}

/* A rename lasts when its folder has been written, too. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : slash - path) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int ret = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(folder);
	return ret;
}

static int replace_file(const char *path, const char *temporary, const char *text)
{
	struct stat status;
	mode_t mode = stat(path, &status) ? 0644 : status.st_mode & 0777;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int ret;

	if (fd < 0)
		return -1;
	ret = write_all(fd, text);
	if (close(fd) || ret || rename(temporary, path)) {
		ret = errno;
		unlink(temporary);
		errno = ret;
		return -1;
	}
	return sync_folder(path);
}

static int file_save(struct store *store, const char *text, struct error *error)
{
	struct file_store *file = file_of(store);
	char *temporary;
	int ret;

	if (asprintf(&temporary, "%s.new", file->path) < 0)
		return refuse_errno(error, file->path);
	ret = replace_file(file->path, temporary, text);
	if (ret)
		refuse_errno(error, file->path);
	else
		file->needed = 1;
	free(temporary);
	return ret;
}

static void file_close(struct store *store)
{
	free(file_of(store));
}

struct store *store_open_file(const char *path, int needed)
{
	struct file_store *file = allocate(1, sizeof(*file) + strlen(path) + 1);

	file->store = (struct store){ file_load, file_save, file_close };
	file->needed = needed;
	strcpy(file->path, path);
	return &file->store;
}
