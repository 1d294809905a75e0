// SPDX-License-Identifier: GPL-2.0
/* Addresses, ports and protocols as text. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "udplite", IPPROTO_UDPLITE },
	{ "sctp", IPPROTO_SCTP },
	{ "dccp", IPPROTO_DCCP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "ipip", IPPROTO_IPIP },
	{ "ipv6", IPPROTO_IPV6 },
};

bool rw_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	size_t length = strlen(digits);
	unsigned long long value;

	if (!length || strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") != length)
		return false;
	errno = 0;
	value = strtoull(digits, NULL, base);
	if (errno || value < min || value > max)
		return false;
	*number = value;
	return true;
}

unsigned int rw_addr_bits(const struct rw_addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}

const char *rw_addr_parse(const char *text, struct rw_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(addr->family, text, addr->bytes) == 1)
		return NULL;
	memset(addr, 0, sizeof(*addr));
	return "is not an address";
}

char *rw_number_print(char text[RW_NUMBER_TEXT], uint64_t number)
{
	char digits[RW_NUMBER_TEXT], *first = digits + sizeof(digits);
	size_t length;

	do
		*--first = '0' + number % 10;
	while (number /= 10);
	length = digits + sizeof(digits) - first;
	memcpy(text, first, length);
	text[length] = 0;
	return text + length;
}

static char *print_ipv4(char *text, const uint8_t bytes[4])
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (i)
			*text++ = '.';
		if (bytes[i] >= 100)
			*text++ = '0' + bytes[i] / 100;
		if (bytes[i] >= 10)
			*text++ = '0' + bytes[i] / 10 % 10;
		*text++ = '0' + bytes[i] % 10;
	}
	*text = 0;
	return text;
}

/* Return: where the text ends. */
static char *print_addr(char text[RW_ADDR_TEXT], const struct rw_addr *addr)
{
	if (addr->family == AF_INET)
		return print_ipv4(text, addr->bytes);
	if (!addr->family || !inet_ntop(addr->family, addr->bytes, text, RW_ADDR_TEXT))
		strcpy(text, "none");
	return text + strlen(text);
}

char *rw_addr_print(char text[RW_ADDR_TEXT], const struct rw_addr *addr)
{
	print_addr(text, addr);
	return text;
}

char *rw_lladdr_print(char text[RW_LLADDR_TEXT], const uint8_t lladdr[6])
{
	static const uint8_t none[6];

	if (!memcmp(lladdr, none, sizeof(none)))
		return NULL;
	snprintf(text, RW_LLADDR_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x",
		 lladdr[0], lladdr[1], lladdr[2], lladdr[3], lladdr[4], lladdr[5]);
	return text;
}

bool rw_prefix_contains(const struct rw_addr *prefix, uint8_t len, const struct rw_addr *addr)
{
	unsigned int whole = len / 8, rest = len % 8;

	if (prefix->family != addr->family || memcmp(prefix->bytes, addr->bytes, whole))
		return false;
	return !rest || !((prefix->bytes[whole] ^ addr->bytes[whole]) >> (8 - rest));
}

void rw_addr_truncate(struct rw_addr *addr, unsigned int bits)
{
	unsigned int i, all = rw_addr_bits(addr);

	for (i = bits; i < all; i++)
		addr->bytes[i / 8] &= ~(0x80 >> i % 8);
}

