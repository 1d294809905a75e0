// SPDX-License-Identifier: GPL-2.0
/* Configurations: what is read from good ones, and how bad ones are refused. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"
#include "rules.h"

#define POOL(rest)	"{\"name\":\"out\",\"vni\":0,\"addresses\":[\"203.0.113.64/30\"]" rest "}"
#define POOLS		"\"pools\":[" POOL("") "]"
#define NAT(rest)	"{\"name\":\"nat\",\"id\":1,\"vni\":10,\"source\":{\"pool\":\"out\"}" rest "}"
#define BACKEND(rest)	"{\"name\":\"b1\",\"id\":11,\"vni\":20,\"addresses\":[\"10.1.0.11\"]" rest "}"
#define DEPENDENT_OF(addresses, rest) \
			"{\"name\":\"out\",\"vni\":0,\"mapping\":\"endpoint-dependent\",\"quarantine\":0," \
			"\"addresses\":" addresses rest "}"
#define DEPENDENT	DEPENDENT_OF("\"192.0.2.1\"", "")
#define DELEGATE_OF(addresses, pool, rest) \
			"{\"pools\":[" DEPENDENT_OF(addresses, pool) "],\"services\":[" NAT(rest) "]}"
#define DELEGATE(rest)	DELEGATE_OF("\"192.0.2.1\"", "", ",\"delegate\":true" rest)
#define DELEGATED_POOL(rest)	DELEGATE_OF("\"192.0.2.1\"", rest, ",\"delegate\":true")
#define WEB(backends)	"{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80," \
			"\"destination\":{},\"backends\":[" backends "]}"

static struct snapshot *parse(const char *text)
{
	struct error error;
	struct snapshot *snapshot = config_parse(text, NULL, &error);

	if (!snapshot)
		fail_msg("refused: %s", error.text);
	return snapshot;
}

/* Each text, and what its refusal must say. */
static const struct {
	const char *text, *sentence;
} refused[] = {
	{ "{\n \"pools\": [}", "line 2, column 12: " },
	{ "{} x", "line 1, column 4: " },
	{ "[]", "configuration is not an object" },
	{ "{\"pool\":[]}", "configuration: unknown key \"pool\"" },
	{ "{\"pools\":{}}", "configuration: pools is not an array" },
	{ "{\"pools\":[],\"pools\":[]}", "duplicate object key" },
	{ "{\"pools\":[7]}", "configuration: pools[0] is not an object" },
	{ "{\"pools\":[{\"vni\":0}]}", "configuration: pools[0]: name is missing" },
	{ "{\"pools\":[{\"name\":5}]}", "configuration: pools[0]: name is not a string" },
	{ "{\"pools\":[{\"name\":\"a b\"}]}", "configuration: pools[0]: name is not 1 to 63 letters" },
	{ "{\"pools\":[{\"name\":\"out\",\"addresses\":[]}]}", "pool \"out\": vni is missing" },
	{ "{\"pools\":[" POOL(",\"color\":1") "]}", "pool \"out\": unknown key \"color\"" },
	{ "{\"pools\":[" POOL(",\"ports\":0") "]}",
	  "pool \"out\": ports is not a whole number from 1 to 65535" },
	{ "{\"pools\":[" POOL(",\"ports\":\"2000-1000\"") "]}", "pool \"out\": ports \"2000-1000\" is a range" },
	{ "{\"pools\":[" POOL(",\"ports\":\"1024-70000\"") "]}", "pool \"out\": ports \"1024-70000\" is not" },
	{ "{\"pools\":[" POOL(",\"ports\":[]") "]}", "pool \"out\": ports is not a whole number" },
	{ "{\"pools\":[" POOL(",\"mapping\":\"symmetric\"") "]}",
	  "pool \"out\": mapping is not \"endpoint-independent\" or \"endpoint-dependent\"" },
	{ "{\"pools\":[" POOL(",\"filtering\":1") "]}", "pool \"out\": filtering is not \"endpoint-independent\", " },
	{ "{\"pools\":[" POOL(",\"mapping\":\"endpoint-dependent\",\"filtering\":\"address-dependent\"") "]}",
	  "pool \"out\": filtering \"address-dependent\" needs mapping \"endpoint-independent\"" },
	{ "{\"pools\":[" POOL(",\"parity\":1") "]}", "pool \"out\": parity is not true or false" },
	{ "{\"pools\":[" POOL(",\"quarantine\":3601") "]}",
	  "pool \"out\": quarantine is not a whole number from 0 to 3600" },
	{ "{\"pools\":[" POOL(",\"quarantine\":{\"udp\":1}") "]}",
	  "pool \"out\": quarantine: unknown key \"udp\"" },
	{ "{\"pools\":[" POOL(",\"quarantine\":\"long\"") "]}", "pool \"out\": quarantine is not an object" },
	{ "{\"pools\":[" POOL(",\"ports\":\"2000-2099\",\"block\":128") "]}",
	  "pool \"out\": block 128 is more than its ports are" },
	{ "{\"pools\":[" POOL(",\"blocks\":2") "]}", "pool \"out\": blocks without block" },
	{ "{\"pools\":[" POOL(",\"block\":64,\"fixed\":{\"vni\":10,\"clients\":\"10.0.0.0/24\"}") "]}",
	  "pool \"out\": fixed and block exclude each other" },
	{ "{\"pools\":[" POOL(",\"ports\":\"2000-2009\",\"fixed\":{\"vni\":10,\"clients\":\"10.0.0.0/16\"}") "]}",
	  "clients of an address are more than it has ports" },
	{ "{\"pools\":[" POOL(",\"exhausted\":\"pass\"") "]}",
	  "pool \"out\": exhausted is not \"drop\", \"prohibited\" or \"reset\"" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":16777216,\"addresses\":\"192.0.2.1\"}]}",
	  "pool \"out\": vni is not a whole number from 0 to 16777215" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0}]}", "pool \"out\": addresses is missing" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"192.0.2.1/24\"]}]}",
	  "pool \"out\": addresses \"192.0.2.1/24\" has address bits" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"192.0.2.300\"]}]}",
	  "pool \"out\": addresses \"192.0.2.300\" is not an address" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"192.0.2.0/33\"]}]}",
	  "pool \"out\": addresses \"192.0.2.0/33\" has a prefix length" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[5]}]}",
	  "pool \"out\": addresses holds what is not a string" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":{}}]}",
	  "pool \"out\": addresses is neither an address nor a list" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"2001:db8::/64\"]}]}",
	  "pool \"out\": with 2001:db8::/64 it has more than 4096 addresses" },
	{ "{\"pools\":[{\"name\":\"out\",\"vni\":0,\"addresses\":[\"192.0.2.1\",\"192.0.2.0/31\"]}]}",
	  "pool \"out\": addresses has 192.0.2.1 twice" },
	{ "{\"pools\":[" POOL("") "," POOL("") "]}", "name: two pools are called \"out\"" },
	{ "{\"pools\":[" POOL("") ",{\"name\":\"in\",\"vni\":0,\"addresses\":\"203.0.113.66\","
	  "\"ports\":\"1-1024\"}]}", "overlap with pool \"out\" at 203.0.113.66 in VNI 0" },
	{ "{\"services\":[" NAT("") "]}", "service \"nat\": source: there is no pool \"out\"" },
	{ "{" POOLS ",\"services\":[" NAT(",\"x\":1") "]}", "service \"nat\": unknown key \"x\"" },
	{ "{" POOLS ",\"services\":[" NAT("") "," NAT("") "]}", "name: two services are called \"nat\"" },
	{ "{" POOLS ",\"services\":[" NAT("") ",{\"name\":\"other\",\"id\":1,\"vni\":11,"
	  "\"source\":{\"pool\":\"out\"}}]}", "id: services \"nat\" and \"other\" both have the id 1" },
	{ "{" POOLS ",\"services\":[" NAT("") ",{\"name\":\"other\",\"id\":3,\"vni\":10,"
	  "\"source\":{\"pool\":\"out\"}}]}", "vni, protocol, src, dst and dport are those of service" },
	{ "{" POOLS ",\"services\":[" NAT(",\"protocol\":\"tcp\",\"dport\":\"80-90\"") ",{\"name\":\"other\","
	  "\"id\":3,\"vni\":10,\"protocol\":\"tcp\",\"dport\":\"85-95\",\"source\":{\"pool\":\"out\"}}]}",
	  "service \"other\": dport 85-95 overlaps with 80-90 of service \"nat\", and neither is more exact" },
	{ "{" POOLS ",\"services\":[{\"name\":\"other\",\"id\":3,\"vni\":0,\"protocol\":\"udp\","
	  "\"dst\":\"203.0.113.65\",\"dport\":\"1023-65534\",\"destination\":{\"vni\":1,\"addresses\":\"10.0.0.9\"}}]}",
	  "service \"other\": dport 1023-65534 overlaps with ports 1024-65535 of a pool, and neither is more exact" },
	{ "{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":0,\"vni\":1}]}",
	  "service \"nat\": id is not a whole number from 1 to 2147483647" },
	{ "{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":1.5,\"vni\":1}]}",
	  "service \"nat\": id is not a whole number" },
	{ "{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":1}]}",
	  "service \"nat\": it has neither source nor destination" },
	{ "{" POOLS ",\"services\":[" NAT(",\"protocol\":\"tls\"") "]}",
	  "service \"nat\": protocol is not \"tcp\", \"udp\", \"icmp\"" },
	{ "{" POOLS ",\"services\":[" NAT(",\"protocol\":51") "]}",
	  "service \"nat\": protocol 51 cannot be translated" },
	{ "{" POOLS ",\"services\":[" NAT(",\"dport\":53") "]}",
	  "service \"nat\": dport needs a protocol that has ports" },
	{ "{" POOLS ",\"services\":[" NAT(",\"protocol\":\"icmp\",\"dport\":53") "]}",
	  "service \"nat\": dport needs a protocol that has ports" },
	{ "{" POOLS ",\"services\":[" NAT(",\"src\":\"10.0.0.0/8\",\"dst\":\"::/0\"") "]}",
	  "service \"nat\": no packet matches" },
	{ "{" POOLS ",\"services\":[" NAT(",\"orphan\":\"maybe\"") "]}",
	  "service \"nat\": orphan is not \"drop\", \"pass\" or \"hold\"" },
	{ "{" POOLS ",\"services\":[" NAT(",\"hold\":true") "]}",
	  "service \"nat\": hold is not \"hold\" or \"drop\"" },
	{ "{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":1,\"source\":\"out\"}]}",
	  "service \"nat\": source is not an object" },
	{ "{" POOLS ",\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":1,\"source\":{}}]}",
	  "service \"nat\": source: pool is missing" },
	{ "{" POOLS ",\"services\":[" NAT(",\"backends\":[]") "]}",
	  "service \"nat\": backends without a destination" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"destination\":{}}]}",
	  "service \"web\": backends is missing" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"destination\":{\"unavailable\":\"pass\"}}]}",
	  "service \"web\": destination: unavailable is not \"drop\", \"prohibited\" or \"reset\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"destination\":{\"scheduler\":\"best\"}}]}",
	  "service \"web\": destination: scheduler is not \"maglev\", \"round-robin\", \"least\" or \"source\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"destination\":{\"affinity\":86401}}]}",
	  "service \"web\": destination: affinity is not a whole number from 0 to 86400" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"destination\":{\"client4\":33}}]}",
	  "service \"web\": destination: client4 is not a whole number from 0 to 32" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "service \"web\": destination: health: type is missing" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":[]},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "service \"web\": destination: health is not an object" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"snmp\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "service \"web\": destination: health: type is not \"tcp\", \"http\", \"https\", \"ping\" or \"command\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"every\":5}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "service \"web\": destination: health: unknown key \"every\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"interval\":99}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: interval is not a whole number from 100 to 3600000" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"timeout\":0}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: timeout is not a whole number from 10 to 60000" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"fall\":0}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: fall is not a whole number from 1 to 100" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"damping\":9}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: damping is not a whole number from 0 to 8" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"failed\":\"active\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: failed is not \"down\" or \"draining\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"destination\":{\"health\":{\"type\":\"tcp\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: port is missing, which neither the service nor backend \"b1\" has" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"tcp\",\"path\":\"/\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: unknown key \"path\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"ping\",\"port\":80}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: unknown key \"port\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"verify\":true}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: unknown key \"verify\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"https\",\"verify\":true}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: verify needs a host" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"path\":\"well\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: path does not begin with \"/\"" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"path\":\"/a b\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: path is not 1 to 255 letters" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"host\":\"web/x\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: host is not 1 to 255 letters" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"host\":\"\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: host is not 1 to 255 letters" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"http\",\"status\":\"399-200\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: status \"399-200\" is a range" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"command\"}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: command is missing" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"command\",\"command\":[]}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: command is not a list of 1 to 16 strings" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"command\",\"command\":[\"/bin/true\",5]}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: command is not a list of strings" },
	{ "{\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\",\"dport\":80,\"destination\":{\"health\":{\"type\":\"command\",\"command\":[\"true\"]}},"
	  "\"backends\":[" BACKEND("") "]}]}",
	  "health: command does not begin with the path of a program" },
	{ "{\"services\":[" WEB(BACKEND(",\"port\":0")) "]}", "backend \"b1\": port is not a whole number" },
	{ "{\"services\":[" WEB(BACKEND(",\"weight\":257")) "]}",
	  "backend \"b1\": weight is not a whole number from 0 to 256" },
	{ "{\"services\":[" WEB(BACKEND(",\"state\":\"up\"")) "]}",
	  "backend \"b1\": state is not \"active\", \"draining\" or \"down\"" },
	{ "{\"services\":[" WEB("{\"name\":\"b1\",\"id\":1,\"vni\":0,\"addresses\":[\"10.0.0.0/8\"]}") "]}",
	  "backend \"b1\": addresses holds a prefix" },
	{ "{\"services\":[" WEB("{\"name\":\"b1\",\"id\":1,\"vni\":0,\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"]}") "]}",
	  "backend \"b1\": addresses holds two of one family" },
	{ "{\"services\":[" WEB(BACKEND("") "," BACKEND("")) "]}", "name: two backends are called \"b1\"" },
	{ "{\"services\":[" WEB(BACKEND("") ",{\"name\":\"b2\",\"id\":11,\"vni\":20,\"addresses\":\"10.1.0.12\"}") "]}",
	  "id: backends \"b1\" and \"b2\" both have the id 11" },
	{ "{" POOLS ",\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"source\":{\"pool\":\"out\"},"
	  "\"destination\":{},\"backends\":[" BACKEND("") "]}]}",
	  "backend \"b1\": vni is 20, but the service's source pool \"out\" is in VNI 0" },
	{ "{" POOLS ",\"services\":[{\"name\":\"web\",\"id\":2,\"vni\":0,\"protocol\":\"tcp\","
	  "\"dst\":\"203.0.113.65\",\"dport\":\"1024-65535\",\"destination\":{},\"backends\":[]}]}",
	  "service \"web\": dst and dport are a pool's" },
	{ DELEGATE_OF("\"192.0.2.1\"", "", ",\"delegate\":1"), "delegate is not true or false" },
	{ "{\"services\":[{\"name\":\"nat\",\"id\":1,\"vni\":10,\"delegate\":true,"
	  "\"source\":{\"vni\":0,\"addresses\":\"192.0.2.1\"}}]}", "delegate: its source is not a pool" },
	{ DELEGATE(",\"destination\":{},\"backends\":[{\"name\":\"b\",\"id\":1,\"vni\":0,"
		   "\"addresses\":\"192.0.2.9\"}]"), "delegate: its destination is chosen" },
	{ DELEGATE(",\"destination\":{\"vni\":0,\"addresses\":\"192.0.2.0/24\"}"),
	  "delegate: its destination is a prefix" },
	{ DELEGATE(",\"one_way\":true"), "delegate: it has copies, or is one-way" },
	{ DELEGATE(",\"copies\":[{\"vni\":30}]"), "delegate: it has copies, or is one-way" },
	{ DELEGATED_POOL(",\"blocks\":1,\"block\":64"), "delegate: its pool has blocks" },
	{ DELEGATED_POOL(",\"client_ports\":64"), "delegate: its pool has blocks, or limits" },
	{ DELEGATED_POOL(",\"client_flows\":64"), "delegate: its pool has blocks, or limits" },
	{ DELEGATED_POOL(",\"preserve\":true"), "delegate: its pool chooses ports by those" },
	{ DELEGATED_POOL(",\"parity\":true"), "delegate: its pool chooses ports by those" },
	{ "{" POOLS ",\"services\":[" NAT(",\"delegate\":true") "]}",
	  "delegate: its pool's mapping is endpoint-independent" },
	{ "{\"pools\":[" POOL(",\"mapping\":\"endpoint-dependent\",\"quarantine\":{\"tcp\":0}") "],\"services\":["
	  NAT(",\"delegate\":true") "]}", "delegate: its pool has a quarantine" },
	{ "{\"pools\":[" POOL(",\"mapping\":\"endpoint-dependent\",\"quarantine\":{\"other\":0}") "],\"services\":["
	  NAT(",\"delegate\":true") "]}", "delegate: its pool has a quarantine" },
	{ DELEGATE_OF("\"192.0.2.0/30\"", "", ",\"delegate\":true"), "delegate: its pool has several addresses" },
	{ DELEGATE_OF("\"192.0.2.0/27\"", ",\"pooling\":\"arbitrary\"", ",\"delegate\":true"),
	  "delegate: its pool has more than 16" },
	{ "{\"pools\":[" DEPENDENT "],\"services\":[" NAT(",\"delegate\":true") ",{\"name\":\"other\",\"id\":2,\"vni\":10,"
	  "\"priority\":1,\"source\":{\"pool\":\"out\"}}]}",
	  "service \"nat\": delegate: there is another service with the same match" },
};

