"""One worker process of the benchmark `workers`: sends a campaign and prints its peak memory.

`python -m benchmarks.sender CAMPAIGN RELAY_URL`, in the environment of a worker. It prints the
memory in MiB and how many messages of the campaign were open when it ended.
"""

import resource
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

import django


def main(campaign: UUID, relay_url: str) -> None:
    django.setup()
    from campaigns import services

    while services.progress(campaign_id=campaign).open:
        services.deliver(campaign_id=campaign, clock=lambda: datetime.now(UTC), relay_url=relay_url)
        time.sleep(0.05)  # another worker may hold the last of them
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main(UUID(sys.argv[1]), sys.argv[2])
