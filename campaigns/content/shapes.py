"""Which pieces of a mail a person gets: computed once for each answer to all its conditions."""

from collections.abc import Sequence

from campaigns.content.conditions import Condition, Facets, Fence

_MOST_KEPT = 512


class Shapes:
    """The pieces of a text with conditional blocks: literal, joint, literal, ..., literal."""

    def __init__(self, joints: Sequence[object]) -> None:
        opened: list[Condition] = []
        self._around: list[tuple[Condition, ...]] = [()]
        for joint in joints:
            if isinstance(joint, Fence):
                opened = opened[:-1] if joint.condition is None else [*opened, joint.condition]
            self._around += [tuple(opened), tuple(opened)]
        self._conditions = list(dict.fromkeys(each for around in self._around for each in around))
        self._known: dict[tuple[bool, ...], list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._conditions)

    def kept(self, facets: Facets | None) -> list[int]:
        """The places of the pieces for somebody with these facets; None keeps everything."""
        answer = tuple(facets is None or each.holds(facets) for each in self._conditions)
        return self._of(answer)

    def bare(self) -> list[int]:
        """The places of the pieces that everybody gets."""
        return self._of((False,) * len(self._conditions))

    def _of(self, answer: tuple[bool, ...]) -> list[int]:
        if answer not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            holds = dict(zip(self._conditions, answer, strict=True))
            self._known[answer] = [
                place
                for place, around in enumerate(self._around)
                if all(holds[each] for each in around)
            ]
        return self._known[answer]
