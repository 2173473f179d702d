"""What Tab offers at the prompt beyond the language: `:` commands, their arguments, files, settings, questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcalc.cli.offers import offers_for
from tcalc.session.session import Session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in a folder with files, with two variables."""
    (tmp_path / "data").mkdir()
    for name in ("a.npy", "b.tc", ".hidden", "data/c.csv", "two words.npy"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    session = Session()
    session.run("x = ones(2, 3); weight = ones(2)")
    return session


def texts(session: Session, entry: str) -> list[str]:
    """The entry as it would be after each offer."""
    start, offers = offers_for(entry, len(entry), session.env)
    return [entry[:start] + offer.insert for offer in offers]


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        (":in", [":info"]),
        (":s", [":show", ":stats", ":storage", ":save", ":set"]),
        (":info ", [":info x", ":info weight"]),
        (":show w", [":show weight"]),
        (":storage w", [":storage weight"]),
        (":graph w", [":graph weight"]),
        (":graph x --dot b", [":graph x --dot b.tc"]),
        (":explain x.unsq", [":explain x.unsqueeze", ":explain x.unsqueeze_"]),
        (":time weight.me", [":time weight.mean", ":time weight.median"]),
        (":trace wei", [":trace weight"]),
        (":load ", [":load a.npy", ":load b.tc", ":load data/", ':load "two words.npy"']),
        (":load y=a", [":load y=a.npy"]),
        (":load data/", [":load data/c.csv"]),
        (":load .h", [":load .hidden"]),
        (":load nowhere/", []),
        (":save w", [":save weight"]),
        (":save x a", [":save x a.npy"]),
        (":torch b", [":torch b.tc"]),
        (":set tool", [":set toolbar"]),
        (":set toolbar ", [":set toolbar on", ":set toolbar off", ":set toolbar --save"]),
        (":set toolbar off ", [":set toolbar off on", ":set toolbar off --save"]),
        (":set width a", [":set width auto"]),
        (":set mute broad", [":set mute broadcast-grow"]),
        (":set nothing ", []),
        (":vars ", []),
        (":unknown ", []),
        (":help :in", [":help :info"]),
        (":help unsq", [":help unsqueeze", ":help unsqueeze_copy"]),
        ("?unsq", ["?unsqueeze", "?unsqueeze_copy"]),
        ("?x.unsq", ["?x.unsqueeze", "?x.unsqueeze_"]),
        ("?non-l", ["?non-leaf-grad"]),
        ("?strid", ["?stride", "?strides", "?strided"]),
        ("?:gra", ["?:graph"]),
        ("?", []),
        ("unsq", ["unsqueeze", "unsqueeze_copy"]),
    ],
)
def test_offers(session: Session, entry: str, after: list[str]) -> None:
    assert sorted(texts(session, entry)) == sorted(after)


def test_names_come_with_shapes_and_commands_with_what_they_do(session: Session) -> None:
    assert offers_for(":info x", 7, session.env).offers[0].meta == "float32 (2, 3)"
    assert offers_for(":va", 3, session.env).offers[0].meta.startswith("all variables")
