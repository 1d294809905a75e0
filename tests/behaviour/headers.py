# SPDX-License-Identifier: GPL-2.0
"""Addresses and ports are rewritten, and nothing else."""
from packets import IP, TCP, UDP, Raw, IPv6
from talk import NETS, PROTOCOLS, Ping, Talk, talks, two_ports


def both_ways(stage):
    for name, talk, layer in talks(stage):
        talk.crosses(f"S1.4: {name} there: source and destination", talk.there(layer / Raw(b"hello")))
        talk.crosses(f"S1.4: {name} back: both restored", talk.back(layer / Raw(b"answer")))
    for family in 4, 6:
        ping = Ping(stage, family)
        name = f"echo/IPv{family}"
        ping.crosses(f"RFC 5508 REQ-1: {name} request: addresses and identifier", ping.there(Raw(b"data")))
        ping.crosses(f"RFC 5508 REQ-1: {name} reply: both restored", ping.back(Raw(b"data")))
        ping.crosses(f"RFC 792: {name} request without data", ping.there())
    stage.flush()


def many_of_one(stage):
    """One entry, many packets."""
    for name, talk, layer in talks(stage):
        sent = [talk.there(layer / Raw(bytes([i]) * i)) for i in range(40)]
        for packet in sent:
            stage.a.send(packet)
        stage.check(f"S1.3: {name}: 40 packets by one entry, none punted",
                    [(stage.b, talk.across(packet)) for packet in sent],
                    received=40, translated=40)
    stage.flush()


def preserved(stage):
    """What is no address, port, checksum or hop count stays as it was."""
    for name, talk, layer in talks(stage):
        for dscp in 0x00, 0x2e << 2, 0x02, 0xff:
            field = {"tos" if talk.family == 4 else "tc": dscp}
            talk.crosses(f"RFC 2474, 3168: {name}: DSCP and ECN {dscp:#04x} stay",
                         talk.there(layer / Raw(b"x"), **field))
    talk = Talk(stage, 4, 17, sport=2000, new_sport=5000)
    for flags in "", "DF", "evil":
        talk.crosses(f"RFC 791: identification and flags '{flags}' stay",
                     talk.there(UDP() / Raw(b"x"), id=0xbeef, flags=flags))
    talk.crosses("RFC 6864: identification 0 stays 0", talk.there(UDP() / Raw(b"x"), id=0))
    talk = Talk(stage, 6, 17, sport=2000, new_sport=5000)
    talk.crosses("RFC 6437: the flow label stays", talk.there(UDP() / Raw(b"x"), fl=0xabcde))
    for family in 4, 6:
        talk = Talk(stage, family, 6, sport=2000, new_sport=5000)
        options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)]
        talk.crosses(f"RFC 9293: TCP/IPv{family}: options, sequence, window, urgent pointer stay",
                     talk.there(TCP(seq=0xffffffff, ack=0x80000000, window=1, urgptr=3,
                                    flags="SU", options=options)))
        sack = [("NOP", None), ("NOP", None), ("SAck", (1, 2, 3, 4))]
        talk.crosses(f"RFC 2018: TCP/IPv{family}: selective acknowledgements stay",
                     talk.back(TCP(flags="SA", options=sack)))
        talk.crosses(f"RFC 9293: TCP/IPv{family}: reserved bits and all flags stay",
                     talk.there(TCP(reserved=7, flags="SEC")))
    stage.flush()


def lengths(stage):
    for name, talk, layer in talks(stage):
        room = 1500 - len(bytes(talk.there(layer)))
        for length in 0, 1, 2, 3, 17, 18, 255, 256, room - 1, room:
            talk.crosses(f"RFC 1071: {name}: {length} bytes of data",
                         talk.there(layer / Raw((bytes(range(256)) * 6)[:length])))
    stage.flush()


def gateways(stage):
    """No gateway for an application looks into data for addresses and ports, to change them."""
    for kind, number, port, data in (
            (TCP, 6, 21, "PORT 10,5,0,2,3,232\r\n"),
            (TCP, 6, 554, "SETUP rtsp://10.5.0.9/ RTSP/1.0\r\nTransport: RTP/AVP;client_port=1000-1001\r\n\r\n"),
            (UDP, 17, 5060, "REGISTER sip:10.5.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.5.0.2:1000\r\n"
                            "Contact: <sip:me@10.5.0.2:1000>\r\n\r\n"),
            (UDP, 17, 69, b"\0\1file\0octet\0" + bytes((10, 5, 0, 2, 3, 232)))):
        talk = Talk(stage, 4, number, dport=port, new_dport=port)
        talk.crosses(f"RFC 4787 REQ-10, RFC 5382 REQ-6: {kind.__name__} port {port}: addresses in data stay",
                     talk.there(kind(**({"flags": "PA"} if kind is TCP else {})) / Raw(data)))
    stage.flush()