static void bad_ones_are_refused(void **context)
{
	struct snapshot *snapshot;
	struct error error;
	size_t i;

	(void)context;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		memset(&error, 0, sizeof(error));
		snapshot = config_parse(refused[i].text, NULL, &error);
		if (snapshot)
			fail_msg("taken: %s", refused[i].text);
		if (!strstr(error.text, refused[i].sentence))
			fail_msg("\"%s\" does not say \"%s\"", error.text, refused[i].sentence);
		assert_null(strchr(error.text, '\n'));
	}
}

static void objects_are_read(void **context)
{
	struct snapshot *snapshot = parse("{" POOLS ",\"services\":[" WEB(BACKEND(",\"port\":8080,\"weight\":3"))
					  "," NAT(",\"src\":[\"10.0.0.0/24\",\"fd00::/64\"]") "]}");
	const struct service *nat = snapshot_service(snapshot, 1);
	const struct service *web = snapshot_service(snapshot, 2);

	(void)context;
	assert_int_equal(snapshot->pools[0].address_count[IPV4], 4);
	assert_int_equal(snapshot->pools[0].ports.min, 1024);
	assert_int_equal(snapshot->port_count, 4);
	assert_ptr_equal(nat->pool, &snapshot->pools[0]);
	assert_int_equal(nat->src.count, 2);
	assert_false(nat->balance);
	assert_true(web->balance);
	assert_int_equal(web->backends[0].port, 8080);
	assert_int_equal(web->backends[0].weight, 3);
	assert_ptr_equal(snapshot_backend(snapshot, 11), &web->backends[0]);
	assert_null(snapshot_backend(snapshot, 12));
	assert_null(snapshot_service(snapshot, 3));
	snapshot_free(snapshot);
}

