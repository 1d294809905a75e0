/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RW_JSON_LINE_H
#define RW_JSON_LINE_H

/*
 * The line, from 1 on, where a value begins in a text that is JSON: services[3].backends[1].
 * 0, there is no such value.
 */
unsigned int rw_json_line(const char *text, const char *path);

#endif