def padding(stage):
    """What is behind the packet, as short Ethernet frames have it, is cut off."""
    for name, talk, layer in talks(stage):
        packet = talk.there(layer / Raw(b"x"))
        stage.expect(f"RFC 894: {name}: padding of the frame does not cross", stage.a,
                     bytes(packet) + bytes(18), [(stage.b, talk.across(packet))])
    stage.flush()


def parts(stage):
    """A flow may change any part: one address, one port, the VNI alone."""
    for family in 4, 6:
        near = NETS[family][0]
        for kind, number in PROTOCOLS.items():
            name, layer = f"{kind.__name__}/IPv{family}", kind() / Raw(b"part")
            same = {"new_guest": near + "2", "server": near + "9", "new_sport": 1000, "new_dport": 53}
            for title, change in (("the VNI alone", {}), ("the source port", {"new_sport": 1001}),
                                  ("the destination port", {"new_dport": 54}),
                                  ("the source address", {"new_guest": near + "77"}),
                                  ("the destination address", {"server": near + "78"}),
                                  ("both ports exchanged", {"new_sport": 53, "new_dport": 1000})):
                talk = Talk(stage, family, number, **{**same, **change})
                talk.crosses(f"X1.1: {name}: a flow changes {title}, there", talk.there(layer))
                talk.crosses(f"X1.1: {name}: a flow changes {title}, back", talk.back(layer))
                stage.flush()


def identity(stage):
    """Packets are of one flow if and only if the whole key agrees."""
    for family in 4, 6:
        near, far = NETS[family]
        header = IP if family == 4 else IPv6
        talk = Talk(stage, family, 17)
        fields = {"src": near + "2", "dst": near + "9", "sport": 1000, "dport": 53}
        for field, other in (("src", near + "3"), ("dst", near + "8"), ("sport", 1001), ("dport", 54)):
            f = {**fields, field: other}
            packet = header(src=f["src"], dst=f["dst"]) / UDP(sport=f["sport"], dport=f["dport"])
            stage.expect(f"S1.1: IPv{family}: another {field} is another flow", stage.a, packet, [],
                         received=1, passed=1)
        packet = header(src=near + "2", dst=near + "9") / TCP(sport=1000, dport=53)
        stage.expect(f"S1.1: IPv{family}: another protocol is another flow", stage.a, packet, [],
                     received=1, passed=1)
        stage.expect(f"S1.1: IPv{family}: the other direction's key is not met at this device",
                     stage.a, talk.back(UDP()), [], received=1, passed=1)
        stage.expect(f"S2.8: IPv{family}: the same key in another VNI is another flow", stage.b,
                     talk.there(UDP()), [], received=1, passed=1)
    stage.flush()


def two_tenants(stage):
    """Identical keys in two virtual networks."""
    third = stage.port("t", 20, "10.5.0.1/24", "fd00:5::1/64")
    for family in 4, 6:
        near, far = NETS[family]
        for kind, number in PROTOCOLS.items():
            talk = Talk(stage, family, number)
            stage.flow((20, number, talk.guest, 1000, talk.service, 53),
                       (6, number, far + "20", 99, far + "33", 7777))
            name, packet = f"{kind.__name__}/IPv{family}", talk.there(kind() / Raw(b"mine"))
            talk.crosses(f"S2.8: {name}: one tenant's packet by its own entry", packet)
            other = packet.copy()
            other.src, other.dst, other.sport, other.dport = far + "33", far + "20", 7777, 99
            setattr(other, "ttl" if family == 4 else "hlim", 63)
            stage.expect(f"S2.8: {name}: the same packet of another tenant by another entry", third,
                         packet, [(stage.b, other)])
    stage.flush()


def run():
    stage = two_ports()
    for test in both_ways, many_of_one, preserved, lengths, gateways, padding, parts, identity, two_tenants:
        test(stage)
    return stage