static void an_empty_one_is_fine(void **context)
{
	struct snapshot *snapshot = parse("{}");

	(void)context;
	assert_int_equal(snapshot->service_count, 0);
	snapshot_free(snapshot);
}

static void ports_live_on_in_a_new_snapshot(void **context)
{
	struct snapshot *old = parse("{" POOLS "}"), *new;
	struct rw_addr kept = { .family = AF_INET, .bytes = { 203, 0, 113, 65 } };
	struct error error;
	const struct range all = { 1, 65535 };
	struct ports *ports = snapshot_span(old, 0, &kept, 2000)->ports;

	(void)context;
	ports_claim(ports, IPPROTO_TCP, 2000);
	new = config_parse("{\"pools\":[{\"name\":\"a\",\"vni\":0,\"addresses\":\"203.0.113.65\",\"ports\":\"1-99\"},"
			   "{\"name\":\"b\",\"vni\":0,\"addresses\":\"203.0.113.65\",\"ports\":\"100-4000\"}]}",
			   old, &error);
	assert_non_null(new);
	assert_ptr_equal(snapshot_span(new, 0, &kept, 99)->pool, &new->pools[0]);
	assert_ptr_equal(snapshot_span(new, 0, &kept, 100)->pool, &new->pools[1]);
	assert_ptr_equal(snapshot_span(new, 0, &kept, 4000)->ports, ports);
	assert_null(snapshot_span(new, 0, &kept, 4001));
	assert_null(snapshot_span(new, 1, &kept, 100));
	assert_ptr_equal(new->pools[0].addresses[IPV4][0], new->pools[1].addresses[IPV4][0]);
	snapshot_free(old);
	assert_int_equal(ports_used(ports, IPPROTO_TCP, all), 1);
	snapshot_free(new);
}

