"""What is read of Vultr's answers (API v2). Its document requires no field; what is needed is required here."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Links(Struct, frozen=True):
    next: str = ""


class Meta(Struct, frozen=True):
    links: Links = Links()


class Account(Struct, frozen=True):
    name: str = ""
    email: str = ""


class AccountAnswer(Struct, frozen=True):
    account: Account


class Cost(Struct, frozen=True):
    """In US dollars."""

    monthly_cost: Decimal
    hourly_cost: Decimal = Decimal(0)


class PlanFound(Struct, frozen=True):
    """`ram` in MB, `disk` in GB, costs in US dollars; `hourly_cost` only where it is billed by the hour."""

    id: str
    vcpu_count: int
    ram: int
    disk: int
    monthly_cost: Decimal
    locations: list[str]
    type: str = ""
    hourly_cost: Decimal = Decimal(0)
    location_cost: dict[str, Cost] = {}


class Plans(Struct, frozen=True):
    plans: list[PlanFound]
    meta: Meta = Meta()


class RegionFound(Struct, frozen=True):
    id: str
    city: str
    country: str


class Regions(Struct, frozen=True):
    regions: list[RegionFound]
    meta: Meta = Meta()


class OperatingSystem(Struct, frozen=True):
    id: int
    name: str
    arch: str
    family: str


class OperatingSystems(Struct, frozen=True):
    os: list[OperatingSystem]
    meta: Meta = Meta()


class SshKey(Struct, frozen=True):
    id: str
    name: str
    ssh_key: str


class SshKeys(Struct, frozen=True):
    ssh_keys: list[SshKey]
    meta: Meta = Meta()


class SshKeyAnswer(Struct, frozen=True):
    ssh_key: SshKey


class Group(Struct, frozen=True):
    """`instance_count`: a group is not removed as long as it protects a server."""

    id: str
    description: str = ""
    instance_count: int = 0


class Groups(Struct, frozen=True):
    firewall_groups: list[Group]
    meta: Meta = Meta()


class GroupAnswer(Struct, frozen=True):
    firewall_group: Group


class Rule(Struct, frozen=True):
    id: int
    ip_type: str
    protocol: str
    subnet: str
    subnet_size: int
    port: str = ""
    notes: str = ""
    source: str = ""


class Rules(Struct, frozen=True):
    firewall_rules: list[Rule]
    meta: Meta = Meta()


class Instance(Struct, frozen=True):
    """`main_ip` is `0.0.0.0`, and `v6_main_ip` empty, until there are addresses."""

    id: str
    status: str
    plan: str
    region: str
    label: str = ""
    power_status: str = ""
    server_status: str = ""
    main_ip: str = ""
    v6_main_ip: str = ""
    tags: list[str] = []


class Instances(Struct, frozen=True):
    instances: list[Instance]
    meta: Meta = Meta()


class InstanceAnswer(Struct, frozen=True):
    instance: Instance
