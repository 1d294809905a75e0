/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses, ports and protocols as text.
 * Parsers return NULL, or what is wrong as the end of a sentence that begins
 * with the text: "is not an address". Printers return the buffer.
 */
#ifndef RW_ADDRESS_H
#define RW_ADDRESS_H

#include "types.h"

#define RW_ADDR_TEXT		46
#define RW_PREFIX_TEXT		(RW_ADDR_TEXT + 4)
#define RW_ENDPOINT_TEXT	(RW_ADDR_TEXT + 8)
#define RW_LLADDR_TEXT		18
#define RW_PROTOCOL_TEXT	8
#define RW_NUMBER_TEXT		21

/* A */
const char *rw_addr_parse(const char *text, struct rw_addr *addr);
char *rw_addr_print(char text[RW_ADDR_TEXT], const struct rw_addr *addr);
/* NULL, all 0 */
char *rw_lladdr_print(char text[RW_LLADDR_TEXT], const uint8_t lladdr[6]);
/* 32 or 128 */
unsigned int rw_addr_bits(const struct rw_addr *addr);

/* A or A/LEN; bits beyond LEN must be 0. Printed without /LEN when it is the whole address. */
const char *rw_prefix_parse(const char *text, struct rw_addr *addr, uint8_t *len);
char *rw_prefix_print(char text[RW_PREFIX_TEXT], const struct rw_addr *addr, uint8_t len);
/* Set what is behind the first bits to 0. */
void rw_addr_truncate(struct rw_addr *addr, unsigned int bits);
bool rw_prefix_contains(const struct rw_addr *prefix, uint8_t len, const struct rw_addr *addr);

/* A, A:P, [A]:P; an IPv6 address with a port is in brackets. Port is -1 when there is none. */
const char *rw_endpoint_parse(const char *text, struct rw_addr *addr, int *port);
char *rw_endpoint_print(char text[RW_ENDPOINT_TEXT], const struct rw_addr *addr, uint16_t port);

/*
 * A, A/LEN, with :P or :P-P behind it; an IPv6 prefix with ports is in brackets. Ports are -1 when
 * there are none.
 */
const char *rw_match_parse(const char *text, struct rw_addr *addr, uint8_t *len, int ports[2]);

/* P or P-P, of 1 to 65535. */
const char *rw_ports_parse(const char *text, uint16_t *min, uint16_t *max);

/* A whole number from min to max, decimal or 0x hexadecimal; false when text is something else. */
bool rw_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/* Decimal. Returns where it ends. */
char *rw_number_print(char text[RW_NUMBER_TEXT], uint64_t number);

/* tcp, udp, icmp, icmpv6, or a number from 1 to 255 */
const char *rw_protocol_parse(const char *text, uint8_t *protocol);
bool rw_protocol_has_ports(uint8_t protocol);
char *rw_protocol_print(char text[RW_PROTOCOL_TEXT], uint8_t protocol);

#endif