/*
 * What flows still use of an address that went away is known when the address is back. The
 * first may have begun when the next configuration was there, but not in force yet.
 */
static void ports_in_use_outlive_their_pool(void **context)
{
	struct snapshot *first = parse("{" POOLS "}"), *second, *third;
	struct rw_addr kept = { .family = AF_INET, .bytes = { 203, 0, 113, 65 } };
	struct error error;
	struct ports *ports;

	(void)context;
	second = config_parse("{}", first, &error);
	assert_non_null(second);
	ports = ports_get(snapshot_span(first, 0, &kept, 2000)->ports);
	snapshot_free(first);
	third = config_parse("{" POOLS "}", second, &error);
	assert_non_null(third);
	snapshot_free(second);
	assert_ptr_equal(snapshot_span(third, 0, &kept, 2000)->ports, ports);
	ports_put(ports);
	snapshot_free(third);
}

static const struct rw_rule *find_rule(const struct rules *rules, uint32_t policy, uint8_t family,
				       uint8_t protocol)
{
	unsigned int i;

	for (i = 0; i < rules->count; i++)
		if (rules->list[i].policy == policy && rules->list[i].family == family &&
		    rules->list[i].protocol == protocol)
			return &rules->list[i];
	return NULL;
}

static void rules_follow(void **context)
{
	const struct rw_addr own[] = { { .family = AF_INET, .bytes = { 203, 0, 113, 64 } }, { 0 } };
	struct snapshot *snapshot = parse("{" POOLS ",\"services\":[" NAT(",\"protocol\":\"icmp\"") "]}");
	const struct rw_rule *rule;
	struct rules rules;

	(void)context;
	rules_make(&rules, snapshot, NULL);
	assert_int_equal(rules.count, 2 + 4 * 6);
	rule = find_rule(&rules, 1, AF_INET, IPPROTO_ICMP);
	assert_non_null(rule);
	assert_int_equal(rule->action, REWIRE_RULE_ACTION_PUNT);
	assert_int_equal(rule->vni, 10);
	assert_non_null(find_rule(&rules, 1, AF_INET6, IPPROTO_ICMPV6));
	rule = find_rule(&rules, RULES_POOL_POLICY, AF_INET, IPPROTO_UDP);
	assert_non_null(rule);
	assert_int_equal(rule->action, REWIRE_RULE_ACTION_DROP);
	assert_int_equal(rule->dst_len, 32);
	assert_int_equal(rule->dport_min, 1024);
	rules_free(&rules);

	/* Pings and tunnels to the host's own address are the host's */
	rules_make(&rules, snapshot, own);
	assert_int_equal(rules.count, 2 + 4 * 6 - 3);
	rules_free(&rules);
	snapshot_free(snapshot);
}

static void rules_compare_as_the_kernel_tells_them(void **context)
{
	struct rw_rule sent = { .vni = 1, .family = AF_INET, .dport_min = 80, .dport_max = 80,
				.action = REWIRE_RULE_ACTION_PUNT, .policy = 1 };
	struct rw_rule told = sent;

	(void)context;
	told.id = 9;
	told.preference = 101;
	told.hits = 5;
	told.dst.family = AF_INET;
	told.dport_max = 0;
	assert_true(rules_same(&sent, &told));
	told.orphan = REWIRE_ORPHAN_MODE_HOLD;
	assert_false(rules_same(&sent, &told));
	assert_int_equal(rules_compare_match(&sent, &told), 0);
	told.vni = 2;
	assert_int_not_equal(rules_compare_match(&sent, &told), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(objects_are_read),
		cmocka_unit_test(an_empty_one_is_fine),
		cmocka_unit_test(ports_live_on_in_a_new_snapshot),
		cmocka_unit_test(ports_in_use_outlive_their_pool),
		cmocka_unit_test(rules_follow),
		cmocka_unit_test(rules_compare_as_the_kernel_tells_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
