# SPDX-License-Identifier: BSD-3-Clause
"""What must be on an array, sector by sector.

Every sector carries its number and the generation of the write that brought
it, so whatever is read tells where and when it was written.
"""

import array
import struct

SECTOR = 512


class Failure(Exception):
    """Something is not as it must be."""


def expect(what, seen, wanted):
    if seen != wanted:
        raise Failure(f"{what}: saw {seen!r}, expected {wanted!r}")


def pick(random_numbers, ranges, most):
    """A part of one of these [(first, count)], of at most so many sectors."""
    first, count = random_numbers.choice(ranges)
    start = random_numbers.randrange(count)
    return first + start, random_numbers.randint(1, min(most, count - start))


ZERO = bytes(SECTOR)
JUNK = b"junk" * 128            # nobody wrote this: it was planted


def stamp(first, generations):
    """The bytes of these sectors; generation 0 is zeroes."""
    pack = struct.Struct("<QQ").pack
    return b"".join(pack(sector, generation) * 32 if generation else ZERO
                    for sector, generation in enumerate(generations, first))


def told(sector):
    """What a sector that was read says about itself."""
    if sector == ZERO:
        return "zeroes"
    if sector == JUNK:
        return "junk"
    number, generation = struct.unpack_from("<QQ", sector)
    if sector != sector[:16] * 32:
        return f"no stamp ({sector[:16].hex()}...)"
    return f"sector {number} of write {generation}"


class Content:
    """What each sector of an array must hold.

    @now: the generation of the last acknowledged write.
    @maybe: sector to a set of generations, any of which it may hold: a write
    that was never acknowledged, or a trim.  What is read first decides.
    @planted: sectors of which some copy was made wrong, not to be looked at.
    """

    def __init__(self, sectors):
        self.now = array.array("Q", bytes(8 * sectors))
        self.maybe = {}
        self.planted = set()
        self.last = 0

    def write(self, first, count):
        """The next write: its generation."""
        self.last += 1
        self.is_written(first, count, self.last)
        return self.last

    def is_written(self, first, count, generation):
        self.now[first:first + count] = \
            array.array("Q", [generation]) * count
        for sector in range(first, first + count):
            self.maybe.pop(sector, None)
        self.planted.difference_update(range(first, first + count))

    def may_be_written(self, first, count, generation):
        for sector in range(first, first + count):
            self.maybe.setdefault(sector, {self.now[sector]}).add(generation)

    def compare(self, what, first, data):
        """These sectors were read."""
        count = len(data) // SECTOR
        if data == stamp(first, self.now[first:first + count]) and \
                not self.maybe:
            return
        wrong = []
        for i in range(count):
            seen = data[i * SECTOR:(i + 1) * SECTOR]
            sector = first + i
            if sector in self.planted:
                continue
            allowed = self.maybe.get(sector, {self.now[sector]})
            for generation in allowed:
                if seen == stamp(sector, [generation]):
                    self.now[sector] = generation
                    self.maybe.pop(sector, None)
                    break
            else:
                wrong.append((sector, told(seen), sorted(allowed)))
        if wrong:
            sector, seen, allowed = wrong[0]
            raise Failure(f"{what}: sector {sector} holds {seen}, expected "
                          f"write {' or '.join(map(str, allowed))} (0: "
                          f"zeroes); {len(wrong)} sectors are wrong")
