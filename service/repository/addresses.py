"""Whether the addresses in the settings can be opened; where there is none, nothing is imported."""

from service.base.settings import Settings


def check_addresses(settings: Settings) -> None:
    """Raise SettingsInvalid for an address that can't be opened; nothing is asked there."""
    if settings.repository_url or settings.compiled_url:
        from service.repository.remote import places  # fsspec, which others don't need

        places.check_addresses(settings)
