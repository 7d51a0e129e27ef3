"""The fit: same bits with any threads and after any break, targets met, time kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inrfit import api
from inrfit.codec.write import dumps
from inrfit.device import pick_device
from inrfit.errors import ConfigError, FitError, Interrupted
from inrfit.fitting import checkpoint
from inrfit.fitting.measure import measured
from inrfit.fitting.progress import Progress

SMALL = {"grid": (2, 3), "hidden_features": 6, "hidden_layers": 1, "steps": 12}


def fitted(picture, progress=None, resume=None, **options):
    plan = api.plan(picture, device="cpu", **{**SMALL, **options})
    return api.run(plan, progress=progress, resume=resume)


def interrupted_at(picture, step, **options):
    """Return the checkpoint of a fit that was stopped after `step` steps."""
    seen, kept = [], []
    progress = Progress(on_event=seen.append, stop=lambda: len(seen) >= step, save=kept.append)
    with pytest.raises(Interrupted, match=f"after {step} of"):
        fitted(picture, progress, **options)
    return kept[-1]


@pytest.mark.parametrize("options", [{}, {"points": 150}, {"partition": "seg", "grid": None, "heads": 2}])
def test_the_file_does_not_depend_on_threads_or_a_break(picture, options):
    whole = dumps(fitted(picture, threads=1, **options))
    assert dumps(fitted(picture, threads=3, **options)) == whole
    state = interrupted_at(picture, 5, threads=3, **options)
    assert dumps(fitted(picture, resume=state, threads=2, **options)) == whole


def test_a_break_survives_the_checkpoint_file(picture, tmp_path):
    whole = dumps(fitted(picture))
    checkpoint.save(interrupted_at(picture, 7), tmp_path / "a.ckpt", {"input": "x"})
    state = checkpoint.load(tmp_path / "a.ckpt", {"input": "x"})
    assert dumps(fitted(picture, resume=state)) == whole


def test_the_seed_decides(picture):
    assert dumps(fitted(picture, seed=1)) == dumps(fitted(picture, seed=1))
    assert fitted(picture, seed=1).psnr != fitted(picture, seed=2).psnr


def test_memory_budget_changes_nothing_but_memory(picture):
    big = np.tile(picture, (8, 8, 1))
    options = {"grid": (4, 4), "steps": 3}
    kept = fitted(big, **options)
    # 55,296 samples of 2 + 3 + 1 floats are more than the smallest budget of 1 MiB
    assert dumps(fitted(big, memory=1 << 20, **options)) == dumps(kept)


def test_a_region_learns_the_same_alone_and_among_others(picture):
    """Local networks are independent: a fit of the left half is the left half of a fit."""
    whole = fitted(picture, grid=(1, 2), weights="float32")
    half = api.plan(
        picture[:, :18],
        device="cpu",
        **{**SMALL, "grid": (1, 1), "model": "partitioned", "weights": "float32"},
    )
    alone = api.run(half)
    for name, weights in alone.weights.items():
        assert np.allclose(weights[0], whole.weights[name][0], atol=2e-5), name


def test_quality_reported_is_that_of_the_decoded_output(picture):
    field = fitted(picture, steps=60)
    error = (field.decode().astype(float) - picture) / 255
    assert field.psnr == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-4)
    shares = np.array(field.partition.areas) / field.domain.size
    exact = measured(field, api.read(picture), pick_device("cpu"))
    assert 10 * np.log10(4 / np.sum(shares * exact.mse)) == pytest.approx(field.psnr, abs=1e-4)
    kept = np.sum(shares * field.mse)  # rounded as a file keeps them: by a factor of 2^(1/2048) at most
    assert 10 * np.log10(4 / kept) == pytest.approx(field.psnr, abs=0.0015)


def test_fitting_improves_on_the_start_and_events_say_so(picture):
    events = []
    field = fitted(picture, Progress(on_event=events.append), steps=150, hidden_features=12)
    assert [event.step for event in events] == list(range(150))
    assert field.psnr > events[0].psnr + 15
    assert events[-1].psnr == pytest.approx(field.psnr, abs=1.0)
    assert events[3].loss == pytest.approx(4 / 10 ** (events[3].psnr / 10))


def test_first_event_is_the_error_of_the_initial_weights(picture):
    events = []
    plan = api.plan(picture, device="cpu", **SMALL)
    fitted(picture, Progress(on_event=events.append), steps=1)
    from make.rendered import render

    from inrfit.models.description import initial_weights

    field = fitted(picture, steps=1)
    ids = range(len(field.partition))
    start = replace(field, weights=initial_weights(field.description, ids, 0))
    error = render(start, device=plan.device) - field.info.to_unit(picture)
    assert events[0].loss == pytest.approx(np.mean(error**2), rel=1e-5)


def test_target_psnr_is_reached_and_not_exceeded_by_more_than_a_tenth(picture):
    field = fitted(picture, steps=400, hidden_features=12, target_psnr=21.0)
    assert 21.0 <= field.psnr <= 21.1
    assert field.steps < 400


def test_target_and_resume_give_the_same_file(picture):
    options = {"steps": 400, "hidden_features": 12, "target_psnr": 21.0}
    whole = fitted(picture, **options)
    state = interrupted_at(picture, whole.steps, **options)
    assert dumps(fitted(picture, resume=state, **options)) == dumps(whole)


def test_a_target_out_of_reach_uses_all_steps(picture):
    field = fitted(picture, steps=12, target_psnr=90.0)
    assert (field.steps, field.psnr < 90) == (12, True)


@pytest.mark.parametrize(
    ("first", "each", "steps"),
    [(1.0, 1.0, 20), (6.0, 0.5, 29), (4.0, 3.0, 6), (9.0, 4.0, 3), (15.0, 1.0, 1), (30.0, 30.0, 1)],
)
def test_max_time_is_kept_by_the_steps_that_fit(picture, monkeypatch, first, each, steps):
    """By a clock on which the first step takes longer than the others, as it also prepares; 20 seconds are given."""
    events = []

    def clock():
        return 0.0 if not events else first + (len(events) - 1) * each

    monkeypatch.setattr("time.monotonic", clock)
    field = fitted(picture, Progress(on_event=events.append), steps=500, max_time=20.0)
    assert field.steps == steps == len(events)
    assert (events[0].steps, events[-1].steps) == (500, steps if steps > 1 else 500)
    assert clock() <= max(20.0, first)


def test_resume_keeps_the_number_of_steps_that_max_time_fixed(picture, monkeypatch):
    clock = iter(np.arange(0, 1e6, 0.25))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    options = {"steps": 500, "max_time": 20.0}
    state = interrupted_at(picture, 9, **options)
    assert fitted(picture, resume=state, **options).steps == state.steps < 500


def test_divergence_is_an_error_that_names_the_rate(picture):
    with pytest.raises(FitError, match="weights do not fit into float16") as caught:
        fitted(picture, lr=1e6 - 1, steps=1, optimiser="adam", weights="float16")
    assert "--lr 999999" in caught.value.hint


def test_a_loss_that_is_not_finite_is_an_error():
    signal = np.array([[0.0, 1.0]])
    with pytest.raises(FitError, match="the loss is"):
        fitted(
            signal,
            grid=(1, 1),
            lr=1e5,
            steps=400,
            schedule="constant",
            activation="relu",
            hidden_layers=8,
            optimiser="adam",
        )


def test_weights_that_give_no_finite_values_are_an_error():
    """The last update may overflow what the loss before it did not show."""
    huge = {"lr": 9e5, "steps": 1, "schedule": "constant", "activation": "relu", "hidden_layers": 20}
    huge |= {"optimiser": "adam"}
    with pytest.raises(FitError, match="not finite"):
        fitted(np.array([[0.0, 1.0]]), grid=(1, 1), weights="float32", **huge)


def test_a_fit_runs_where_the_caller_has_switched_gradients_off(picture):
    with torch.no_grad():
        off = fitted(picture, threads=1)
    assert dumps(off) == dumps(fitted(picture, threads=1))


def test_threading_of_torch_is_left_as_it_was(picture):
    before = torch.get_num_threads()
    fitted(picture, steps=1)
    assert torch.get_num_threads() == before


def test_fit_stays_a_function_whatever_is_imported():
    import inrfit.cli.fit
    import inrfit.fitting.loop

    assert callable(inrfit.fit)


class TestCheckpoint:
    def state(self):
        return checkpoint.Checkpoint(step=3, steps=9, tensors={"w": np.arange(4, dtype=np.float32)})

    def test_round_trip(self, tmp_path):
        checkpoint.save(self.state(), tmp_path / "c", {"input": "a"})
        back = checkpoint.load(tmp_path / "c", {"input": "a"})
        assert (back.step, back.steps) == (3, 9)
        assert back.tensors["w"].tolist() == [0, 1, 2, 3]

    def test_another_input_or_option_is_refused_with_both_values(self, tmp_path):
        checkpoint.save(self.state(), tmp_path / "c", {"input": "a", "fit.lr": "0.1"})
        with pytest.raises(ConfigError, match=r"fit\.lr was 0\.1, now 0\.2"):
            checkpoint.load(tmp_path / "c", {"input": "a", "fit.lr": "0.2"})

    @pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100])
    def test_damaged_ones_are_refused(self, tmp_path, content):
        (tmp_path / "c").write_bytes(content)
        with pytest.raises(ConfigError, match="not a usable checkpoint"):
            checkpoint.load(tmp_path / "c", {})

    def test_a_flipped_bit_in_the_numbers_is_noticed(self, tmp_path):
        checkpoint.save(self.state(), tmp_path / "c", {})
        data = bytearray((tmp_path / "c").read_bytes())
        data[-1] ^= 1
        (tmp_path / "c").write_bytes(data)
        with pytest.raises(ConfigError, match="checksum"):
            checkpoint.load(tmp_path / "c", {})

    def test_what_parts_keep_is_told_apart(self):
        state = self.state().beside("a", {"x.y": np.ones(1)}).beside("ab", {"z": np.zeros(2)}, step=5)
        assert (state.step, state.steps) == (5, 9)
        assert list(state.of("a")) == ["x.y"]
        assert list(state.of("ab")) == ["z"]
        assert state.of("b") == {}

    def test_one_of_an_older_format_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoint, "FORMAT", "inrfit checkpoint 2")
        checkpoint.save(self.state(), tmp_path / "c", {})
        monkeypatch.undo()
        with pytest.raises(ConfigError, match="not a usable checkpoint"):
            checkpoint.load(tmp_path / "c", {})

    def test_other_safetensors_files_are_refused(self, tmp_path):
        from safetensors.numpy import save_file

        save_file({"w": np.zeros(2, np.float32)}, tmp_path / "c")
        with pytest.raises(ConfigError, match="not a usable checkpoint"):
            checkpoint.load(tmp_path / "c", {})
