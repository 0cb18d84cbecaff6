"""`python -m tests.pages.screenshots`: takes the pictures of `docs/images` anew, from the running demo."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pages.conftest import ARGUMENTS, CHROMIUM, People
from tests.pages.stack import ROOT, start, stop

IMAGES = ROOT / "docs" / "images"
# Name of the picture -> who reads which page, how wide, in which scheme.
PICTURES = {
    "family_profiles_390": ("dana", "/", 390, "light"),
    "family_home_390": ("dana", "/c/mia", 390, "light"),
    "family_home_dark_390": ("dana", "/c/mia", 390, "dark"),
    "family_refusal_390": ("tom", "/c/rosa/plan", 390, "light"),
    "family_plan_1280": ("rosa", "/c/rosa/plan", 1280, "light"),
    "family_calendar_1280": ("rosa", "/c/rosa/calendar?view=month&on={month}-01", 1280, "light"),
    "family_invoice_1280": ("rosa", "/c/rosa/invoices/inv_rosa_1", 1280, "light"),
    "practice_network_1280": ("jo", "/admin/clients/mia", 1280, "light"),
    "practice_toggles_1280": ("jo", "/admin/clients/rosa/grants/g_tom_rosa", 1280, "light"),
    "practice_toggles_390": ("jo", "/admin/clients/mia/grants/g_sam_mia", 390, "light"),
}


def main() -> int:
    """Start the demo, take every picture, stop the demo."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        process, stack = start(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            people = People(browser, stack)
            for name, (reader, path, width, scheme) in PICTURES.items():
                with people.page(
                    reader, width, color_scheme=scheme, device_scale_factor=2 if width == 390 else 1
                ) as page:
                    page.goto("/c/rosa/calendar" if "{month}" in path else path)
                    if "{month}" in path:
                        day = page.locator("#appt_rosa_3 time").get_attribute("datetime") or ""
                        page.goto(path.format(month=day[:7]))
                    page.screenshot(path=IMAGES / f"{name}.png")
            browser.close()
        finally:
            stop(process)
            stack.backend.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
