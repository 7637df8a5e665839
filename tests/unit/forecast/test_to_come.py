"""What is still to come of disks, by what was shown of them."""

from __future__ import annotations

import pytest

from vmferry.forecast.progress import Phase, Progress, to_come_bytes
from vmferry.model.migration import DiskProgress

VDA, VDB = DiskProgress("vda", 8, 64), DiskProgress("vdb", 8, 64)


@pytest.mark.parametrize(
    ("disks", "of", "left"), [((VDA,), 1, 112), ((VDA,), 2, None), ((), 1, None), ((VDA, VDB), 2, 112)]
)
def test_only_once_all_of_them_have_begun(disks: tuple[DiskProgress, ...], of: int, left: int | None) -> None:
    shown = Progress(Phase.DISKS, 1.0, None, 0, None, 0, None, 112, disks)
    assert to_come_bytes(shown, of) == left
    assert to_come_bytes(None, of) is None
