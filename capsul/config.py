"""Settings: one TOML file, `CAPSUL_*` variables over it, systemd credentials over both. Read once, at start.

The file is named by `CAPSUL_CONFIG`, else `/etc/capsul/capsul.toml`. Unknown settings are an error.
"""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=1, le=65535)]
Network = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """Everything that differs between one provider and another."""

    model_config = SettingsConfigDict(env_prefix="CAPSUL_", extra="forbid", frozen=True, use_attribute_docstrings=True)

    provider_name: str = "Capsul"
    """How the provider calls itself, on the page and in mail."""
    contact: str = "the operators"
    """How to reach a person."""
    public_url: str
    """Where the web door is reached from outside, without a slash at the end."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    """ISO 4217; cannot be changed once there is money."""
    terms_version: str = "1"
    """Which terms a new member accepts by enrolling."""

    database: str
    """Postgres URL without a user: each process has a login of its own."""
    database_password: SecretStr | None = None
    """Of this process's login, where the server asks for one."""

    ssh_host: str = "0.0.0.0"  # noqa: S104 - a server for everybody listens everywhere
    ssh_port: Port = 22
    ssh_public_host: str = "localhost"
    """The name members type after `ssh`."""
    ssh_public_port: Port | None = None
    """The port members use, when it is not ssh_port."""
    host_keys: Path
    """Folder of the SSH host keys."""

    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    trusted_proxies: list[Network] = []
    """Proxies whose X-Forwarded-For is believed. Without, all that comes through a proxy counts as one source."""
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9177
    """Where the worker shows /metrics to Prometheus."""
    prometheus_url: str = "http://127.0.0.1:9090"
    scrape_seconds: Annotated[int, Field(ge=1, le=300)] = 15
    """How often Prometheus scrapes us."""

    virt_type: Literal["qemu", "kvm", "test"] = "kvm"
    """How capsuls run. Never guessed: /dev/kvm can exist and be unusable."""
    disk_path: Path = Path("/var/lib/libvirt/images/capsul")
    """Folder of the disks and console logs, on each host."""
    image_path: Path = Path("/var/lib/libvirt/images/base")
    """Folder of the base images, on each host."""
    operation_seconds: Annotated[int, Field(ge=5)] = 600
    """How long an operation may take before it counts as failed."""
    shutdown_seconds: Annotated[int, Field(ge=1)] = 90
    """How long a guest may take to shut down when asked."""

    maildir: Path | None = None
    """Deliver mail into this Maildir instead of by SMTP: for trials."""
    smtp_host: str = "localhost"
    smtp_port: Port = 25
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    mail_from: str = "capsul@localhost"

    sandbox: bool = False
    """Offer the sandbox provider: money that is not real."""
    sandbox_unconfirmed: Annotated[int, Field(ge=0)] | None = None
    """Whole units of unconfirmed sandbox money credited at once; by default what any provider's would be."""

    enrolment_minutes: Annotated[int, Field(ge=1)] = 60
    recovery_wait_hours: Annotated[int, Field(ge=0)] = 24
    """How long a new key of an account with something to lose waits before it may do everything."""
    unlimited_networks: list[Network] = []
    """Sources that no limit applies to."""
    sessions_per_account: Annotated[int, Field(ge=1)] = 20
    login_seconds: Annotated[int, Field(ge=1)] = 60
    """How long a connection may take to prove a key."""

    @property
    def ssh_command(self) -> str:
        """What a member types, before the name of a command."""
        port = self.ssh_public_port or self.ssh_port
        return f"ssh {self.ssh_public_host}" if port == 22 else f"ssh -p {port} {self.ssh_public_host}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Which source wins over which, the strongest first."""
        del dotenv_settings
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, file_secret_settings, env_settings, toml


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        pydantic.ValidationError: a setting is missing, unknown or not of its kind.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return Settings(_secrets_dir=credentials)  # type: ignore[call-arg]  # the required ones come from the sources


def config_file() -> Path:
    """Where the settings are read from, whether it is there or not."""
    return Path(os.environ.get("CAPSUL_CONFIG", "/etc/capsul/capsul.toml"))
