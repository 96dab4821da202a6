"""`weakspot look` through its call and its command, on tiny models saved as folders, and on a real one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

import weakspot  # noqa: E402 - behind the skip
from transformers_fixture import CONTEXT, byte_tokenizer, made_folders, space_tokenizer, tiny  # noqa: E402
from weakspot.cli.main import main  # noqa: E402
from weakspot.errors import ContextExceeded, ModelError, NotARun, UsageError, WeakspotError  # noqa: E402
from weakspot.records.look import Look  # noqa: E402

pytestmark = pytest.mark.torch
PROMPT = "the cat sat on the mat, the cat"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A LLaMA, a GPT-2 and a T5, tiny and random."""
    return made_folders(tmp_path_factory.mktemp("look"))


def seen(folder: Path, prompt: str = PROMPT, **more: Any) -> Look:
    """One look on one thread."""
    look: Look = weakspot.look(f"{folder}?threads=1", prompt, **more).look
    return look


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_decoder_is_seen_whole(folders: dict[str, Path], kind: str) -> None:
    """Every token has its surprisal and contributions, every head its measures, every layer its lens."""
    look = seen(folders[kind])
    assert "".join(token.text for token in look.tokens) == PROMPT
    assert look.tokens[0].surprisal is None
    assert all(token.surprisal is not None and token.surprisal >= 0 for token in look.tokens[1:])
    assert all(token.ablation is not None and token.gradient is not None for token in look.tokens)
    assert len(look.heads) == len(look.maps) == 8
    assert all(head.induction is not None for head in look.heads)
    assert [one.layer for one in look.lens] == [0, 1, 2]
    assert look.lens[-1].rank == look.answer.rank == 0
    assert look.answer.likeliest[0][0] == look.answer.text
    assert not look.answer.given
    assert look.induction is not None
    assert look.notes == ()


def test_an_encoder_decoder_is_seen_whole(folders: dict[str, Path]) -> None:
    """Encoder, decoder and cross attention are there, the answer is what the model would write, and no induction."""
    look = seen(folders["t5"], "the cat and all the rest")
    assert {head.stack for head in look.heads} == {"encoder", "decoder", "cross"}
    assert look.layers == {"encoder": 2, "decoder": 2}
    assert len(look.target) == 1 + len(look.answer.ids)
    assert look.target[1].surprisal is not None
    assert all(token.surprisal is None for token in look.tokens)
    assert look.induction is None
    assert {one.stack for one in look.residual} == {"encoder", "decoder"}


def test_surprisal_is_the_backends_own(folders: dict[str, Path]) -> None:
    """The surprisal of each token, in bits, is what the backend gives as its log-probability in nats."""
    from transformers_fixture import opened

    async def scored(model: Any) -> Any:
        return await model.prompt_logprobs(PROMPT)

    theirs = [-one.logprob / 0.6931471805599453 for one in opened(folders["llama"], scored)]
    ours = [token.surprisal for token in seen(folders["llama"]).tokens[1:]]
    assert ours == pytest.approx(theirs, abs=1e-3)


def test_an_answer_of_several_tokens_is_summed(folders: dict[str, Path]) -> None:
    """The log-probability of a given answer is the sum that likelihood scoring gives for the same continuation."""
    from transformers_fixture import opened

    async def scored(model: Any) -> Any:
        return await model.score_choices(PROMPT, [" sat on"])

    [choice] = opened(folders["gpt2"], scored)
    look = seen(folders["gpt2"], answer=" sat on", experiments=weakspot.Experiments(induction=False))
    assert look.answer.given
    assert look.answer.logprob == pytest.approx(choice.logprob, abs=1e-3)


