"""One real Kafka broker (KRaft, no ZooKeeper) as a process, from the jars of Maven Central."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

from tests.support.absent import absent
from tests.support.collector import ROOT, free_port, wait_until

POM = Path(__file__).with_name("pom.xml")
SERVER = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
num.partitions=4
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def jars() -> str:
    """The class path; fetched once. Skips where there is no Java, or no Maven to fetch with."""
    folder = ROOT / ".cache" / "kafka"
    if not shutil.which("java"):
        absent("java", "no Java here: Kafka needs 17 or newer")
    if not any(folder.glob("kafka_2.13-*.jar")):
        if not shutil.which("mvn"):
            absent("java", "no Maven here, which fetches Kafka's jars")
        fetch = ["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        ran = subprocess.run(fetch, capture_output=True, text=True, timeout=300, check=False)
        if ran.returncode:
            absent("java", f"Kafka's jars cannot be fetched: {ran.stdout[-500:]}")
    return f"{folder}/*"


class Kafka:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.classes = folder, jars()
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        settings = SERVER.format(broker=self.port, controller=free_port(), data=folder / "data")
        (folder / "server.properties").write_text(settings)
        self.run("kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", "server.properties")

    def run(self, program: str, *arguments: str) -> str:
        """Run one of Kafka's tools; its output."""
        command = ["java", "-Xmx128m", "-cp", self.classes, program, *arguments]
        ran = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def start(self) -> None:
        command = ["java", "-Xmx512m", "-cp", self.classes, "kafka.Kafka", "server.properties"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_until(self._listens, "Kafka listens", 60)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def __enter__(self) -> Kafka:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
