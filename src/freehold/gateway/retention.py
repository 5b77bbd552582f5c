"""Forgetting what is older than the project keeps its history: `historyRetentionDays`."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import Connection

from freehold.base.errors import FreeholdError
from freehold.gateway.access import SESSION_LASTS
from freehold.gateway.project_service import ProjectService
from freehold.store import api_keys, receipts, run_index

EVERY_S = 3600.0

_logger = logging.getLogger(__name__)


async def forget_old(service: ProjectService) -> None:
    """Once. Sums of days, the audit and dead letters stay. Raises what the database raises."""
    now = service.clock.now()
    before = now - timedelta(days=service.scheduler.agents.project.config.history_days)

    def work(connection: Connection) -> tuple[int, int]:
        api_keys.forget_sessions(connection, now - SESSION_LASTS)
        return run_index.forget_before(connection, before), receipts.forget_before(connection, before)

    runs, deliveries = await service.database.write(work)
    if runs or deliveries:
        _logger.info("old history was forgotten", extra={"runs": runs, "receipts": deliveries})


async def keep_forgetting(service: ProjectService) -> None:
    """Until cancelled."""
    while True:
        try:
            await forget_old(service)
        except FreeholdError as error:
            _logger.warning("old history stays for now", extra={"error": error.message})
        await service.clock.sleep(EVERY_S)
