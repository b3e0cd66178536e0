"""kafka-producer.yaml and kafka-consumer.yaml around a real broker: outages, restarts, replay by offset."""

from __future__ import annotations

import pytest

from tests.support.collector import Collector, wait_until
from tests.support.kafka import Kafka
from tests.support.otlp import model_call, request, send, span
from tests.support.otlp_sink import attributes

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    with Kafka(tmp_path_factory.mktemp("broker") / "kafka") as running:
        yield running


def settings(kafka, name):
    return {"KAFKA_BROKERS": kafka.address, "KAFKA_TOPIC_PREFIX": name, "KAFKA_GROUP": name}


def test_an_example_through_kafka(tmp_path, kafka, sink, provider, example):
    with (
        Collector("kafka-producer.yaml", tmp_path / "p", **settings(kafka, "example")) as producer,
        Collector("kafka-consumer.yaml", tmp_path / "c", **settings(kafka, "example"), BACKEND_ENDPOINT=sink.url),
    ):
        capture = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT"}
        example("gemini_functions.py", producer.url, **capture)
        wait_until(lambda: len(sink.spans) >= 4, "the spans", 60)
        wait_until(lambda: sink.accepted("/v1/metrics") and sink.accepted("/v1/logs"), "metrics and logs", 60)
    bill = provider.ledger.total()
    used = [attributes(one).get("gen_ai.usage.input_tokens", 0) for one in sink.spans]
    assert sum(used) == bill.input


def test_both_tiers_in_one_process(tmp_path, kafka, sink, provider, example):
    with Collector("kafka.yaml", tmp_path, **settings(kafka, "both"), BACKEND_ENDPOINT=sink.url) as collector:
        example("gemini_functions.py", collector.url)
        wait_until(lambda: len(sink.spans) >= 4 and sink.accepted("/v1/metrics"), "spans and metrics", 60)
    used = [attributes(one).get("gen_ai.usage.input_tokens", 0) for one in sink.spans]
    assert sum(used) == provider.ledger.total().input


def test_nothing_is_lost_through_outages_and_a_replay_brings_all_again(tmp_path, kafka, sink):
    names = settings(kafka, "outage")
    sent = []

    def produce(url, count=20):
        for _ in range(count):
            spans = [span(attributes=model_call(1, 1)) for _ in range(10)]
            assert send(url, request(spans)) == 200
            sent.extend(one.span_id for one in spans)

    with Collector("kafka-producer.yaml", tmp_path / "p", **names) as producer:
        consumer = Collector("kafka-consumer.yaml", tmp_path / "c", **names, BACKEND_ENDPOINT=sink.url)
        with consumer:
            produce(producer.url)
            wait_until(lambda: len(sink.seen) == len(sent), "the first part", 60)
            kafka.stop()
            produce(producer.url)  # into the producer's queue on disk
            producer.kill()
            kafka.start()
            producer.start()
            sink.status = 503
            produce(producer.url)
            consumer.kill()
            consumer.start()
            sink.status = 200
            wait_until(lambda: len(sink.seen) == len(sent), "everything", 90)
        assert sink.seen.keys() == set(sent)
        sink.requests.clear()
        where = ["--bootstrap-server", kafka.address, "--group", "outage", "--topic", "outage_spans"]
        tool = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
        wait_until(lambda: "outage" in kafka.run(tool, "--bootstrap-server", kafka.address, "--list"), "the group")
        reset(kafka, tool, where)
        with consumer:
            wait_until(lambda: len(sink.seen) == len(sent), "everything once more", 90)


def test_a_message_that_is_too_large_is_lost_and_counted(tmp_path, kafka, sink):
    names = settings(kafka, "large")
    with (
        Collector("kafka-producer.yaml", tmp_path / "p", **names, KAFKA_MESSAGE_BYTES=1048576) as producer,
        Collector("kafka-consumer.yaml", tmp_path / "c", **names, BACKEND_ENDPOINT=sink.url),
    ):
        assert send(producer.url, request([span(attributes={"filler": "x" * 3_000_000})])) == 200
        name = "otelcol_exporter_send_failed_spans"
        wait_until(lambda: producer.metrics().get(name) == 1, "the count of what was lost", 60)
        assert any(k.startswith(name) and 'error_permanent="true"' in k for k in producer.metrics())
        assert send(producer.url, request([after := span()])) == 200
        wait_until(lambda: sink.spans, "what comes after", 60)
    assert sink.seen == {after.span_id: 1}


def reset(kafka, tool, where):
    """Offsets can be set once the group has noticed that its member is gone."""

    def done():
        try:
            return kafka.run(tool, *where, "--reset-offsets", "--to-earliest", "--execute")
        except AssertionError:
            return False

    wait_until(done, "the offsets are set back", 60)
