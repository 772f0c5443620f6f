"""Writes the demo's configuration: everything on loopback, mail into a folder, money that is not real."""

import json
from dataclasses import dataclass
from pathlib import Path

from capsuld.demo.libvirtd import Driver


@dataclass(frozen=True)
class Layout:
    """Where everything of one demo lies; all of it below `state`."""

    state: Path

    @property
    def configuration(self) -> Path:
        return self.state / "capsul.toml"

    @property
    def mail(self) -> Path:
        return self.state / "mail"

    @property
    def images(self) -> Path:
        return self.state / "images"

    @property
    def postgres(self) -> Path:
        return self.state / "postgres"

    @property
    def libvirt(self) -> Path:
        return self.state / "libvirt"

    @property
    def prometheus(self) -> Path:
        return self.state / "prometheus"

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"


@dataclass(frozen=True)
class Ports:
    """TCP ports of the loopback interface."""

    ssh: int
    http: int
    metrics: int
    prometheus: int


def write_config(
    layout: Layout, ports: Ports, *, database: str, driver: Driver, disks: Path, scrape_seconds: int
) -> None:
    """Write the file that CAPSUL_CONFIG names; `database` is a URL without a user."""
    settings: dict[str, str | int | bool | list[str]] = {
        "provider_name": "Capsul demo",
        "contact": "whoever started this demo",
        "public_url": f"http://127.0.0.1:{ports.http}",
        "database": database,
        "ssh_host": "127.0.0.1",
        "ssh_port": ports.ssh,
        "ssh_public_host": "127.0.0.1",
        "host_keys": str(layout.state / "host_keys"),
        "http_host": "127.0.0.1",
        "http_port": ports.http,
        "metrics_host": "127.0.0.1",
        "metrics_port": ports.metrics,
        "prometheus_url": f"http://127.0.0.1:{ports.prometheus}",
        "scrape_seconds": scrape_seconds,
        "virt_type": driver,
        "disk_path": str(disks),
        "image_path": str(layout.images),
        "maildir": str(layout.mail),
        "sandbox": True,
        "sandbox_unconfirmed": 20,
        "unlimited_networks": ["127.0.0.0/8", "::1/128"],
        "sessions_per_account": 100,
    }
    # A JSON string, number, list or truth value is the same in TOML.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    layout.configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
