from tests.campaigns.delivery.conftest import inbox

__all__ = ["inbox"]