def test_the_command_prints_json_and_a_table(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is the record without its pictures, `--maps` with them; without it there are sentences."""
    words = [
        "look",
        f"{folders['llama']}?threads=1",
        PROMPT,
        "--ablate",
        "L1H2",
        "--ablate",
        "L0H0+L1H1",
        "--no-induction",
    ]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["heads"] for one in found["ablations"]] == [["L1H2"], ["L0H0", "L1H1"]]
    assert len(found["ablations"][0]["others"]) == 3
    assert found["maps"] == []
    assert main([*words, "--json", "--maps"]) == 0
    assert len(json.loads(capsys.readouterr().out)["maps"]) == 8
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Without L1H2 the answer is" in said
    assert "rank correlation" in said


def test_a_second_prompt_is_patched_in(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """`--patch` says where the difference between two prompts is carried; equal answers are refused in one sentence."""
    words = ["look", f"{folders['gpt2']}?threads=1", "the cat", "--no-induction", "--json", "--patch"]
    others = ["one two three", "mat on sat", "five", "the mat"]
    codes = []
    for other in others:
        codes.append(main([*words, other]))
        out = capsys.readouterr()
        if codes[-1] == 0:
            found = json.loads(out.out)["patching"]
            assert found["residual"]
            assert found["own"] > 0 > found["other"]
        else:
            assert "Both prompts are answered" in out.err
    assert 0 in codes


def test_a_model_without_heads_is_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A state-space model has no heads: that is noted, all else is seen, its stream is patched, and no list is empty."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(3)
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None}
    config = library.MambaConfig(hidden_size=16, num_hidden_layers=2, state_size=4, initializer_range=0.5, **ids)
    library.MambaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert main(["look", f"{tmp_path}?threads=1", "the cat", "--patch", "one two three"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "No attention was found" in out
    assert "patched residual after layer 1" in out
    assert "each: ." not in out


def test_what_can_not_be_patched_is_told_before_anything_is_measured(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two prompts with one answer are refused after two passes, not after all else that was asked was computed."""
    assert main(["look", f"{folders['llama']}?threads=1", "the cat", "--patch", "the cat"]) == 2
    err = capsys.readouterr().err
    assert "Both prompts are answered" in err
    assert "taking tokens out" not in err
    assert "repeating random tokens" not in err


def test_an_answer_is_cut_as_it_stands_behind_the_prompt(tmp_path: Path) -> None:
    """Where the tokenizer puts a space in front of every text, an answer gets no second one, and is whole text."""
    tokenizer = space_tokenizer()
    tiny("llama", len(tokenizer)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    look = seen(tmp_path, "the cat", answer=" and rest", experiments=weakspot.Experiments(induction=False))
    read, whole = (tuple(tokenizer(text)["input_ids"][:-1]) for text in ("the cat", "the cat and rest"))
    assert tuple(token.id for token in look.tokens) + look.answer.ids == whole
    assert len(whole) > len(read)
    split = seen(tmp_path, "the cat", answer=" 東", experiments=weakspot.Experiments(induction=False))
    assert split.answer.text == " 東"  # three tokens of a byte each
    assert len(split.answer.ids) > 3


def test_a_look_is_the_same_twice(folders: dict[str, Path]) -> None:
    """Random tokens and random heads hang on the seed alone: two looks with one seed are one record."""
    assert seen(folders["llama"]) == seen(folders["llama"])


def test_a_long_prompt_is_tiled(tmp_path: Path) -> None:
    """2,000 tokens do not crash: pictures are tiled, tokens are ablated in groups, and all figures are finite."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    config = library.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=4096, initializer_range=0.5, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    library.LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    look = seen(tmp_path, "xy" * 1000, experiments=weakspot.Experiments(induction=False))
    assert len(look.tokens) == 2000
    assert all(one.rows <= 96 and one.row_tile == 21 for one in look.maps)
    assert look.tokens[-1].group == 124
    assert all(len(row) <= 128 for row in look.residual[0].norms)
    assert len(json.dumps(weakspot.registry.load("faces", "to_builtins")(look))) < 3_000_000


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["x"], 2, "either a prompt or a run's item"),
        (["x", ""], 28, "Nothing is left"),
        (["x", "the cat", "--ablate", "L7H0"], 2, "no head"),
        (["x", "the cat", "--ablate", "banana"], 2, "names no head"),
        (["x", "the cat", "--answer", ""], 2, "no tokens"),
        (["x", "the cat", "--run", "nowhere"], 2, "go together"),
        (["x", "a" * 400], 27, "tokens, and the model reads"),
        (["x", "the cat", "--patch", ""], 28, "Nothing is left"),
        (["x", "a" * 250, "--answer", "bcdefgh"], 27, "Prompt and answer have 257 tokens"),
    ],
)
def test_what_makes_no_sense_is_told(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    """Bad input gives one sentence, a hint and an exit code."""
    assert main(["look", f"{folders['llama']}?threads=1", *words[1:], "--no-induction"]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_what_was_seen_is_told_though_the_page_can_not_be_written(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that can't be written costs an exit code, not the minutes that the look took."""
    words = [f"{folders['llama']}?threads=1", "the cat", "--no-induction", "--json", "--html", str(tmp_path)]
    assert main(["look", *words]) == 2
    out = capsys.readouterr()
    assert "can't be written" in out.err
    assert json.loads(out.out)["tokens"]


def test_a_stand_in_that_is_none_is_refused(folders: dict[str, Path]) -> None:
    """From Python, too, a word that is no way to take a head out is told, and not taken for zero."""
    with pytest.raises(UsageError, match="'Mean'"):
        seen(folders["llama"], experiments=weakspot.Experiments(ablate=("L0H0",), how="Mean"))  # type: ignore[arg-type]


def test_weights_that_are_no_numbers_are_told(folders: dict[str, Path], tmp_path: Path) -> None:
    """A model with NaN in its weights is told before anything is measured."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folders["llama"], tmp_path / "nan")
    weights = load_file(tmp_path / "nan" / "model.safetensors")
    name = next(one for one in weights if "o_proj" in one)
    weights[name][0, 0] = float("nan")
    save_file(weights, tmp_path / "nan" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="no numbers"):
        seen(tmp_path / "nan")


def test_the_context_and_the_run_are_checked(folders: dict[str, Path], tmp_path: Path) -> None:
    """A prompt and an answer that do not fit together, and a folder that is no run, are told."""
    with pytest.raises(ContextExceeded):
        seen(folders["llama"], "x" * (CONTEXT - 2), answer="yyyy")
    with pytest.raises(NotARun):
        weakspot.look("llama", item=(tmp_path, "a"))
    with pytest.raises(UsageError):
        weakspot.look(str(folders["llama"]), "a", item=(tmp_path, "a"))
    with pytest.raises(WeakspotError):
        weakspot.look("scripted:echo", "a")


def test_an_item_of_a_run_is_read_as_it_was_fed(folders: dict[str, Path], tmp_path: Path) -> None:
    """`--run` and `--item` look at the ids that the candidate got, template and all."""
    probes = tmp_path / "probes.jsonl"
    lines = [
        {
            "id": f"p{n}",
            "category": "tokenization",
            "prompt": f"the cat {n}",
            "expect": {"type": "exact", "value": "x"},
        }
        for n in range(3)
    ]
    probes.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    names = [f"{folders[kind]}?threads=1&dtype=float32" for kind in ("llama", "gpt2")]
    run = weakspot.compare(names, suite=probes, out=tmp_path / "run")
    name = next(iter(run.summary.models))
    look = weakspot.look(name, item=(run.folder, "p1"), experiments=weakspot.Experiments(induction=False)).look
    assert "the cat 1" in look.prompt
    assert "".join(token.text for token in look.tokens).endswith(look.prompt[-8:])
    with pytest.raises(NotARun, match="no reply"):
        weakspot.look(name, item=(run.folder, "p9"))
    with pytest.raises(NotARun, match="no candidate"):
        weakspot.look("nobody", item=(run.folder, "p1"))


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.timeout(1500)
def test_smollm2_is_found_again() -> None:
    """In SmolLM2 L18H6, L17H3, L17H4 and L18H7 score above 0.6, and taking out those above it stops the copying.

    L17H4 is the one to remember: 0.8 by score, and by ablation no more than other heads of its layer.
    """
    look = weakspot.look("smollm2", "The Eiffel Tower stands in Paris, which is the capital of").look
    scores = {f"L{head.layer}H{head.head}": head.induction or 0 for head in look.heads}
    assert all(scores[name] > 0.6 for name in ("L18H6", "L17H3", "L17H4", "L18H7"))
    assert look.induction is not None
    together, *alone = look.induction.effects
    assert together.as_large == 0
    assert together.effect < -0.5 * (look.induction.loss_first - look.induction.loss_repeated)
    by_name = {one.heads: one for one in alone}
    assert by_name["L18H6",].as_large == 0
    assert by_name["L17H4",].as_large > 0
    sinks = [head.sink for head in look.heads if 20 <= head.layer <= 24]
    assert sum(sinks) / len(sinks) > 0.6
    assert look.answer.text == " France"
