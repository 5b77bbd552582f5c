from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.container_names import container_name, helper_name, volume_labels, volume_name

RUN = "dev-01jd0000000000000012345678"


def test_the_names() -> None:
    assert container_name("shop", "dev", RUN) == "fh-shop-dev-12345678"
    assert helper_name("shop", "dev", RUN) == "fh-shop-dev-12345678-net"
    assert volume_name("shop", "dev", 2) == "fh-shop-dev-2"


def test_labels_tell_apart_what_names_do_not() -> None:
    assert volume_name("a-b", "c", 0) == volume_name("a", "b-c", 0)
    assert volume_labels("a-b", "c", 0) != volume_labels("a", "b-c", 0)


@pytest.mark.parametrize("project", ["my shop", "größe", "a/b", "x:y"])
def test_a_name_that_docker_would_refuse_is_refused_with_a_way_out(project: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        container_name(project, "dev", RUN)
    assert caught.value.code is Code.CONFIG
    assert "projectName" in caught.value.hint
