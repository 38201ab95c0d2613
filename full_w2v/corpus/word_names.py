"""Names for words that are not text."""

from collections.abc import Hashable, Iterable

from full_w2v.errors import shown


class Spelling:
    """Names for tokens that are not text, so that numbers, tuples or any hashable object can be words.

    A token is text, and its own name, if it is a str that UTF-8 can hold and does not begin with NUL: names
    do.
    """

    def __init__(self) -> None:
        self._names: dict[Hashable, str] = {}
        self._tokens: list[Hashable] = []

    def name(self, token: Hashable) -> str:
        """The name of a token that is not text; equal tokens share it. TypeError if it has no hash."""
        try:
            name = self._names.get(token)
        except TypeError:
            raise TypeError(
                f"expected tokens that are str or have a hash, got the {type(token).__name__} {shown(token)}"
            ) from None
        if name is None:
            name = self._names[token] = f"\0{len(self._tokens)}"
            self._tokens.append(token)
        return name

    def names(self, tokens: Iterable[Hashable]) -> list[str]:
        """The name of each token, which is a text's own self."""
        return [token if _is_text(token) else self.name(token) for token in tokens]  # type: ignore[misc]

    def tokens(self, names: Iterable[str]) -> list[Hashable]:
        """The tokens behind names."""
        if not self._tokens:
            return list(names)
        return [self._tokens[int(name[1:])] if name[:1] == "\0" else name for name in names]


def _is_text(token: object) -> bool:
    """Whether the native counter takes a token as it is."""
    if not isinstance(token, str) or token.startswith("\0"):
        return False
    return token.isascii() or not any("\ud800" <= character <= "\udfff" for character in token)
