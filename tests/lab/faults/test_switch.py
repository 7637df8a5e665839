"""Rows 57 to 64: faults at the instant of the switch.

Where a Finish's reply is lost, libvirt on the source lets the guest run there again, whatever became of it on the
target. What keeps that from happening is the lock that QEMU holds on a file's image, which shared file systems carry
from host to host: so these guests have such a disk. Where nothing locks (a network disk without a lock of its own, a
guest without disks) libvirt's own resume makes it two, and no controller is asked; it is seen and told, not prevented.
"""

from __future__ import annotations

from .conftest import GUEST, Document, Ground
from .finish import die_in_confirm, end, stand_after_finish, stand_at_finish, thaw

IMAGE = f"/srv/shared/{GUEST}-0.img"
DEFINITIONS = "/etc/libvirt/qemu"


def effects(ground: Ground) -> list[tuple[str, str]]:
    """(what became of it, effect) of the last job, in their order."""
    name = ground.last_job()["job"]
    journal: list[Document] = ground.document("job", "show", name)["jobs"][0]["journal"]
    return [(each["kind"], each["effect"]["what"]) for each in journal if "effect" in each]


def arrived(ground: Ground, *, stale: bool) -> None:
    """On its target, and the old copy, where there was one, ended by us and never resumed."""
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    made = effects(ground)
    assert (("done", "destroy the old, paused copy") in made) is stale, made
    assert "resume the guest" not in [what for _, what in made]
    ground.safe_on("h2")


def stayed(ground: Ground) -> list[tuple[str, str]]:
    """Its effects."""
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    made = effects(ground)
    assert "destroy the old, paused copy" not in [what for _, what in made]
    ground.safe_on("h1")
    return made


def test_row_57_the_target_cannot_lock_the_image(ground: Ground) -> None:
    """Somebody else holds it at the moment when neither QEMU does: the target cannot start the guest, nor the source.

    Libvirt has defined it on the target by then, where it is now shut off, as one is that ran and ended: only a person
    can tell, by the log.
    """
    way = stand_at_finish(ground)
    ground.on("h2", f"(sleep 600 | qemu-io -f qcow2 {IMAGE}) >/run/held 2>&1 </dev/null & sleep 0.3; cat /run/held")
    ground.undo.append(lambda: ground.on("h2", "pkill -x sleep || true"))
    assert ground.on("h2", "pgrep -x qemu-io")
    ground.on("h1", f"kill -CONT {way}")
    thaw(ground, "h2")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (6, "in_doubt"), said
    assert ground.states() == {"h1": "paused (api error)", "h2": "shut off (failed)"}
    assert "only if it could not be started there" in document["error"]
    assert "lock" in ground.on("h2", f"tail -5 /var/log/libvirt/qemu/{GUEST}.log")
    ground.on("h2", "pkill -x sleep")
    ground.on("h1", f"virsh resume {GUEST}")
    assert ground.settled()["outcome"] == "rolled_back"
    ground.safe_on("h1")


def test_row_58_the_reply_of_the_target_is_lost(ground: Ground) -> None:
    end(ground, "h1", stand_after_finish(ground))
    arrived(ground, stale=True)


def test_row_59_the_hosts_are_cut_from_each_other_before_the_target_hears_of_it(ground: Ground) -> None:
    end(ground, "h1", stand_at_finish(ground, lost=True))
    thaw(ground, "h2")
    stayed(ground)


def test_row_61_the_source_s_daemon_dies_and_the_target_runs(ground: Ground) -> None:
    way = stand_after_finish(ground)
    ground.kill_daemon("h1")
    end(ground, "h1", way)
    arrived(ground, stale=True)


def test_row_61_the_source_s_daemon_dies_and_the_target_never_ran(ground: Ground) -> None:
    """Libvirt does nothing of its own accord then: the guest stays paused until we have it run again."""
    way = stand_at_finish(ground, lost=True)
    ground.kill_daemon("h1")
    end(ground, "h1", way)
    thaw(ground, "h2")
    assert ("done", "resume the guest") in stayed(ground)


def test_row_62_the_target_s_daemon_dies_before_the_guest_runs(ground: Ground) -> None:
    way = stand_at_finish(ground)
    ground.kill_daemon("h2")
    end(ground, "h1", way)
    stayed(ground)


def test_row_62_the_target_s_daemon_dies_and_the_guest_runs(ground: Ground) -> None:
    way = stand_after_finish(ground)
    ground.kill_daemon("h2")
    end(ground, "h1", way)
    arrived(ground, stale=True)


def test_row_63_the_target_cannot_keep_the_definition(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"umount {DEFINITIONS}"))
    ground.on("h2", f"mount --bind {DEFINITIONS} {DEFINITIONS}; mount -o remount,bind,ro {DEFINITIONS}")
    ground.start()
    stayed(ground)


def test_row_64_the_source_s_daemon_dies_in_its_confirm(ground: Ground) -> None:
    """With its QEMU gone and its definition still there."""
    die_in_confirm(ground)
    arrived(ground, stale=False)
