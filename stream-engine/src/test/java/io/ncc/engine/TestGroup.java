package io.ncc.engine;

import io.ncc.checkin.testsupport.GroupBench;

/** The group that the tests of the engine work with: the one of a {@link GroupBench}. */
final class TestGroup {

    static final GroupKeys GROUP_KEYS = new GroupKeys(
            GroupBench.STREAM,
            GroupBench.GROUP,
            GroupBench.KEYS.checkpoint(),
            GroupBench.KEYS.settledRanges(),
            GroupBench.KEYS.totals(),
            GroupBench.KEYS.deadLetters(),
            GroupBench.KEYS.deadLetterIds(),
            GroupBench.KEYS.projections(),
            GroupBench.KEYS.probe());

    private TestGroup() {}
}
