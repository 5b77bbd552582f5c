"""What this machine offers as a provider, and what is made of a server that is asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.machine import ServerSpec
from freehold.providers.offer import Architecture
from freehold.providers.sandbox import first_files
from freehold.providers.sandbox.order import Order
from freehold.providers.sandbox.provider import catalogue_of, order_of
from freehold.providers.sandbox.recipe import Form, Suite
from tests.support.cloud_worlds import KEY, PROD

FACTS = {"NCPU": 2, "MemTotal": 6 * 1024**3, "Architecture": "x86_64", "Name": "laptop"}
SPEC = ServerSpec(PROD, "medium", "here", "debian-12", (KEY,), "prod", "#cloud-config\n{}\n")


def test_only_sizes_that_the_machine_has_are_offered_and_they_cost_nothing() -> None:
    catalogue = catalogue_of(FACTS)
    assert [plan.name for plan in catalogue.plans] == ["small", "medium", "whole"]
    assert catalogue.plan("whole").vcpu == 2
    assert catalogue.require_sold("medium", "here").month == 0
    small = catalogue_of({**FACTS, "NCPU": 1, "MemTotal": 512 * 1024**2})
    assert [plan.name for plan in small.plans] == ["whole"]


def test_debian_12_with_docker_is_the_first_choice() -> None:
    catalogue = catalogue_of(FACTS)
    images = [image.id for image in catalogue.images_for(catalogue.plan("small"))]
    assert images == ["debian-12", "debian-12-plain", "debian-13", "debian-13-plain"]


def test_an_arm_machine_offers_arm() -> None:
    catalogue = catalogue_of({**FACTS, "Architecture": "aarch64"})
    assert {plan.architecture for plan in catalogue.plans} == {Architecture.ARM}


@pytest.mark.parametrize(
    ("image", "suite", "form"),
    [
        ("debian-12", Suite.BOOKWORM, Form.READY),
        ("debian-13", Suite.TRIXIE, Form.READY),
        ("debian-12-plain", Suite.BOOKWORM, Form.PLAIN),
        ("debian-13-plain", Suite.TRIXIE, Form.PLAIN),
    ],
)
def test_order_is_of_the_image_and_the_plan(image: str, suite: Suite, form: Form) -> None:
    order = order_of(replace(SPEC, image=image), catalogue_of(FACTS))
    assert (order.name, order.suite, order.form) == ("fh-prod-abcd1234", suite, form)
    assert (order.cpus, order.memory_bytes) == (2, 4 * 1024**3)
    assert order.marks == {
        "dev.freehold.installation": "abcd1234",
        "dev.freehold.environment": "prod",
        "dev.freehold.plan": "medium",
    }


def test_the_whole_machine_is_without_bounds() -> None:
    order = order_of(replace(SPEC, plan="whole"), catalogue_of(FACTS))
    assert (order.cpus, order.memory_bytes) == (0, 0)


def test_an_image_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ApiError) as caught:
        order_of(replace(SPEC, image="fedora-43"), catalogue_of(FACTS))
    assert caught.value.refusal is Refusal.INVALID
    assert "debian-13-plain" in caught.value.hint


def test_files_of_the_first_boot_are_the_keys_and_the_document() -> None:
    files = first_files.of(Order("box", (f"{KEY} me\n", "ssh-rsa BBBB"), user_data="#cloud-config\n{}\n"))
    assert files["/root/.ssh/authorized_keys"] == f"{KEY} me\nssh-rsa BBBB\n".encode()
    assert files["/var/lib/cloud/seed/nocloud/user-data"] == b"#cloud-config\n{}\n"
    assert json.loads(files["/var/lib/cloud/seed/nocloud/meta-data"])["instance-id"] == "box"


def test_without_a_document_cloud_init_is_switched_off() -> None:
    assert set(first_files.of(Order("box", (KEY,)))) == {"/root/.ssh/authorized_keys", "/etc/cloud/cloud-init.disabled"}
