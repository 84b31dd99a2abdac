"""What a piece of work reads once; nothing outlives the work it was read for."""

from apps.core.work.memory import once, remembering


class Reader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.asked


class TestRemembering:
    def test_inside_a_piece_of_work_it_is_read_once(self) -> None:
        read = Reader()
        with remembering():
            found = [once("owners", read), once("owners", read)]

        assert found == [1, 1]

    def test_outside_nothing_is_remembered(self) -> None:
        read = Reader()

        assert [once("owners", read), once("owners", read)] == [1, 2]

    def test_the_next_piece_of_work_reads_anew(self) -> None:
        read = Reader()
        with remembering():
            once("owners", read)
        with remembering():
            found = once("owners", read)

        assert found == 2

    def test_nothing_is_remembered_too(self) -> None:
        asked: list[int] = []
        with remembering():
            for _ in range(2):
                once("app", lambda: asked.append(1))

        assert asked == [1]
