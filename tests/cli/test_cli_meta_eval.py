"""`inrfit meta-eval`: a line per init, measured on signals it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from tests_cli import inrfit, save
from tests_meta import MODEL, learner_of, pictures

from inrfit import api
from inrfit.config import PartitionConfig
from inrfit.meta.config import MetaConfig
from inrfit.meta.init import Init, read


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "held").mkdir()
    for number, picture in enumerate(pictures(3, 12, 14)):
        save(tmp_path / "held" / f"{number}.png", picture.dense())
    (tmp_path / "held" / "bad.png").write_bytes(b"no picture")
    for method in ("maml", "standard"):
        config = MetaConfig(method=method, inner_steps=2, inner_lr=0.1, size=8)
        made = Init(
            kind="image",
            axes=("y", "x"),
            channels=3,
            model=MODEL,
            partition=PartitionConfig(rule="grid", grid=(2, 1)),
            config=config,
            params=learner_of(method, inner_steps=2, inner_lr=0.1).parameters(0),
        )
        (tmp_path / f"{method}.safetensors").write_bytes(made.data)
    return tmp_path


def test_each_init_is_one_object_and_bad_files_are_counted(folder):
    inits = [str(folder / f"{method}.safetensors") for method in ("maml", "standard")]
    ran = inrfit(
        "meta-eval", str(folder / "held"), "--init", inits[0], "--init", inits[1], "--steps", "3", "--json"
    )
    assert ran.code == 0, ran.err
    assert [result["method"] for result in ran.results] == ["maml", "standard"]
    for result, path in zip(ran.results, inits, strict=True):
        assert result["hash"] == read(path).hash
        assert len(result["step_psnr"]) == 4
        assert result["psnr"] == result["step_psnr"][-1] > result["step_psnr"][0]
        assert result["signals"] == 3
        assert [skipped["input"] for skipped in result["skipped"]] == [str(folder / "held" / "bad.png")]
        assert result["lr"] is None
    assert np.allclose(ran.results[0]["step_psnr"], ran.results[1]["step_psnr"], atol=1e-3)


def test_a_rate_is_chosen_and_told(folder):
    init = str(folder / "standard.safetensors")
    ran = inrfit(
        "meta-eval", str(folder / "held"), "--init", init, "--steps", "4", "--optimiser", "adam", "--json"
    )
    (result,) = ran.results
    for lr in (0.03, 0.0001):
        words = {"steps": 4, "optimiser": "adam", "lr": lr, "device": "cpu"}
        found = api.meta_eval(sorted((folder / "held").glob("*.png")), init, **words)
        assert found["psnr"] <= result["psnr"] + 1e-6
        assert found["lr"] == lr
    said = inrfit("meta-eval", str(folder / "held"), "--init", init, "--optimiser", "adam", "--steps", "1")
    assert "standard, adam at 0" in said.out + said.err
    assert "3 signals, 1 skipped" in said.out + said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--optimiser", "adamw"), "--optimiser 'adamw' is not known"),
        (("--lr", "0.1"), "is for --optimiser sgd or adam"),
        (("--steps", "-1"), "--steps -1"),
        (("--optimiser", "sgd", "--lr", "0"), "--lr 0"),
    ],
)
def test_words_that_cannot_work_are_refused(folder, words, said):
    ran = inrfit("meta-eval", str(folder / "held"), "--init", str(folder / "maml.safetensors"), *words)
    assert ran.code == 2
    assert said in ran.err


def test_an_init_of_another_kind_of_signal_has_nothing_to_measure(folder):
    grey = folder / "grey"
    grey.mkdir()
    save(grey / "a.png", pictures(1, channels=1)[0].dense())
    ran = inrfit("meta-eval", str(grey), "--init", str(folder / "maml.safetensors"))
    assert ran.code == 2
    assert "no signals to measure" in ran.err
