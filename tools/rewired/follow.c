// SPDX-License-Identifier: GPL-2.0
/* Schedules and targets follow the health of backends. */

#include <urcu.h>

#include "follow.h"
#include "librewire.h"
#include "log.h"
#include "news.h"
#include "rpc.h"

static void free_schedules(struct schedule *schedules[FAMILIES])
{
	int family;

	for (family = 0; family < FAMILIES; family++)
		schedule_free(schedules[family]);
}

static bool set_target(const struct backend *backend, uint32_t state, struct rw_socket *socket)
{
	struct rw_error error;

	if (!rw_target_set(socket, backend->id, state, &error))
		return true;
	log_line("target %u: %s", backend->id, error.sentence);
	return false;
}

static void tell(const struct service *service, const struct backend *backend)
{
	struct health_report report;

	health_report(backend->health, &report);
	log_line("service \"%s\": backend \"%s\" is %s: %s", service->name, backend->name,
		 health_is_out(backend->health) ? "down" : "up", report.reason);
	news_tell(json_pack("{s:s, s:s, s:s, s:I, s:o}", "event", health_is_out(backend->health) ? "down" : "up",
			    "service", service->name, "backend", backend->name,
			    "id", (json_int_t)backend->id, "reason", rpc_text(report.reason)));
}

/* Whether it changed. Down is what was found at the beginning: it may be another by now. */
static bool follow_one(const struct service *service, struct backend *backend, bool down,
		       struct rw_socket *socket)
{
	if (!backend->health || down == health_is_out(backend->health))
		return false;
	/* A target takes flows before they are sent to it */
	if (!down && !set_target(backend, backend->state, socket))
		return false;
	health_apply(backend->health, down);
	tell(service, backend);
	return true;
}

static void follow_service(struct service *service, struct rw_socket *socket)
{
	struct schedule *old[FAMILIES];
	bool changed = false, now_out[SCHEDULE_BACKENDS_MAX] = { false };
	struct backend *backend;
	unsigned int i;

	for (i = 0; i < service->backend_count; i++) {
		backend = &service->backends[i];
		if (!follow_one(service, backend, backend->health && health_is_down(backend->health),
				socket))
			continue;
		changed = true;
		now_out[i] = health_is_out(backend->health);
	}
	if (!changed)
		return;
	snapshot_reschedule(service, old);
	synchronize_rcu();
	free_schedules(old);
	/* And nothing is sent to it any more when it takes none */
	for (i = 0; i < service->backend_count; i++)
		if (now_out[i])
			set_target(&service->backends[i], backend_state(&service->backends[i]), socket);
}

void follow_health(struct snapshot *snapshot, struct rw_socket *socket)
{
	unsigned int i;

	for (i = 0; i < snapshot->service_count; i++)
		if (snapshot->services[i].probe)
			follow_service(&snapshot->services[i], socket);
}

static int adopt_target(const struct rw_target *target, void *data)
{
	const struct backend *backend = snapshot_backend(data, target->id);

	if (backend && backend->health && backend->state < backend->failed &&
	    target->state == backend->failed)
		health_adopt(backend->health);
	return 0;
}

int follow_adopt(struct snapshot *snapshot, struct rw_socket *socket, struct rw_error *error)
{
	struct schedule *old[FAMILIES];
	unsigned int i;
	int ret = rw_target_each(socket, adopt_target, snapshot, error);

	for (i = 0; !ret && i < snapshot->service_count; i++) {
		if (!snapshot->services[i].probe)
			continue;
		snapshot_reschedule(&snapshot->services[i], old);
		free_schedules(old);
	}
	return ret;
}
