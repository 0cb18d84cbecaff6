"""`python -m tests.pages.screenshots`: takes the pictures of the docs anew, from the running demo."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.pages.conftest import ARGUMENTS, CHROMIUM, People
from tests.pages.stack import ROOT, start, stop

IMAGES, SCREENSHOTS = ROOT / "docs" / "images", ROOT / "docs" / "screenshots"
# Name of the picture -> who reads which page, how wide, in which scheme. Those of `SCREENSHOTS` show the whole portal,
# those of `IMAGES` belong to the guides.
CONSOLE = {
    "13_console_network": "/admin/clients/mia",
    "14_console_person": "/admin/clients/mia/grants/g_sam_mia",
    "15_console_who_sees": "/admin/clients/mia/seen/document/doc_mia_school",
    "16_console_view_as": "/admin/as/sam/c/mia",
    "17_console_what_if": "/admin/clients/mia/what-if?about=switch&feature=documents&on=off",
    "18_console_check": "/admin/check",
}
PICTURES = {
    SCREENSHOTS: {
        "01_profiles_390": ("dana", "/", 390, "light"),
        "02_home_1280": ("dana", "/c/mia", 1280, "light"),
        "03_home_dark_390": ("dana", "/c/mia", 390, "dark"),
        "04_refused_390": ("sam", "/c/mia/invoices", 390, "light"),
        "05_invoice_1280": ("dana", "/c/mia/invoices/inv_mia_1", 1280, "light"),
        "06_calendar_1280": ("rosa", "/c/rosa/calendar?view=month&on={month}-01", 1280, "light"),
        "07_booking_390": ("dana", "/c/mia/appointments/new?with=ken", 390, "light"),
        "08_signing_1280": ("dana", "/c/mia/documents/doc_mia_consent_dana", 1280, "light"),
        "09_form_390": ("dana", "/c/mia/forms/form_mia_intake/steps/1", 390, "light"),
        "10_messages_1280": ("dana", "/c/mia/messages/thr_dana_ken", 1280, "dark"),
        "11_notices_390": ("dana", "/account/notices/mia", 390, "light"),
        "12_plan_1280": ("rosa", "/c/rosa/plan", 1280, "light"),
        **{f"{name}_{width}": ("jo", path, width, "light") for name, path in CONSOLE.items() for width in (1280, 390)},
    },
    IMAGES: {
        "family_profiles_390": ("dana", "/", 390, "light"),
        "family_home_390": ("dana", "/c/mia", 390, "light"),
        "family_home_dark_390": ("dana", "/c/mia", 390, "dark"),
        "family_refusal_390": ("tom", "/c/rosa/plan", 390, "light"),
        "family_plan_1280": ("rosa", "/c/rosa/plan", 1280, "light"),
        "family_calendar_1280": ("rosa", "/c/rosa/calendar?view=month&on={month}-01", 1280, "light"),
        "family_invoice_1280": ("rosa", "/c/rosa/invoices/inv_rosa_1", 1280, "light"),
        "practice_toggles_1280": ("jo", "/admin/clients/rosa/grants/g_tom_rosa", 1280, "light"),
        "practice_toggles_390": ("jo", "/admin/clients/mia/grants/g_sam_mia", 390, "light"),
    },
}


def take(people: People, file: Path, shown: tuple[str, str, int, Any]) -> None:
    """One picture, of what the first screen shows."""
    reader, path, width, scheme = shown
    with people.page(reader, width, color_scheme=scheme, device_scale_factor=1.5 if width == 390 else 1) as page:
        page.goto("/c/rosa/calendar" if "{month}" in path else path)
        if "{month}" in path:
            day = page.locator("#appt_rosa_3 time").get_attribute("datetime") or ""
            page.goto(path.format(month=day[:7]))
        page.screenshot(path=file)


def main() -> int:
    """Start the demo, take every picture, stop the demo."""
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        process, stack = start(Path(data))
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            people = People(browser, stack)
            for folder, pictures in PICTURES.items():
                folder.mkdir(exist_ok=True)
                for name, shown in pictures.items():
                    take(people, folder / f"{name}.png", shown)
            browser.close()
        finally:
            stop(process)
            stack.backend.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
