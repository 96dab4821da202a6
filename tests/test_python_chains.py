"""Chains of LangChain and query engines of LlamaIndex as candidates, with the real libraries' own objects."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import weakspot
from conftest import probe
from weakspot.artifacts.reference import parse
from weakspot.errors import RequestRejected
from weakspot.models.python_object import PythonObject, offer
from weakspot.records import Message, Reply, Request, to_json


def ask(thing: Any, *requests: Request, options: str = "") -> list[Reply]:
    """An object's replies to requests."""

    async def run() -> list[Reply]:
        model = PythonObject(parse(offer(thing) + options))
        try:
            await model.open()
            return [await model.generate(request) for request in requests]
        finally:
            await model.close()

    return asyncio.run(run())


def question(text: str) -> Request:
    """One question."""
    return Request(messages=(Message("user", text),))


DIALOGUE = Request(messages=(Message("user", "a"), Message("assistant", "b"), Message("user", "c")))


class TestLangChain:
    """Needs langchain-core."""

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("langchain_core", reason="needs the [langchain] extra", exc_type=ImportError)

    def test_a_chain_of_prompt_and_model(self) -> None:
        """A prompt with one variable, a chat model and a parser: the question goes into the variable."""
        from langchain_core.language_models import FakeListChatModel
        from langchain_core.output_parsers import StrOutputParser
        from langchain_core.prompts import ChatPromptTemplate

        prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")])
        model = FakeListChatModel(responses=["yes", "no"])
        assert [reply.text for reply in ask(prompt | model, question("x"), question("y"))] == ["yes", "no"]
        assert ask(prompt | model | StrOutputParser(), question("x"))[0].text == "yes"
        filled = prompt | (lambda value: value.to_string())
        assert ask(filled, question("who?"))[0].text == "System: Be kind.\nHuman: who?"

    def test_a_chat_model_gets_the_turns(self) -> None:
        """A chat model takes messages, so that a dialogue reaches it as one."""
        from langchain_core.language_models import BaseChatModel
        from langchain_core.messages import AIMessage
        from langchain_core.outputs import ChatGeneration, ChatResult

        class Turns(BaseChatModel):
            @property
            def _llm_type(self) -> str:
                return "turns"

            def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any) -> ChatResult:
                text = " | ".join(f"{m.type}: {m.content}" for m in messages)
                parts = [{"type": "text", "text": text}, {"type": "reasoning", "reasoning": "hidden"}]
                return ChatResult(generations=[ChatGeneration(message=AIMessage(content=parts))])

        assert ask(Turns(), DIALOGUE)[0].text == "human: a | ai: b | human: c"

    def test_lambdas_plain_and_async(self) -> None:
        """A RunnableLambda over a plain or an async function answers a text."""
        from langchain_core.runnables import RunnableLambda

        async def later(text: str) -> str:
            await asyncio.sleep(0)
            return text + "!"

        assert ask(RunnableLambda(str.upper), question("hi"))[0].text == "HI"
        assert ask(RunnableLambda(later), question("hi"))[0].text == "hi!"

    def test_a_retrievers_documents_are_kept(self) -> None:
        """A retrieval chain's documents come along as sources, with where they are from."""
        from langchain_core.documents import Document
        from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough

        def retrieve(text: str) -> list[Document]:
            return [Document(page_content=f"about {text}", metadata={"source": "manual.pdf"})]

        chain = RunnableParallel(
            context=RunnableLambda(retrieve), question=RunnablePassthrough()
        ) | RunnablePassthrough.assign(answer=lambda given: given["context"][0].page_content.upper())
        [reply] = ask(chain, question("returns"))
        assert reply.text == "ABOUT RETURNS"
        assert [(source.text, source.name) for source in reply.sources] == [("about returns", "manual.pdf")]

    def test_a_prompt_of_two_variables_needs_a_word(self) -> None:
        """Where a chain takes several values, the error names them and the option that picks one."""
        from langchain_core.prompts import PromptTemplate

        with pytest.raises(RequestRejected, match=r"customer.*order|order.*customer") as caught:
            ask(PromptTemplate.from_template("{customer} {order}"), question("x"))
        assert "?input=" in caught.value.hint

    def test_a_run_over_a_chain(self, tmp_path: Path, own_cache: Path) -> None:
        """`compare` takes a chain as it is, beside a reference, and scores both on the same items."""
        from langchain_core.language_models import FakeListChatModel

        suite = tmp_path / "suite.jsonl"
        suite.write_bytes(b"".join(to_json(probe(name)) + b"\n" for name in "abcd"))
        model = FakeListChatModel(responses=["yes"], name="support")
        run = weakspot.compare([model, "scripted:abstain"], suite=suite, out=tmp_path / "run", cache=False)
        assert {name: row.pooled.failed for name, row in run.summary.models.items()} == {
            "FakeListChatModel": 0,
            "scripted:abstain": 4,
        }


class TestLlamaIndex:
    """Needs llama-index-core."""

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("llama_index.core", reason="needs the [llama-index] extra", exc_type=ImportError)

    def test_a_query_engine_with_its_nodes(self) -> None:
        """A retriever query engine's answer is the text, and its nodes with their scores are the sources."""
        from llama_index.core.llms import MockLLM
        from llama_index.core.query_engine import RetrieverQueryEngine
        from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
        from llama_index.core.retrievers import BaseRetriever
        from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

        class Shelf(BaseRetriever):
            def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
                node = TextNode(text=f"page on {query_bundle.query_str}", metadata={"file_name": "book.txt"})
                return [NodeWithScore(node=node, score=0.75)]

        maker = get_response_synthesizer(llm=MockLLM(), response_mode=ResponseMode.COMPACT)
        [reply] = ask(RetrieverQueryEngine(retriever=Shelf(), response_synthesizer=maker), question("bees"))
        assert "page on bees" in reply.text
        assert [(s.text, s.name, s.score) for s in reply.sources] == [("page on bees", "book.txt", 0.75)]

    def test_sources_stand_beside_the_reply(self, tmp_path: Path, own_cache: Path) -> None:
        """What a candidate's own retrieval found stands on the category's page beside its reply, as text."""
        from llama_index.core.llms import MockLLM
        from llama_index.core.query_engine import RetrieverQueryEngine
        from llama_index.core.response_synthesizers import get_response_synthesizer
        from llama_index.core.retrievers import BaseRetriever
        from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

        class Shelf(BaseRetriever):
            def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
                node = TextNode(text="<script>all about bees</script>", metadata={"file_name": "book.txt"})
                return [NodeWithScore(node=node, score=0.75)]

        engine = RetrieverQueryEngine(retriever=Shelf(), response_synthesizer=get_response_synthesizer(llm=MockLLM()))
        suite = tmp_path / "suite.jsonl"
        suite.write_bytes(to_json(probe("a")) + b"\n")
        weakspot.compare([engine], suite=suite, out=tmp_path / "run", cache=False)
        [page] = (tmp_path / "run").glob("category-*.html")
        text = page.read_text("utf-8")
        assert "1 text from its own retrieval" in text
        assert "book.txt: &lt;script&gt;all about bees" in text

    def test_a_custom_query_engine(self) -> None:
        """A team's own engine that gives a text is asked as it is."""
        from llama_index.core.query_engine import CustomQueryEngine

        class Own(CustomQueryEngine):
            def custom_query(self, query_str: str) -> str:
                return f"you asked: {query_str}"

        assert ask(Own(), question("why?"))[0].text == "you asked: why?"
