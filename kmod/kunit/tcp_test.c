// SPDX-License-Identifier: GPL-2.0
/* Tests of the tracking of TCP: states, resets, windows. */
#include <kunit/test.h>

#include "../segment.c"
#include "../tcp_check.c"
#include "../tcp.c"

#define SYN	REWIRE_TCP_SYN
#define ACK	REWIRE_TCP_ACK
#define FIN	REWIRE_TCP_FIN
#define RST	REWIRE_TCP_RST
#define ORIG	REWIRE_ORIG
#define REPLY	REWIRE_REPLY

/* Initial sequence numbers: the first wraps soon. */
#define ISN	0xfffffff0U
#define ISN2	0x10000U

/**
 * struct step - a segment and what becomes of it
 * @direction: of the segment
 * @flags: of the segment
 * @seq: of the segment, from its side's initial sequence number on
 * @ack: of the segment, from the other side's on
 * @bytes: of the segment
 * @check: what rewire_tcp_check() says
 * @state: after it
 */
struct step {
	u8 direction;
	u8 flags;
	u32 seq;
	u32 ack;
	u32 bytes;
	enum rewire_tcp_check check;
	enum rewire_flow_state state;
};

#define STEP(d, f, s, a, b, c, to)	\
	{ d, f, s, a, b, REWIRE_TCP_##c, REWIRE_FLOW_STATE_##to }

/* A connection is made, and has been used. */
static const struct step exchange[] = {
	STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
	STEP(REPLY, SYN | ACK, 0, 1, 0, VALID, SYN_RECEIVED),
	STEP(ORIG, ACK, 1, 1, 0, VALID, ESTABLISHED),
	STEP(ORIG, ACK, 1, 1, 100, VALID, ESTABLISHED),
	STEP(REPLY, ACK, 1, 101, 1000, VALID, ESTABLISHED),
	STEP(ORIG, ACK, 101, 1001, 0, VALID, ESTABLISHED),
};

static struct rewire_flow *new_flow(struct kunit *test)
{
	struct rewire_flow *flow = kunit_kzalloc(test, sizeof(*flow), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, flow);
	flow->tuple[ORIG].scale = REWIRE_SCALE_UNKNOWN;
	flow->tuple[REPLY].scale = REWIRE_SCALE_UNKNOWN;
	return flow;
}

static struct rewire_segment segment_of(const struct step *step)
{
	u32 own = step->direction == ORIG ? ISN : ISN2;
	u32 other = step->direction == ORIG ? ISN2 : ISN;

	return (struct rewire_segment){
		.seq = own + step->seq,
		.ack = other + step->ack,
		.length = step->bytes + !!(step->flags & SYN) + !!(step->flags & FIN),
		.window = 1000,
		.flags = step->flags,
		.scale = step->flags & SYN ? 7 : REWIRE_SCALE_UNKNOWN,
	};
}

static void run_steps(struct kunit *test, struct rewire_flow *flow,
		      const struct step *steps, unsigned int n, enum rewire_tcp_mode mode)
{
	struct rewire_segment segment;
	unsigned int i;
	u32 from, to;

	for (i = 0; i < n; i++) {
		segment = segment_of(&steps[i]);
		KUNIT_EXPECT_EQ_MSG(test, rewire_tcp_check(flow, steps[i].direction, &segment),
				    steps[i].check, "check of step %u", i);
		rewire_tcp_track(flow, steps[i].direction, &segment, mode, &from, &to);
		KUNIT_EXPECT_EQ_MSG(test, rewire_tracking_state(flow->tracking),
				    steps[i].state, "state after step %u", i);
	}
}

static void run(struct kunit *test, const struct step *steps, unsigned int n)
{
	run_steps(test, new_flow(test), steps, n, REWIRE_TCP_MODE_LOOSE);
}

static void run_established(struct kunit *test, const struct step *steps, unsigned int n)
{
	struct rewire_flow *flow = new_flow(test);

	run_steps(test, flow, exchange, ARRAY_SIZE(exchange), REWIRE_TCP_MODE_LOOSE);
	run_steps(test, flow, steps, n, REWIRE_TCP_MODE_LOOSE);
}

static void tcp_closes(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, FIN | ACK, 101, 1001, 0, VALID, FIN_WAIT),
		STEP(REPLY, ACK, 1001, 102, 0, VALID, FIN_WAIT),
		STEP(REPLY, ACK, 1001, 102, 500, VALID, FIN_WAIT),	/* half-closed */
		STEP(ORIG, ACK, 102, 1501, 0, VALID, FIN_WAIT),
		STEP(REPLY, FIN | ACK, 1501, 102, 0, VALID, LAST_ACK),
		STEP(ORIG, ACK, 102, 1501, 0, VALID, LAST_ACK),	/* not of the FIN */
		STEP(REPLY, FIN | ACK, 1501, 102, 0, VALID, LAST_ACK),	/* once more */
		STEP(ORIG, ACK, 102, 1502, 0, VALID, TIME_WAIT),
		STEP(REPLY, FIN | ACK, 1501, 102, 0, VALID, TIME_WAIT),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

static void tcp_closes_simultaneously(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, FIN | ACK, 101, 1001, 0, VALID, FIN_WAIT),
		STEP(REPLY, FIN | ACK, 1001, 101, 0, VALID, LAST_ACK),
		STEP(REPLY, ACK, 1002, 102, 0, VALID, LAST_ACK),
		STEP(ORIG, FIN | ACK, 101, 1002, 0, VALID, TIME_WAIT),	/* the FIN once more */
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* RFC 9293, 3.5 */
static void tcp_opens_simultaneously(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
		STEP(REPLY, SYN, 0, 0, 0, VALID, SYN_RECEIVED),
		STEP(ORIG, SYN | ACK, 0, 1, 0, VALID, SYN_RECEIVED),
		STEP(REPLY, SYN | ACK, 0, 1, 0, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 1, 1, 10, VALID, ESTABLISHED),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

/* RFC 9293, 3.5.1: the other end has half of an old connection. */
static void tcp_discovers_half_open(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
		STEP(REPLY, ACK, 300, 900000, 0, IGNORED, SYN_SENT),
		STEP(ORIG, RST, 900000, 0, 0, IGNORED, SYN_SENT),
		STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
		STEP(REPLY, SYN | ACK, 0, 1, 0, VALID, SYN_RECEIVED),
		STEP(ORIG, ACK, 1, 1, 0, VALID, ESTABLISHED),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

/* RFC 9293, 3.10.7.3 */
static void tcp_is_refused(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
		STEP(REPLY, RST, 0, 0, 0, RESET, SYN_SENT),	/* acknowledges nothing */
		STEP(REPLY, RST | ACK, 0, 2, 0, RESET, SYN_SENT),	/* nor this the SYN */
		STEP(REPLY, RST | ACK, 0, 1, 0, VALID, CLOSED),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

/* RFC 5961, 3: exact, in the window, outside of it */
static void tcp_checks_resets(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(REPLY, RST, 1002, 0, 0, IGNORED, ESTABLISHED),
		STEP(REPLY, RST, 1001 + (1000 << 7), 0, 0, IGNORED, ESTABLISHED),
		STEP(REPLY, RST, 1002 + (1000 << 7), 0, 0, RESET, ESTABLISHED),
		STEP(REPLY, RST, 1000, 0, 0, RESET, ESTABLISHED),
		STEP(REPLY, RST, 1001, 0, 0, VALID, CLOSED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* A process ends, and what it has sent is not yet acknowledged. */
static void tcp_resets_behind_data(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(REPLY, ACK, 1001, 101, 700, VALID, ESTABLISHED),
		STEP(REPLY, RST | ACK, 1701, 101, 0, VALID, CLOSED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* RFC 5961: what both ends survive, the flow survives. */
static void tcp_lives_on_after_reset(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(REPLY, RST, 1001, 0, 0, VALID, CLOSED),
		STEP(ORIG, ACK, 101, 1001, 10, VALID, CLOSED),
		STEP(ORIG, ACK, 111, 1001, 10, VALID, CLOSED),
		STEP(REPLY, ACK, 1001, 121, 0, VALID, ESTABLISHED),
		STEP(REPLY, RST, 1001, 0, 0, VALID, CLOSED),
		STEP(ORIG, FIN | ACK, 121, 1001, 0, VALID, CLOSED),
		STEP(REPLY, ACK, 1001, 122, 0, VALID, FIN_WAIT),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* RFC 5961, 4 */
static void tcp_keeps_state_on_syn(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 5000000, 0, 0, SYN_AGAIN, ESTABLISHED),
		STEP(REPLY, SYN, 1001, 0, 0, SYN_AGAIN, ESTABLISHED),
		STEP(REPLY, SYN | ACK, 0, 1, 0, IGNORED, ESTABLISHED),	/* once more */
		STEP(REPLY, SYN | ACK, 5000000, 1, 0, WINDOW, ESTABLISHED),
		STEP(ORIG, ACK, 101, 1001, 100, VALID, ESTABLISHED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* One end has closed, the other has forgotten, and they begin anew. */
static void tcp_begins_anew_half_closed(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, FIN | ACK, 101, 1001, 0, VALID, FIN_WAIT),
		STEP(REPLY, SYN | ACK, 7000000, 1, 0, WINDOW, FIN_WAIT),	/* nobody asked */
		STEP(ORIG, SYN, 9000000, 0, 0, VALID, FIN_WAIT),
		STEP(REPLY, SYN | ACK, 7000000, 9000001, 0, VALID, SYN_RECEIVED),
		STEP(ORIG, ACK, 9000001, 7000001, 0, VALID, ESTABLISHED),
		STEP(REPLY, ACK, 7000001, 9000001, 100, VALID, ESTABLISHED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* RFC 9293, 3.4 and 3.10.7.4 */
static void tcp_checks_windows(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, ACK, 100, 1001, 1, VALID, ESTABLISHED),	/* keep-alive */
		STEP(ORIG, ACK, 1, 1001, 100, VALID, ESTABLISHED),	/* retransmission */
		STEP(ORIG, ACK, 101, 1001, 1000 << 7, VALID, ESTABLISHED),	/* up to the edge */
		STEP(ORIG, ACK, 101, 1001, (1000 << 7) + 1, VALID, ESTABLISHED),	/* probe */
		STEP(ORIG, ACK, 101, 1001, (1000 << 7) + 2, WINDOW, ESTABLISHED),
		STEP(ORIG, ACK, 101 - (1000 << 7), 1001, 0, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 100 - (1000 << 7), 1001, 0, WINDOW, ESTABLISHED),
		STEP(ORIG, 0, 101, 0, 10, WINDOW, ESTABLISHED),	/* no acknowledgment */
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* RFC 5961, 5 */
static void tcp_checks_acknowledgments(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, ACK, 101, 1002, 0, WINDOW, ESTABLISHED),	/* of what was not sent */
		STEP(ORIG, ACK, 101, 1001 - (1000 << 7), 0, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 101, 1000 - (1000 << 7), 0, WINDOW, ESTABLISHED),
		STEP(ORIG, ACK, 101, 1001, 0, VALID, ESTABLISHED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

static void tcp_ignores_what_does_not_fit(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, FIN | ACK, 0x40000000, 1001, 0, WINDOW, ESTABLISHED),
		STEP(REPLY, FIN | ACK, 1001, 0x40000000, 0, WINDOW, ESTABLISHED),
		STEP(ORIG, ACK, 101, 1001, 10, VALID, ESTABLISHED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

/* A segment that stands for many counts with all its bytes. */
static void tcp_counts_whole_packets(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(REPLY, ACK, 1001, 101, 65000, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 101, 66001, 0, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 101, 66002, 0, WINDOW, ESTABLISHED),
	};

	run_established(test, steps, ARRAY_SIZE(steps));
}

static void tcp_is_picked_up(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, ACK, 70000, 5000, 100, VALID, UNREPLIED),
		STEP(ORIG, ACK, 70100, 5000, 100, VALID, UNREPLIED),
		STEP(REPLY, ACK, 5000, 70200, 1000, VALID, ESTABLISHED),
		/* sent before, so not seen */
		STEP(ORIG, ACK, 70200, 9000, 0, VALID, ESTABLISHED),
		STEP(REPLY, RST, 9000, 0, 0, VALID, CLOSED),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

/* The first segment may be a retransmission: more is acknowledged than was seen. */
static void tcp_learns_numbers_when_picked_up(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, ACK, 70000, 5000, 100, VALID, UNREPLIED),
		STEP(REPLY, ACK, 5000, 90000, 0, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 90000, 5000, 100, VALID, ESTABLISHED),
		STEP(ORIG, ACK, 90000 + 0x60000000, 5000, 100, WINDOW, ESTABLISHED),
		STEP(ORIG, FIN | ACK, 90100, 5000, 0, VALID, FIN_WAIT),
		STEP(REPLY, FIN | ACK, 5000, 90101, 0, VALID, LAST_ACK),
		STEP(ORIG, ACK, 90101, 5001, 0, VALID, TIME_WAIT),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

/* RFC 7413: data with the SYN, of which the other end takes what it likes. */
static void tcp_opens_fast(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 0, 0, 500, VALID, SYN_SENT),
		STEP(REPLY, SYN | ACK, 0, 1, 0, VALID, SYN_RECEIVED),
		STEP(REPLY, ACK, 1, 1, 100, VALID, SYN_RECEIVED),
		STEP(ORIG, ACK, 1, 101, 500, VALID, ESTABLISHED),
		STEP(REPLY, ACK, 101, 501, 0, VALID, ESTABLISHED),
	};

	run(test, steps, ARRAY_SIZE(steps));
}

static void tcp_without_checks(struct kunit *test)
{
	static const struct step steps[] = {
		STEP(ORIG, SYN, 0, 0, 0, VALID, SYN_SENT),
		STEP(REPLY, SYN | ACK, 0, 77, 0, IGNORED, SYN_RECEIVED),
		STEP(REPLY, ACK, 1, 77, 0, VALID, SYN_RECEIVED),
		STEP(ORIG, ACK, 500000, 1, 0, VALID, ESTABLISHED),
		STEP(ORIG, FIN | ACK, 0x40000000, 1, 0, VALID, FIN_WAIT),
		STEP(REPLY, RST, 0x70000000, 0, 0, VALID, CLOSED),
	};

	run_steps(test, new_flow(test), steps, ARRAY_SIZE(steps), REWIRE_TCP_MODE_OFF);
}

/* RFC 7323, 2.2: scaled only if both ends say so */
static void tcp_scales_windows(struct kunit *test)
{
	static const struct {
		u8 scale[REWIRE_DIRECTIONS];
		u32 bytes[REWIRE_DIRECTIONS];
	} cases[] = {
		{ { 7, 3 }, { 1000 << 7, 1000 << 3 } },
		{ { 0, 14 }, { 1000, 1000 << 14 } },
		{ { 7, REWIRE_SCALE_NONE }, { 1000, 1000 } },
		{ { REWIRE_SCALE_NONE, 7 }, { 1000, 1000 } },
		{ { REWIRE_SCALE_UNKNOWN, 3 }, { 1000 << 14, 1000 << 14 } },
	};
	struct rewire_flow *flow = new_flow(test);
	unsigned int i, d;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (d = 0; d < REWIRE_DIRECTIONS; d++) {
			flow->tuple[d].scale = cases[i].scale[d];
			flow->tuple[d].window = 1000;
		}
		KUNIT_EXPECT_EQ_MSG(test, tcp_window(flow, ORIG), cases[i].bytes[ORIG], "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, tcp_window(flow, REPLY), cases[i].bytes[REPLY], "%u", i);
	}
}

static void tcp_sequence_numbers_wrap(struct kunit *test)
{
	u32 word = 0xfffffff0;

	KUNIT_EXPECT_TRUE(test, rewire_seq_after(5, 0xfffffff0));
	KUNIT_EXPECT_FALSE(test, rewire_seq_after(0xfffffff0, 5));
	KUNIT_EXPECT_TRUE(test, rewire_seq_before(0xfffffff0, 5));
	KUNIT_EXPECT_FALSE(test, rewire_seq_after(5, 5));
	tracking_advance(&word, true, 0x10);
	KUNIT_EXPECT_EQ(test, word, 0x10U);
	tracking_advance(&word, true, 0xfffffff0);
	KUNIT_EXPECT_EQ(test, word, 0x10U);
	tracking_advance(&word, false, 0xfffffff0);
	KUNIT_EXPECT_EQ(test, word, 0xfffffff0U);
}

/* What begins a connection on a closing one, and what does not */
static void tcp_reuses_closing(struct kunit *test)
{
	const u8 flags[] = { SYN, SYN | ACK, SYN | RST, SYN | FIN, ACK, RST };
	unsigned int state, i;

	for (state = REWIRE_FLOW_STATE_UNREPLIED; state <= REWIRE_FLOW_STATE_CLOSED; state++) {
		bool closing = state == REWIRE_FLOW_STATE_LAST_ACK ||
			       state == REWIRE_FLOW_STATE_TIME_WAIT ||
			       state == REWIRE_FLOW_STATE_CLOSED;

		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			struct rewire_segment segment = { .flags = flags[i] };

			KUNIT_EXPECT_EQ_MSG(test, rewire_tcp_reuses(state, &segment),
					    closing && flags[i] == SYN, "state %u flags %u",
					    state, flags[i]);
		}
	}
}

static void segment_options(struct kunit *test)
{
	static const struct {
		u8 options[12];
		u8 scale;
	} cases[] = {
		{ { 3, 3, 9 }, 9 },
		{ { 1, 1, 1, 3, 3, 200 }, REWIRE_SCALE_MAX },
		{ { 2, 4, 5, 180, 1, 3, 3, 4 }, 4 },
		{ { 0, 3, 3, 9 }, REWIRE_SCALE_NONE },		/* behind the end */
		{ { 3, 4, 9, 9 }, REWIRE_SCALE_NONE },		/* of a wrong length */
		{ { 2, 0, 3, 3, 9 }, REWIRE_SCALE_NONE },	/* would not end */
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3 }, REWIRE_SCALE_NONE },	/* cut off */
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3 }, REWIRE_SCALE_NONE },
	};
	struct {
		struct tcphdr tcp;
		u8 options[12];
	} packet;
	struct rewire_segment segment;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&packet, 0, sizeof(packet));
		packet.tcp.doff = 8;
		packet.tcp.syn = 1;
		packet.tcp.window = htons(500);
		memcpy(packet.options, cases[i].options, sizeof(packet.options));
		rewire_segment_read(&segment, &packet.tcp, 10);
		KUNIT_EXPECT_EQ_MSG(test, segment.scale, cases[i].scale, "%u", i);
		KUNIT_EXPECT_EQ(test, segment.length, 11U);
		KUNIT_EXPECT_EQ(test, segment.window, 500);
		KUNIT_EXPECT_EQ(test, segment.flags, SYN);
	}
}

static struct kunit_case tcp_cases[] = {
	KUNIT_CASE(tcp_closes),
	KUNIT_CASE(tcp_closes_simultaneously),
	KUNIT_CASE(tcp_opens_simultaneously),
	KUNIT_CASE(tcp_discovers_half_open),
	KUNIT_CASE(tcp_is_refused),
	KUNIT_CASE(tcp_checks_resets),
	KUNIT_CASE(tcp_resets_behind_data),
	KUNIT_CASE(tcp_lives_on_after_reset),
	KUNIT_CASE(tcp_keeps_state_on_syn),
	KUNIT_CASE(tcp_begins_anew_half_closed),
	KUNIT_CASE(tcp_checks_windows),
	KUNIT_CASE(tcp_checks_acknowledgments),
	KUNIT_CASE(tcp_ignores_what_does_not_fit),
	KUNIT_CASE(tcp_counts_whole_packets),
	KUNIT_CASE(tcp_is_picked_up),
	KUNIT_CASE(tcp_learns_numbers_when_picked_up),
	KUNIT_CASE(tcp_opens_fast),
	KUNIT_CASE(tcp_without_checks),
	KUNIT_CASE(tcp_scales_windows),
	KUNIT_CASE(tcp_sequence_numbers_wrap),
	KUNIT_CASE(tcp_reuses_closing),
	KUNIT_CASE(segment_options),
	{}
};

static struct kunit_suite tcp_suite = {
	.name = "rewire_tcp",
	.test_cases = tcp_cases,
};

kunit_test_suites(&tcp_suite);

MODULE_LICENSE("GPL");
