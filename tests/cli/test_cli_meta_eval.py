"""`inrfit meta-eval`: a line per init, measured on signals it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from make.cli import inrfit, save
from make.meta import MODEL, learner_of, pictures

from inrfit import api
from inrfit.meta.config import MetaConfig
from inrfit.meta.held_out import LRS, windows
from inrfit.meta.init import Init, read
from inrfit.partitions.config import PartitionConfig


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


def test_a_rate_is_chosen_on_other_signals_and_told(folder):
    init, held = str(folder / "standard.safetensors"), sorted((folder / "held").glob("?.png"))
    words = ("--init", init, "--steps", "4", "--optimiser", "adam", "--json")
    (result,) = inrfit("meta-eval", str(folder / "held"), *words).results
    (other,) = result["tuned_on"]
    left = [path for path in held if str(path) != other]
    assert (len(left), result["signals"]) == (2, 2)
    same = {"steps": 4, "optimiser": "adam", "device": "cpu"}
    assert api.meta_eval(left, init, lr=result["lr"], **same)["step_psnr"] == result["step_psnr"]
    own = {lr: api.meta_eval([other], init, lr=lr, **same)["psnr"] for lr in LRS["adam"]}
    assert max(own, key=own.get) == result["lr"]
    said = inrfit("meta-eval", str(folder / "held"), "--init", init, "--optimiser", "adam", "--steps", "1")
    assert "standard, adam at 0" in said.out + said.err
    assert f"(chosen on 1 other, such as {other}), 2 signals, 1 skipped" in said.out + said.err


def test_signals_to_choose_a_rate_on_are_given(folder):
    init, held = str(folder / "standard.safetensors"), folder / "held"
    words = ("--init", init, "--steps", "1", "--optimiser", "sgd")
    (result,) = inrfit("meta-eval", held / "0.png", *words, "--tune", held / "1.png", "--json").results
    assert (result["signals"], result["tuned_on"]) == (1, [str(held / "1.png")])
    inrfit("meta-eval", held / "0.png", *words, "--tune", held).refused("0.png", "flatter", code=2)
    inrfit("meta-eval", held / "0.png", *words).refused("--tune", "--lr", code=2)
    lone = ("--init", init, "--tune", held / "1.png")
    inrfit("meta-eval", held / "0.png", *lone).refused("--tune", "--optimiser sgd or adam", code=2)


def test_the_result_does_not_depend_on_threads(folder):
    for number, picture in enumerate(pictures(9, 12, 14)):
        save(folder / "held" / f"more{number}.png", picture.dense())
    words = ("meta-eval", folder / "held", "--init", folder / "maml.safetensors", "--steps", "2", "--json")
    one, three = (inrfit(*words, "--threads", count).results[0] for count in (1, 3))
    assert one["step_psnr"] == three["step_psnr"]


def test_the_windows_are_those_of_the_init(folder):
    whole = read(folder / "maml.safetensors")
    whole = replace(whole, config=replace(whole.config, view="whole"))
    signal = pictures(1, 32, 16)[0]
    (seen,) = windows(whole, [signal]).values()
    assert seen.domain.shape == (8, 8)
    (cut,) = windows(read(folder / "maml.safetensors"), [signal]).values()
    np.testing.assert_array_equal(cut.dense(), signal.dense()[12:20, 4:12])
    assert not np.array_equal(seen.dense(), cut.dense())


def test_a_report_has_a_curve_for_each_init(folder):
    inits = [word for name in ("maml", "standard") for word in ("--init", folder / f"{name}.safetensors")]
    words = ("meta-eval", folder / "held", *inits, "--steps", "2", "--quiet")
    assert inrfit(*words, "--report", folder / "curves.svg").code == 0
    assert (folder / "curves.svg").read_text().count('class="line"') == 4  # and its key
    assert inrfit(*words, "--report", folder / "curves.html").code == 0
    page = (folder / "curves.html").read_text()
    assert page.count('class="line"') == 4
    assert "standard.safetensors" in page
    inrfit(*words, "--report", folder / "curves.svg").refused("curves.svg exists", "--force", code=1)
    inrfit(*words, "--report", folder / "curves.png").refused("curves.png", ".html or .svg", code=2)
    inrfit(*words, "--report", folder / "maml.safetensors", "-f").refused(".html or .svg", code=2)


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


def test_signals_are_brought_to_the_channels_of_the_init(folder):
    grey = folder / "grey"
    grey.mkdir()
    save(grey / "a.png", pictures(1, channels=1)[0].dense())
    ran = inrfit("meta-eval", grey, "--init", folder / "maml.safetensors", "--json")
    assert ran.results[0]["signals"] == 1


def test_signals_that_are_not_for_the_init_are_told(folder):
    save(folder / "small.png", pictures(1, 6, 6)[0].dense())
    ran = inrfit("meta-eval", folder / "small.png", "--init", folder / "maml.safetensors")
    ran.refused("small.png", "6x6 samples, fewer than --size 8", code=2)
