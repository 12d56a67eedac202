package io.ncc.engine;

import io.ncc.checkin.testsupport.GroupBench;

/** The group that the tests of the engine work with: the one of a {@link GroupBench}. */
final class TestGroup {

    static final GroupKeys GROUP_KEYS = GroupBench.KEYS.totalsGroup(GroupKeys::new);

    private TestGroup() {}
}
