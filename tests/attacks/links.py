"""HDF5 features by which a weights file leads its reader out of itself, or round in circles."""

import h5py

from tests.attacks.base import Base, Edit, edited_both, edited_h5
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.family import HANG, READ
from tests.attacks.lookups import MUST

CVE = "CVE-2026-1669"
NO_HANG = f"{MUST}; must not hang"


def add_links(corpus: Corpus, base: Base) -> None:
    """Write every case with a link or with storage elsewhere."""
    _add_external_links(corpus, base)
    _add_fifo_links(corpus, base)
    _add_storage(corpus, base)
    _add_soft_links(corpus, base)


def _leak(case: str, attacks: str, ref: str = CVE) -> Case:
    return Case(case, READ, attacks, MUST, ref=ref, payload="canary")


def _add_external_links(corpus: Corpus, base: Base) -> None:
    target = str(corpus.canary / "target.h5")
    edited_both(
        corpus,
        base,
        _leak("h5_extlink_dataset", "HDF5 external link (dataset)"),
        _dataset_link(target, "/k43"),
    )
    edited_both(
        corpus,
        base,
        _leak("h5_extlink_group", "HDF5 external link (group)", f"{CVE} keras PR 22900"),
        _group_link(target, "/layers/d1/vars"),
    )
    edited_h5(
        corpus,
        base,
        _leak("h5_extlink_weights_h5", "HDF5 external link (model_weights)", "keras PR 22900"),
        _top_link(target, "/model_weights"),
    )
    edited_both(
        corpus,
        base,
        _leak("h5_extlink_top", "HDF5 external link (top group)"),
        _top_link(target, "/layers"),
    )
    attacks = "HDF5 external link to a non-HDF5 file"
    draft = Case("h5_extlink_hostname", READ, attacks, MUST, ref=CVE)
    edited_both(corpus, base, draft, _dataset_link("/etc/hostname", "/"))
    draft = Case("h5_extlink_self", READ, "HDF5 external link naming a file beside it", MUST)
    edited_both(corpus, base, draft, _self_link)


def _add_fifo_links(corpus: Corpus, base: Base) -> None:
    fifo = str(corpus.canary / "fifo")
    draft = Case(
        "h5_extlink_fifo",
        HANG,
        "HDF5 external link to a FIFO (open blocks)",
        NO_HANG,
        ref="3.15.1 opens the target before it checks the link class",
    )
    edited_both(corpus, base, draft, _dataset_link(fifo, "/"))
    attacks = "HDF5 external link to a FIFO (top group): `path in file` opens it"
    draft = Case("h5_extlink_top_fifo", HANG, attacks, NO_HANG)
    edited_both(corpus, base, draft, _top_link(fifo, "/layers"))


def _add_storage(corpus: Corpus, base: Base) -> None:
    """Arrays whose numbers lie in another file."""
    target = str(corpus.canary / "target.h5")

    def virtual(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        layout = h5py.VirtualLayout(shape=(4, 3), dtype="f4")
        layout[:] = h5py.VirtualSource(target, "k43", shape=(4, 3))
        file[group].create_virtual_dataset(key, layout)

    secret = str(corpus.canary / "secret.f32")
    draft = _leak("h5_external_storage", "HDF5 external raw storage")
    edited_both(corpus, base, draft, _raw(secret, "<f4", 48))
    attacks = "HDF5 external raw storage on /etc/hostname"
    draft = Case("h5_external_storage_hostname", READ, attacks, MUST, ref=CVE)
    edited_both(corpus, base, draft, _raw("/etc/hostname", "u1", 12))
    draft = _leak("h5_virtual", "HDF5 virtual dataset", "keras PR 22976")
    edited_both(corpus, base, draft, virtual)


def _add_soft_links(corpus: Corpus, base: Base) -> None:
    must = "refuse: soft links have no place in a weights file"
    draft = Case("h5_softlink", READ, "HDF5 soft link", must, ref="keras PR 22900")
    edited_both(corpus, base, draft, _soft("/"))
    draft = Case("h5_softlink_dangling", READ, "HDF5 dangling soft link", CLEAR)
    edited_both(corpus, base, draft, _soft("/nowhere/at/all"))
    draft = Case("h5_softlink_loop", HANG, "HDF5 soft-link loop", "refuse, no endless walk")
    edited_both(corpus, base, draft, _soft_loop)
    must = "refuse, or load without walking the cycle"
    draft = Case("h5_hardlink_cycle", HANG, "HDF5 hard-link cycle", must)
    edited_both(corpus, base, draft, _hard_cycle)


def _dataset_link(target: str, path: str) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group][key] = h5py.ExternalLink(target, path)

    return edit


def _group_link(target: str, path: str) -> Edit:
    def edit(file: h5py.File, group: str, _key: str) -> None:
        parent, last = group.rsplit("/", 1)
        del file[parent][last]
        file[parent][last] = h5py.ExternalLink(target, path)

    return edit


def _top_link(target: str, path: str) -> Edit:
    def edit(file: h5py.File, group: str, _key: str) -> None:
        top = group.split("/")[0]
        del file[top]
        file[top] = h5py.ExternalLink(target, path)

    return edit


def _self_link(file: h5py.File, group: str, key: str) -> None:
    del file[group][key]
    file[group][key] = h5py.ExternalLink("./self.h5", f"/{group}/{key}")


def _raw(path: str, dtype: str, size: int) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group].create_dataset(key, (4, 3), dtype, external=[(path, 0, size)])

    return edit


def _soft(target: str) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group][key] = h5py.SoftLink(target)

    return edit


def _soft_loop(file: h5py.File, group: str, key: str) -> None:
    del file[group][key]
    file[group][key] = h5py.SoftLink(f"/{group}/loop_b")
    file[group]["loop_b"] = h5py.SoftLink(f"/{group}/{key}")


def _hard_cycle(file: h5py.File, group: str, _key: str) -> None:
    file[group]["me"] = file[group]
    file[group]["root"] = file["/"]
