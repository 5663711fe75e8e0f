"""read_events.py FILE: TensorBoard's view of an event file, as CSV "step,tag,value" on stdout: the framing checked here, the
messages read by Google's protobuf from the definitions in TensorFlow's event.proto and summary.proto. Needs python3-protobuf."""
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DOUBLE, FLOAT, INT64, STRING, MESSAGE = 1, 2, 3, 9, 11


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def event_class():
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")

    def message(name, *fields):
        m = file.message_type.add(name=name)
        for number, field, kind, of, repeated in fields:
            m.field.add(name=field, number=number, type=kind, label=3 if repeated else 1, type_name=of)

    message("Value", (1, "tag", STRING, None, False), (2, "simple_value", FLOAT, None, False))
    message("Summary", (1, "value", MESSAGE, ".t.Value", True))
    message("Event", (1, "wall_time", DOUBLE, None, False), (2, "step", INT64, None, False),
            (3, "file_version", STRING, None, False), (5, "summary", MESSAGE, ".t.Summary", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("t.Event"))


def records(data):
    while data:
        length, crc = struct.unpack("<QI", data[:12])
        assert crc == masked(data[:8]), "checksum of a length"
        body, end = data[12:12 + length], data[12 + length:16 + length]
        assert len(end) == 4 and struct.unpack("<I", end)[0] == masked(body), "checksum of a record"
        yield body
        data = data[16 + length:]


# RFC 3720, appendix B.4.
assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"\xff" * 32) == 0x62A8AB43 and crc32c(bytes(range(32))) == 0x46DD794E
Event = event_class()
events = [Event.FromString(body) for body in records(open(sys.argv[1], "rb").read())]
assert events[0].file_version == "brain.Event:2" and all(not e.file_version for e in events[1:])
assert all(1.6e9 < e.wall_time < 1e10 for e in events)
for event in events[1:]:
    for value in event.summary.value:
        print(f"{event.step},{value.tag},{value.simple_value:.9g}")
