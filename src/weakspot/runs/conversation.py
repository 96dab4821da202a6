"""One probe's turns: which request comes next, given the replies so far."""

from weakspot.records import Message, Probe, Reply, Request


class Conversation:
    """Walks through a probe's messages; assistant turns without content are filled by the model.

    A reply goes back into the dialogue stripped of outer white space, as every chat interface does.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.replies: list[Reply] = []
        self._said: list[Message] = []
        self._left = list(probe.messages or ())
        self._finished = False

    def next(self) -> Request | None:
        """The next request, or None when the last reply is there. Call `take` before asking again."""
        if self._finished:
            return None
        if self.probe.prompt is not None:
            return self._request(prompt=self.probe.prompt)
        while self._left and not (self._left[0].role == "assistant" and self._left[0].content is None):
            self._said.append(self._left.pop(0))
        return self._request()

    def take(self, reply: Reply) -> None:
        """Put a reply into the dialogue."""
        self.replies.append(reply)
        if self._left:
            self._left.pop(0)
            self._said.append(Message("assistant", reply.text.strip()))
        self._finished = not self._left

    def _request(self, prompt: str | None = None) -> Request:
        how = self.probe.generation
        return Request(
            messages=() if prompt is not None else tuple(self._said),
            prompt=prompt,
            max_tokens=how.max_tokens,
            stop=how.stop,
            multiline=how.multiline,
            temperature=how.temperature,
            top_p=how.top_p,
            seed=how.seed,
            json_schema=how.json_schema,
            choices=self._choices(),
        )

    def _choices(self) -> tuple[str, ...]:
        """Where the last reply is scored by likelihood, the continuations to weigh; else nothing."""
        expect = self.probe.expect
        if expect.get("type") != "likelihood" or len(self._left) > 1:
            return ()
        delimiter = str(expect.get("delimiter", " "))
        return tuple(delimiter + str(choice) for choice in expect.get("choices", ()))