static bool has_host_bits(const struct rw_addr *addr, unsigned int len)
{
	unsigned int bit;

	for (bit = len; bit < rw_addr_bits(addr); bit++)
		if (addr->bytes[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

const char *rw_prefix_parse(const char *text, struct rw_addr *addr, uint8_t *len)
{
	const char *slash = strchr(text, '/');
	char copy[RW_ADDR_TEXT];
	const char *wrong;
	uint64_t number;

	if (!slash) {
		wrong = rw_addr_parse(text, addr);
		*len = rw_addr_bits(addr);
		return wrong;
	}
	if ((size_t)(slash - text) >= sizeof(copy))
		return "is not a prefix";
	memcpy(copy, text, slash - text);
	copy[slash - text] = 0;
	if (rw_addr_parse(copy, addr))
		return "is not a prefix";
	if (!rw_number_parse(slash + 1, 0, rw_addr_bits(addr), &number))
		return addr->family == AF_INET ? "has a prefix length that is not 0 to 32" :
						 "has a prefix length that is not 0 to 128";
	if (has_host_bits(addr, number))
		return "has address bits set beyond its prefix length";
	*len = number;
	return NULL;
}

char *rw_prefix_print(char text[RW_PREFIX_TEXT], const struct rw_addr *addr, uint8_t len)
{
	rw_addr_print(text, addr);
	if (addr->family && len != rw_addr_bits(addr))
		snprintf(text + strlen(text), RW_PREFIX_TEXT - strlen(text), "/%u", len);
	return text;
}

/* Where the port begins in A:P or [A]:P, and where the address or prefix does, which is copied out. */
static const char *split_endpoint(const char *text, char address[RW_PREFIX_TEXT], const char **port)
{
	const char *colon = strrchr(text, ':'), *end;
	bool brackets = *text == '[';

	*port = NULL;
	if (brackets) {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return "is not an address";
		*port = end[1] ? end + 2 : NULL;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
		*port = colon + 1;
	} else {
		end = text + strlen(text);
	}
	if (end - text >= RW_PREFIX_TEXT)
		return "is not an address";
	memcpy(address, text, end - text);
	address[end - text] = 0;
	return brackets && !strchr(address, ':') ? "is not an address" : NULL;
}

const char *rw_endpoint_parse(const char *text, struct rw_addr *addr, int *port)
{
	char address[RW_PREFIX_TEXT];
	const char *digits, *wrong = split_endpoint(text, address, &digits);
	uint64_t number;

	*port = -1;
	if (!wrong)
		wrong = rw_addr_parse(address, addr);
	if (wrong)
		return wrong;
	if (!digits)
		return NULL;
	if (!rw_number_parse(digits, 0, 65535, &number))
		return "has a port that is not 0 to 65535";
	*port = number;
	return NULL;
}

const char *rw_match_parse(const char *text, struct rw_addr *addr, uint8_t *len, int ports[2])
{
	char address[RW_PREFIX_TEXT], first[8];
	const char *digits, *dash, *wrong = split_endpoint(text, address, &digits);
	uint64_t min, max;

	ports[0] = -1;
	ports[1] = -1;
	if (!wrong)
		wrong = rw_prefix_parse(address, addr, len);
	if (wrong || !digits)
		return wrong;
	dash = strchr(digits, '-');
	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - digits) : 7, digits);
	if (!rw_number_parse(first, 0, 65535, &min) ||
	    !rw_number_parse(dash ? dash + 1 : digits, 0, 65535, &max))
		return "has a port that is not 0 to 65535";
	if (min > max)
		return "has a range of ports that ends before it begins";
	ports[0] = min;
	ports[1] = max;
	return NULL;
}

char *rw_endpoint_print(char text[RW_ENDPOINT_TEXT], const struct rw_addr *addr, uint16_t port)
{
	bool brackets = addr->family == AF_INET6;
	char *end = text;

	if (brackets)
		*end++ = '[';
	end = print_addr(end, addr);
	if (brackets)
		*end++ = ']';
	*end++ = ':';
	rw_number_print(end, port);
	return text;
}

const char *rw_ports_parse(const char *text, uint16_t *min, uint16_t *max)
{
	const char *dash = strchr(text, '-');
	size_t length = dash ? (size_t)(dash - text) : strlen(text);
	uint64_t first, last;
	char copy[8];

	if (length >= sizeof(copy))
		return "is not a port or a range of ports";
	memcpy(copy, text, length);
	copy[length] = 0;
	if (!rw_number_parse(copy, 1, 65535, &first) ||
	    !rw_number_parse(dash ? dash + 1 : copy, 1, 65535, &last))
		return "is not a port or a range of ports from 1 to 65535";
	if (first > last)
		return "is a range of ports that ends before it begins";
	*min = first;
	*max = last;
	return NULL;
}

const char *rw_protocol_parse(const char *text, uint8_t *protocol)
{
	uint64_t number;
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!strcmp(protocols[i].name, text)) {
			*protocol = protocols[i].number;
			return NULL;
		}
	}
	if (!rw_number_parse(text, 1, 255, &number))
		return "is not a protocol: tcp, udp, sctp, icmp, icmpv6, gre, esp or a number from 1 to 255";
	*protocol = number;
	return NULL;
}

bool rw_protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

char *rw_protocol_print(char text[RW_PROTOCOL_TEXT], uint8_t protocol)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == protocol)
			return strcpy(text, protocols[i].name);
	snprintf(text, RW_PROTOCOL_TEXT, "%u", protocol);
	return text;
}
