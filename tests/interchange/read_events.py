#!/usr/bin/python3
"""read_events.py RUN...: reads a run's event files by Google's protobuf and compares them with its metrics.jsonl and metrics.csv.

Needs python3-protobuf. The messages are those of tensorflow/core/util/event.proto and
tensorflow/core/framework/summary.proto, fields that do not matter here left out.
"""
import csv
import glob
import json
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SCHEMA = {
    "SourceMetadata": [("writer", 1, "STRING")],
    "Value": [("tag", 1, "STRING"), ("simple_value", 2, "FLOAT")],
    "Summary": [("value", 1, "Value")],
    "Event": [("wall_time", 1, "DOUBLE"), ("step", 2, "INT64"), ("file_version", 3, "STRING"), ("summary", 5, "Summary"),
              ("source_metadata", 10, "SourceMetadata")],
}
TAGS = {
    "loss/train": "train_loss", "accuracy/train": "train_acc", "loss/validation": "val_loss", "accuracy/validation": "val_acc",
    "loss/test": "test_loss", "accuracy/test": "test_acc", "accuracy/test_augmented": "tta_acc", "lr": "lr",
    "img_per_s": "img_per_s",
}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# RFC 3720, appendix B.4.
assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"\xff" * 32) == 0x62A8AB43 and crc32c(bytes(range(32))) == 0x46DD794E


def event_class():
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="tensorflow", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL)
            if kind in SCHEMA:
                added.type, added.type_name = kinds.TYPE_MESSAGE, ".tensorflow." + kind
                if kind == "Value":
                    added.label = kinds.LABEL_REPEATED
            else:
                added.type = getattr(kinds, "TYPE_" + kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("tensorflow.Event"))


def records(path):
    def check(data, crc):
        plain = crc32c(data)
        assert crc == ((plain >> 15 | plain << 17) + 0xA282EAD8) % 2**32, "%s: a checksum is wrong" % path

    with open(path, "rb") as file:
        while head := file.read(12):
            size, crc = struct.unpack("<QI", head)
            check(head[:8], crc)
            data = file.read(size)
            check(data, *struct.unpack("<I", file.read(4)))
            yield data


def compare(run):
    paths = glob.glob(glob.escape(run) + "/events.out.tfevents.*")
    assert len(paths) == 1, "%s: %d event files" % (run, len(paths))
    events = [event_class().FromString(data) for data in records(paths[0])]
    assert not any(event.SerializePartialToString() != data for event, data in zip(events, records(paths[0]))), "other bytes"
    assert events[0].file_version == "brain.Event:2" and events[0].source_metadata.writer == "tinycnn"
    lines = [json.loads(line) for line in open(run + "/metrics.jsonl")]
    assert len(events) == len(lines) + 1, "%d events, %d epochs" % (len(events), len(lines))
    for event, line in zip(events[1:], lines):
        found = {TAGS[value.tag]: value.simple_value for value in event.summary.value}
        wanted = {key: value for key, value in line.items() if key in TAGS.values() and value is not None}
        assert event.step == line["step"] and found.keys() == wanted.keys(), (event, line)
        for key, value in wanted.items():
            assert abs(found[key] - value) <= 6e-8 * abs(value), (key, found[key], value)
    rows = list(csv.DictReader(open(run + "/metrics.csv", newline="")))
    assert [{key: None if text == "" else float(text) for key, text in row.items()} for row in rows] == lines, "metrics.csv"
    times = [event.wall_time for event in events]
    assert times == sorted(times), "wall times go back"
    print("%s: %d events, %d scalars, %d rows of CSV: all as in metrics.jsonl"
          % (run, len(events), sum(len(event.summary.value) for event in events), len(rows)))


for folder in sys.argv[1:]:
    compare(folder)
